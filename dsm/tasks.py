"""What the clock starts on the demand side: yesterday's load, and tomorrow's forecast."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from config.celery import app
from dsm.operations import forecasts, loads


@app.task(acks_late=True)
def aggregate_load(**_future: object) -> None:
    """Compute the load of the last days, those of late curves among them."""
    at = timezone.now()
    yesterday = at.astimezone(settings.BILLING_TIME_ZONE).date() - timedelta(days=1)
    first = yesterday - timedelta(days=settings.DSM_LATE_CURVE_DAYS)
    loads.start_aggregation(first=first, last=yesterday, created_by_id=None, at=at)


@app.task(acks_late=True)
def forecast_tomorrow(**_future: object) -> None:
    """Forecast tomorrow as of the hour at which that is done; started twice it makes nothing twice."""
    at = timezone.now()
    local = at.astimezone(settings.BILLING_TIME_ZONE)
    issued_at = local.replace(hour=settings.DSM_FORECAST_HOUR, minute=0, second=0, microsecond=0)
    forecasts.start_forecasts(
        on_day=local.date() + timedelta(days=1), issued_at=min(issued_at, at), created_by_id=None, at=at
    )
