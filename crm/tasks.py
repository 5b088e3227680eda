"""What the clock starts in customer relations."""

from __future__ import annotations

import logging

from django.utils import timezone

from config.celery import app
from crm.operations import profiles

log = logging.getLogger(__name__)


@app.task(acks_late=True)
def make_profiles(**_future: object) -> None:
    """Begin this night's profiles."""
    run_id = profiles.start_profiles(created_by_id=None, at=timezone.now())
    log.info("profiles begun", extra={"run": run_id})
