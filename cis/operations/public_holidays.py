"""Public holidays where the database can see them: it refuses cuts around every operation too."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from cis.models import PublicHoliday
from config.shared.calendar import calendar_day


def keep(*, at: datetime) -> int:
    """
    Hold this year's and the next year's holidays against the calendar and write down what is new or otherwise; how
    many rows changed. Two statements; repeated, nothing changes.
    """
    year = at.astimezone(settings.BILLING_TIME_ZONE).year
    first, end = date(year, 1, 1), date(year + 2, 1, 1)
    days = (calendar_day(first + timedelta(days=number)) for number in range((end - first).days))
    names = {one.day: one.holiday for one in days if one.holiday}
    with transaction.atomic(), connection.cursor() as cursor:
        # A weekend that is worked after all is a holiday no longer.
        gone, _kinds = PublicHoliday.objects.filter(day__gte=first, day__lt=end).exclude(day__in=names).delete()
        cursor.execute(
            "INSERT INTO cis_public_holiday (day, name) SELECT * FROM unnest(%s::date[], %s::text[]) "
            "ON CONFLICT (day) DO UPDATE SET name = excluded.name WHERE cis_public_holiday.name <> excluded.name",
            [list(names), list(names.values())],
        )
        written: int = cursor.rowcount
    return gone + written
