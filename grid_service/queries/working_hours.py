"""When a district's people are at work: working days of the Chinese calendar, duty hours of the utility."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.conf import settings

from config.shared.calendar import calendar_day


def is_working_time(moment: datetime) -> bool:
    """Whether the moment lies in `GRID_DUTY_HOURS` of a working day, in the billing time zone."""
    local = moment.astimezone(settings.BILLING_TIME_ZONE)
    begins, ends = (time.fromisoformat(text) for text in settings.GRID_DUTY_HOURS)
    return calendar_day(local.date()).is_workday and begins <= local.time() < ends


def answer_due(moment: datetime) -> datetime:
    """When a question that came to somebody at a moment should be answered (`GRID_ANSWER_MIN`)."""
    in_hours, outside = settings.GRID_ANSWER_MIN
    return moment + timedelta(minutes=in_hours if is_working_time(moment) else outside)
