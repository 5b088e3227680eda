"""A day's forecast with what it was made from, and how the forecasts of the last weeks came out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
from django.conf import settings

from dsm.models import LoadDay, LoadForecast
from dsm.queries.loads import DayLoad, known_slots, load_days

MEASURE = "seasonal_naive"
_WORST = 5
RECORD_DAYS = 28


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """The latest forecast for a day: 96 values in W each, and the facts of what it was made from."""

    day: date
    p10_w: tuple[int, ...]
    p50_w: tuple[int, ...]
    p90_w: tuple[int, ...]
    forecaster: str
    version: str
    issued_at: datetime
    made_at: datetime
    made_by: str
    trained_days: int
    trained_from: date
    trained_to: date
    last_known_day: date
    eve_slots: int
    weather: str
    is_measured: bool


@dataclass(frozen=True, slots=True)
class DayError:
    """How the forecast made on a day's eve came out, in 1e-4 (see `ForecastOutcome`); `measure_nmae_e4` that of last
    week's like day in its place, None where there was none."""

    day: date
    nmae_e4: int
    accuracy_e4: int
    coverage_e4: int
    peak_error_e4: int
    measure_nmae_e4: int | None


@dataclass(frozen=True, slots=True)
class SlotError:
    """A quarter-hour (0 to 95) and the mean absolute error of the forecasts in it, in W and in 1e-4 of its load."""

    slot: int
    error_w: int
    error_e4: int


@dataclass(frozen=True, slots=True)
class Record:
    """The day-ahead forecasts of some days that have come out, by day, and the quarter-hours they missed most."""

    days: tuple[DayError, ...]
    worst: tuple[SlotError, ...]


@dataclass(frozen=True, slots=True)
class ForecastSheet:
    """A day's forecast beside the load that came, and how the forecasts of the weeks before came out."""

    day: date
    forecast: ForecastDay | None
    actual: DayLoad | None
    record: Record


def forecast_sheet(*, scope: str, scope_id: int, on_day: date | None, else_day: date) -> ForecastSheet:
    """
    The forecast for a day; without one named, for the last that was forecast, and where none was for `else_day`.

    At most five statements.
    """
    day = on_day or last_forecast_day(scope=scope, scope_id=scope_id) or else_day
    actual = load_days(scope=scope, scope_id=scope_id, first=day, last=day)
    return ForecastSheet(
        day=day,
        forecast=latest_forecast(scope=scope, scope_id=scope_id, on_day=day),
        actual=actual[0] if actual else None,
        record=record(
            scope=scope, scope_id=scope_id, first=day - timedelta(days=RECORD_DAYS), last=day - timedelta(days=1)
        ),
    )


def latest_forecast(*, scope: str, scope_id: int, on_day: date) -> ForecastDay | None:
    """The latest forecast of the house's forecaster for a day; None where there is none."""
    rows = LoadForecast.objects.filter(scope=scope, scope_id=scope_id, day=on_day, forecaster=settings.DSM_FORECASTER)
    row = rows.select_related("made_by").order_by("-issued_at", "-pk").first()
    if row is None:
        return None
    state = row.data_state
    return ForecastDay(
        day=row.day,
        p10_w=tuple(row.p10_w),
        p50_w=tuple(row.p50_w),
        p90_w=tuple(row.p90_w),
        forecaster=row.forecaster,
        version=row.version,
        issued_at=row.issued_at,
        made_at=row.made_at,
        made_by=(row.made_by.display_name or row.made_by.username) if row.made_by else "",
        trained_days=state["trained_days"],
        trained_from=date.fromisoformat(state["trained_from"]),
        trained_to=date.fromisoformat(state["trained_to"]),
        last_known_day=date.fromisoformat(state["last_known_day"]),
        eve_slots=state["eve_slots"],
        weather=state["weather"],
        is_measured=state["is_measured"],
    )


def record(*, scope: str, scope_id: int, first: date, last: date) -> Record:
    """
    How the forecasts for the days from `first` to `last` came out; of each day the last one made before it began.

    Two statements.
    """
    rows = LoadForecast.objects.filter(
        scope=scope, scope_id=scope_id, day__range=(first, last), outcome__isnull=False
    ).select_related("outcome")
    by_day: dict[tuple[date, str], LoadForecast] = {}
    for row in rows.order_by("day", "issued_at"):
        if row.issued_at < datetime.combine(row.day, time(), settings.BILLING_TIME_ZONE):
            by_day[row.day, row.forecaster] = row
    loads = LoadDay.objects.filter(scope=scope, scope_id=scope_id, day__range=(first, last))
    load_of = {row.day: row for row in loads}
    days, errors, actuals = [], [], []
    for (day, forecaster), row in by_day.items():
        if forecaster != settings.DSM_FORECASTER or day not in load_of:
            continue
        measure = by_day.get((day, MEASURE))
        days.append(
            DayError(
                day=day,
                nmae_e4=row.outcome.nmae_e4,
                accuracy_e4=row.outcome.accuracy_e4,
                coverage_e4=row.outcome.coverage_e4,
                peak_error_e4=row.outcome.peak_error_e4,
                measure_nmae_e4=measure.outcome.nmae_e4 if measure is not None else None,
            )
        )
        load = load_of[day]
        known = known_slots(load.load_w, load.points_by_slot, load.points_served)
        actual = np.where(known, np.array(load.load_w, dtype=np.float64), np.nan)
        actuals.append(actual)
        errors.append(np.abs(np.array(row.p50_w, dtype=np.float64) - actual))
    return Record(tuple(days), _worst(np.array(errors), np.array(actuals)) if days else ())


def _worst(errors: np.ndarray, actuals: np.ndarray) -> tuple[SlotError, ...]:
    """Of the quarter-hours those with the greatest mean error; neighbours within the hour stand for one another."""
    good = np.isfinite(errors)
    count = np.maximum(good.sum(axis=0), 1)
    mean = np.where(good, errors, 0.0).sum(axis=0) / count
    load = np.where(good, actuals, 0.0).sum(axis=0) / count
    chosen: list[int] = []
    for slot in np.argsort(-mean).tolist():
        if all(abs(slot - other) >= 4 for other in chosen) and good[:, slot].any():
            chosen.append(slot)
        if len(chosen) == _WORST:
            break
    return tuple(
        SlotError(slot, round(mean[slot]), round(10_000 * mean[slot] / max(load[slot], 1.0))) for slot in chosen
    )


def last_forecast_day(*, scope: str, scope_id: int) -> date | None:
    """The last day that anything was forecast for; None where nothing was."""
    rows = LoadForecast.objects.filter(scope=scope, scope_id=scope_id, forecaster=settings.DSM_FORECASTER)
    found: date | None = rows.order_by("-day").values_list("day", flat=True).first()
    return found
