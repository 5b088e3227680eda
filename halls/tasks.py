"""What the clock starts in halls: the end of the day."""

from __future__ import annotations

import logging
from dataclasses import asdict

from django.utils import timezone

from config.celery import app
from halls import operations

log = logging.getLogger(__name__)


@app.task(acks_late=True)
def end_day(**_future: object) -> None:
    """End the tickets and duties of days that are over."""
    ended = operations.end_day(today=timezone.localdate(), at=timezone.now())
    log.info("day ended in halls", extra=asdict(ended))
