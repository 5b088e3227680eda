"""What the floor does when something happened."""

from __future__ import annotations

from config.shared import jobs
from config.shared.events import handles


@handles(jobs.JobCreated)
def ring_for_job(event: jobs.JobCreated) -> None:
    """A job has work: tell the workers; repeated bells are harmless."""
    jobs.ring(job_id=event.job_id)
