"""Clockwork of payments."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from payments.operations.channel_requests import forget_requests


@shared_task
def forget_channel_requests() -> None:
    """Forget nonces and first answers of connected clients that have outlived their purpose."""
    forget_requests(at=timezone.now())
