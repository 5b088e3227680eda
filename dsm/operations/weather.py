"""Weather as the forecasts use it: measured days, and forecasts of days with the moment they were issued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction

from dsm.models import WeatherDay
from dsm.models.loads import SLOTS


@dataclass(frozen=True)
class WeatherToWrite:
    """A day's air temperature in 0.01 °C at 96 quarter-hours; `issued_at` None: it was measured."""

    day: date
    temperature_c_e2: tuple[int, ...]
    issued_at: datetime | None = None


def write_weather(*, days: Sequence[WeatherToWrite], source: str, at: datetime) -> int:
    """
    Write days of weather in two statements; gives how many were handed in. What stands for the same measured day, or
    for the same day and issue, is replaced.

    A measured day counts as known from the end of that day.
    """
    rows = [
        WeatherDay(
            day=one.day,
            kind=WeatherDay.Kind.ACTUAL if one.issued_at is None else WeatherDay.Kind.FORECAST,
            issued_at=one.issued_at or _end_of(one.day),
            temperature_c_e2=list(one.temperature_c_e2),
            source=source,
            written_at=at,
        )
        for one in days
        if _has_slots(one)
    ]
    fields = ["temperature_c_e2", "source", "written_at"]
    with transaction.atomic():
        for kind in WeatherDay.Kind:
            WeatherDay.objects.bulk_create(
                [row for row in rows if row.kind == kind],
                update_conflicts=True,
                unique_fields=["day", "kind", "issued_at"],
                update_fields=fields,
            )
    return len(rows)


def _has_slots(one: WeatherToWrite) -> bool:
    if len(one.temperature_c_e2) != SLOTS:
        raise ValueError(f"a day has {SLOTS} quarter-hours")
    return True


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), settings.BILLING_TIME_ZONE)
