"""
What the demand side adds to the demonstration: two months of load, the weather of a year, two weeks of forecasts.

Loads are summed from the demonstration's curves by the real job; forecasts are made as of the morning of each eve, so
that none of them knew its day. The weather forecasts are the weather with an error of the size that forecasts have.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
from django.conf import settings
from django.db import transaction

from cis.operations.demo_weather import SOURCE, demo_weather
from cis.queries.curve_sums import list_feeders
from config.shared import jobs
from dsm.models import LoadDay, LoadForecast
from dsm.models.loads import SLOTS, Scope
from dsm.operations.forecast_scores import score_forecasts
from dsm.operations.forecasts import write_forecasts
from dsm.operations.loads import start_aggregation
from dsm.operations.weather import WeatherToWrite, write_weather

LOAD_DAYS = 62
# Bills are laid beside the weather of a year and a month.
WEATHER_DAYS = 460
SYSTEM_FORECAST_DAYS = 14
FEEDER_FORECAST_DAYS = 3
# Day-ahead forecasts of temperature err by about 1.5 degrees, for hours on end (forecast-anchors 1).
_ERROR_C = 1.5
_ERROR_LASTS_H = 6.0


def load(*, today: date, at: datetime) -> None:
    """Aggregate, write the weather, forecast; what is there already is left as it is."""
    first, yesterday = today - timedelta(days=LOAD_DAYS), today - timedelta(days=1)
    if LoadDay.objects.filter(scope=Scope.SYSTEM, day__range=(first, yesterday)).count() < LOAD_DAYS:
        with transaction.atomic():
            job_id = start_aggregation(first=first, last=yesterday, created_by_id=None, at=at)
        jobs.work_on(job_id=job_id)
    _write_weather(first, today, at)
    system = [(Scope.SYSTEM.value, 0)]
    feeders = [(Scope.FEEDER.value, one.feeder_id) for one in list_feeders()]
    for back in range(SYSTEM_FORECAST_DAYS, -2, -1):
        on_day = today - timedelta(days=back)
        scopes = [*system, *(feeders if back <= FEEDER_FORECAST_DAYS else [])]
        issued_at = min(_eve_morning(on_day), at)
        if LoadForecast.objects.filter(day=on_day, issued_at=issued_at).exists():
            continue
        write_forecasts(scopes=scopes, on_day=on_day, issued_at=issued_at, made_by_id=None, at=at)
    score_forecasts(first=today - timedelta(days=SYSTEM_FORECAST_DAYS), last=yesterday, at=at)


def _eve_morning(on_day: date) -> datetime:
    return datetime.combine(on_day - timedelta(days=1), time(settings.DSM_FORECAST_HOUR), settings.BILLING_TIME_ZONE)


def _write_weather(first: date, today: date, at: datetime) -> None:
    """Measured to yesterday; forecast for every day to the one after tomorrow, each issued early on its eve."""
    days = demo_weather(first=first, last=today + timedelta(days=2))
    rng = np.random.default_rng(today.toordinal())
    keep = np.exp(-24 / SLOTS / _ERROR_LASTS_H)
    fresh = rng.normal(0, _ERROR_C * np.sqrt(1 - keep**2), len(days) * SLOTS)
    error, errors = 0.0, []
    for value in fresh.tolist():
        error = keep * error + value
        errors.append(error)
    written: list[WeatherToWrite] = []
    for number, day in enumerate(days):
        if day.day < today:
            written.append(WeatherToWrite(day.day, day.temperature_c_e2))
        off = errors[number * SLOTS : (number + 1) * SLOTS]
        foretold = tuple(round(value + 100 * e) for value, e in zip(day.temperature_c_e2, off, strict=True))
        issued_at = min(_eve_morning(day.day) - timedelta(hours=2), at)
        written.append(WeatherToWrite(day.day, foretold, issued_at))
    earlier = demo_weather(first=today - timedelta(days=WEATHER_DAYS), last=first - timedelta(days=1))
    written += [WeatherToWrite(day.day, day.temperature_c_e2) for day in earlier]
    write_weather(days=written, source=SOURCE, at=at)
