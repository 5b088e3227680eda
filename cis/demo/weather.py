"""
Pure: the weather of the demonstration, from a measured reference year moved to central China.

The hourly reference year is the German Weather Service's TRY 2010, region 12 (upper Rhine), as the package `demandlib`
ships it. Its day-to-day and hour-to-hour changes are kept; the yearly course is that of the middle Yangtze: hot damp
summers, short mild winters. The result is a demonstration, not a measurement of any place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

SLOTS = 96
# Mean temperature of each month in the middle Yangtze plain, in degrees Celsius; rounded climate normals.
MONTHLY_MEAN_C = (4.0, 6.5, 11.0, 17.5, 22.5, 26.0, 29.5, 28.5, 24.0, 18.0, 12.0, 6.0)
_REFERENCE_FILE = ("vdi", "resources_weather", "TRY2010_12_Jahr.dat")
_COLUMN_TEMPERATURE, _COLUMN_DIRECT, _COLUMN_DIFFUSE = 8, 13, 14
# More sun than on the Rhine, above all in winter.
_SUN_BY_MONTH = (1.7, 1.4, 1.15, 1.05, 1.0, 0.95, 1.1, 1.15, 1.15, 1.3, 1.6, 1.9)


@dataclass(frozen=True)
class Weather:
    """(days, 96) of air temperature and of the sun's power on a horizontal square metre."""

    temperature_c: NDArray[np.float64]
    irradiance_w_m2: NDArray[np.float64]


@cache
def _reference_year() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(365, 24) of temperature and irradiance as measured."""
    path = resources.files("demandlib").joinpath(*_REFERENCE_FILE)
    lines = path.read_text(encoding="latin-1").split("***", 1)[1].splitlines()
    rows = np.array([line.split()[:15] for line in lines if line.strip()], dtype=np.float64)
    if len(rows) != 8760:
        raise ValueError(f"a reference year has 8760 hours, not {len(rows)}")
    sun = rows[:, _COLUMN_DIRECT] + rows[:, _COLUMN_DIFFUSE]
    return rows[:, _COLUMN_TEMPERATURE].reshape(365, 24), np.clip(sun, 0, None).reshape(365, 24)


def weather_of(days: Sequence[date], rng: np.random.Generator) -> Weather:
    """The weather of consecutive days; the generator decides only how the reference year's spells are laid."""
    temperature, sun = _reference_year()
    smooth = _smooth(temperature.mean(axis=1))
    anomaly = temperature - smooth[:, None]
    place = np.array([min((day - date(day.year, 1, 1)).days, 364) for day in days])
    normal = np.interp(place, _month_middles(), _wrapped(MONTHLY_MEAN_C))
    # The same day of another year has other weather: spells come from up to a week off.
    spell = (place + int(rng.integers(-7, 8))) % 365
    hourly = normal[:, None] + 0.75 * anomaly[spell]
    light = sun[spell] * np.array([_SUN_BY_MONTH[day.month - 1] for day in days])[:, None]
    return Weather(_quarter_hours(hourly), np.clip(_quarter_hours(light), 0, 1000))


def _smooth(daily: NDArray[np.float64], width: int = 61) -> NDArray[np.float64]:
    around = np.concatenate([daily[-width:], daily, daily[:width]])
    return np.convolve(around, np.full(width, 1 / width), "same")[width:-width]


def _month_middles() -> NDArray[np.float64]:
    return np.arange(-1, 13) * 365 / 12 + 365 / 24


def _wrapped(values: tuple[float, ...]) -> list[float]:
    return [values[-1], *values, values[0]]


def _quarter_hours(hourly: NDArray[np.float64]) -> NDArray[np.float64]:
    """(days, 24) to (days, 96), straight lines between the hours' middles."""
    flat = hourly.reshape(-1)
    at = (np.arange(flat.size * 4) + 0.5) / 4 - 0.5
    return np.interp(at, np.arange(flat.size), flat).reshape(len(hourly), SLOTS)
