"""What the clock starts in grid service."""

from __future__ import annotations

import logging

from django.utils import timezone

from config.celery import app
from grid_service.operations import questions

log = logging.getLogger(__name__)


@app.task(acks_late=True)
def pass_on_unanswered(**_future: object) -> None:
    """Pass questions on that nobody answered in time."""
    passed = questions.pass_on(at=timezone.now())
    if passed:
        log.info("questions passed on", extra={"questions": passed})
