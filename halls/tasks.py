"""What the clock starts in halls: the end of the day."""

from __future__ import annotations

import logging

from django.utils import timezone

from config.celery import app
from halls.operations import expire_tickets

log = logging.getLogger(__name__)


@app.task(acks_late=True)
def end_day(**_future: object) -> None:
    """End the tickets of days that are over."""
    ended = expire_tickets(today=timezone.localdate(), at=timezone.now())
    log.info("tickets expired", extra={"tickets": ended})
