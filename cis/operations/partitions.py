"""Partitions of interval curves, made before anybody needs them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

_AHEAD = timedelta(days=100)


def make_ahead(*, at: datetime) -> int:
    """Make the monthly partitions from this month to three months ahead; gives how many were missing."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [today, today + _AHEAD])
        return int(cursor.fetchone()[0])
