"""What load is expected: for the shortage plans, the pages and the interface."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings

from dsm.models import LoadForecast


@dataclass(frozen=True)
class DayForecast:
    """
    The load expected on a day: 96 quarter-hours from 00:00 local time in kW, the middle and a band of 80 %.

    `issued_at` is the moment of which it is: nothing that became known later was used. `made_at` is when it was
    computed; in a back-cast that is later.
    """

    scope: str
    scope_id: int
    on_day: date
    p10_kw: tuple[int, ...]
    p50_kw: tuple[int, ...]
    p90_kw: tuple[int, ...]
    forecaster: str
    version: str
    issued_at: datetime
    made_at: datetime


def forecast_for(*, scope: str, scope_id: int, on_day: date) -> DayForecast | None:
    """
    The latest forecast of the house's forecaster (`settings.DSM_FORECASTER`) for a day of "system" (id 0) or "feeder".

    None: there is none.
    """
    row = (
        LoadForecast.objects.filter(scope=scope, scope_id=scope_id, day=on_day, forecaster=settings.DSM_FORECASTER)
        .order_by("-issued_at", "-pk")
        .first()
    )
    if row is None:
        return None
    return DayForecast(
        scope=row.scope,
        scope_id=row.scope_id,
        on_day=row.day,
        p10_kw=_kw(row.p10_w),
        p50_kw=_kw(row.p50_w),
        p90_kw=_kw(row.p90_w),
        forecaster=row.forecaster,
        version=row.version,
        issued_at=row.issued_at,
        made_at=row.made_at,
    )


def _kw(watts: list[int]) -> tuple[int, ...]:
    """Whole kW, halves up."""
    return tuple((value + 500) // 1000 for value in watts)
