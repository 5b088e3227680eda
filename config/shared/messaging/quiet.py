"""Quiet hours: what may wake somebody and is not urgent waits for the morning."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.conf import settings


def after_quiet(moment: datetime) -> datetime:
    """
    The moment itself, or the end of the quiet hours it lies in (`MESSAGE_QUIET_HOURS`, billing time zone).

    Hours that end where they begin are none.
    """
    begins, ends = (time.fromisoformat(text) for text in settings.MESSAGE_QUIET_HOURS)
    if begins == ends:
        return moment
    local = moment.astimezone(settings.BILLING_TIME_ZONE)
    now = local.time()
    is_quiet = begins <= now < ends if begins < ends else now >= begins or now < ends
    if not is_quiet:
        return moment
    day = local.date() if now < ends else local.date() + timedelta(days=1)
    return datetime.combine(day, ends, tzinfo=settings.BILLING_TIME_ZONE)
