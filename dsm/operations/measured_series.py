"""Take in a measured load series, and weather, in place of what the house would have to infer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from config.shared.errors import Refused
from dsm.models import LoadDay
from dsm.models.loads import NOT_KNOWN, Scope
from dsm.operations.loads import write_days
from dsm.operations.weather import WeatherToWrite, write_weather
from dsm.series_files import Series


class HasLoadFromCurves(Refused):
    """The system's load is summed from curves; a measured series would stand between them."""

    code = "has-load-from-curves"


class ImpossibleLoad(Refused):
    """A value of load is below nought, or beyond all measure."""

    code = "impossible-load"


class TemperatureMissing(Refused):
    """A day of weather needs a temperature at every quarter-hour."""

    code = "temperature-missing"


# More than any grid there is: a unit was mistaken.
_MOST_W = 2e12
_COLDEST_C, _WARMEST_C = -60.0, 60.0


@dataclass(frozen=True)
class SeriesImported:
    """What came of a file: days with load, how many of them were new or different, and days of measured weather."""

    days: int
    changed: int
    weather_days: int


def import_system_load(*, series: Series, replace_curves: bool, source: str, at: datetime) -> SeriesImported:
    """
    Keep a measured series as the load of the system, and the temperatures in it as measured weather.

    From then on the sum of customers' curves is no longer written for the system. The same file again changes nothing.

    :raises HasLoadFromCurves: the system has load from curves and `replace_curves` does not say to drop it
    :raises ImpossibleLoad: a value cannot be; nothing is kept
    """
    known = np.isfinite(series.value)
    if (series.value[known] < 0).any() or (series.value[known] > _MOST_W).any():
        raise ImpossibleLoad(_("负荷不能小于零，也不能大得离谱。请核对单位（W、kW、MW）后再导入。"))
    with transaction.atomic():
        curves = LoadDay.objects.filter(scope=Scope.SYSTEM, source=LoadDay.Source.CURVES)
        if curves.exists():
            if not replace_curves:
                raise HasLoadFromCurves(
                    _("全系统已有由曲线相加的负荷。要改用实测负荷，请加 --replace，原来的随时可以重新汇总。")
                )
            curves.delete()
        rows = [
            (
                Scope.SYSTEM.value,
                0,
                [round(v) if ok else NOT_KNOWN for v, ok in zip(value.tolist(), good.tolist(), strict=True)],
                [int(ok) for ok in good.tolist()],
                1,
                int(good.any()),
                day.isoformat(),
                LoadDay.Source.IMPORT.value,
            )
            for day, value, good in zip(_days(series), series.value, known, strict=True)
            if good.any()
        ]
        changed = write_days(rows, at=at)
        whole = np.asarray(np.isfinite(series.temperature_c).all(axis=1))
        weather = [
            WeatherToWrite(day, _hundredths(values))
            for day, values, is_whole in zip(_days(series), series.temperature_c, whole.tolist(), strict=True)
            if is_whole
        ]
        written = write_weather(days=weather, source=source, at=at)
    return SeriesImported(len(rows), changed, written)


def import_weather(*, series: Series, issued_at: datetime | None, source: str, at: datetime) -> int:
    """
    Keep temperatures (the values of the series, in °C) as measured weather, or as forecast at `issued_at`; gives days.

    :raises TemperatureMissing: a quarter-hour of a day has none, or one that cannot be
    """
    days = []
    for day, values in zip(_days(series), series.value, strict=True):
        if not (np.isfinite(values) & (values >= _COLDEST_C) & (values <= _WARMEST_C)).all():
            raise TemperatureMissing(
                _("%(day)s 的气温不全，或者不合常理。每天要有 96 点气温，单位为 °C。") % {"day": day.isoformat()}
            )
        days.append(WeatherToWrite(day, _hundredths(values), issued_at))
    return write_weather(days=days, source=source, at=at)


def _days(series: Series) -> Iterable[date]:
    return [series.first + timedelta(days=n) for n in range(len(series.value))]


def _hundredths(values: NDArray[np.float64]) -> tuple[int, ...]:
    return tuple(round(value * 100) for value in values.tolist())
