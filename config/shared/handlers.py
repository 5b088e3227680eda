"""What the floor does when something happened."""

from __future__ import annotations

from django.utils import timezone

from config.shared import jobs, notice_stops
from config.shared.events import handles
from config.shared.messaging.brake import NoticesStopped


@handles(jobs.JobCreated)
def ring_for_job(event: jobs.JobCreated) -> None:
    """A job has work: tell the workers; repeated bells are harmless."""
    jobs.ring(job_id=event.job_id)


@handles(NoticesStopped)
def tell_of_stopped_notices(event: NoticesStopped) -> None:
    """The brake stopped a template: whoever watches is told with the figures; repeated, the same messages are found."""
    notice_stops.tell_watchers(stop_id=event.stop_id, at=timezone.now())
