"""
Pure: load curves of the demonstration's customers, from standard load profiles, weather and the Chinese calendar.

The 15-minute profiles H25 (homes), G25 (trade) and L25 (farms) of the German association BDEW come from the data
files of the package `demandlib`. Their course over the day and the week is kept; the seasons are replaced by cooling
above 26 degrees and some heating below 8, as in a southern province without district heating.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from cis.demo.calendar import DayTypes, day_types
from cis.demo.weather import SLOTS, Weather

COOLING_ABOVE_C = 26.0
HEATING_BELOW_C = 8.0
_WORKDAY = 2
Curve = NDArray[np.float32]


@dataclass(frozen=True)
class Archetype:
    """How a kind of customer uses energy: profile, week, festival, and how much of it is weather."""

    code: str
    profile: str
    """h25, g25, l25, or the shifts of a factory: two-shift, three-shift"""
    median_kwh: float
    """of a year"""
    spread: float
    """sigma of the log-normal scale"""
    cooling_share: float
    heating_share: float
    festival: float
    """what is left of the base load on Spring Festival"""
    weekend: float = 1.0
    cool_hours: tuple[float, float] = (0.0, 24.0)
    noise: float = 0.6
    """share of each quarter-hour that is random"""


ARCHETYPES: Mapping[str, Archetype] = {
    item.code: item
    for item in (
        Archetype("flat", "h25", 2300, 0.45, 0.2, 0.08, 0.85),
        Archetype("flat-evening", "h25", 2100, 0.45, 0.18, 0.07, 0.8, cool_hours=(17.0, 24.0)),
        Archetype("village-home", "h25", 1900, 0.5, 0.16, 0.05, 1.6),
        Archetype("farm", "l25", 3200, 0.5, 0.1, 0.02, 1.1),
        Archetype("dormitory", "h25", 26000, 0.4, 0.14, 0.05, 0.15),
        Archetype("shop", "g25", 15000, 0.7, 0.13, 0.04, 0.4, weekend=1.15, cool_hours=(9.0, 22.0), noise=0.25),
        Archetype("office", "g25", 28000, 0.7, 0.13, 0.06, 0.2, weekend=0.35, cool_hours=(8.0, 19.0), noise=0.2),
        Archetype("restaurant", "g25", 36000, 0.6, 0.13, 0.04, 0.6, weekend=1.25, cool_hours=(10.0, 23.0), noise=0.25),
        Archetype("two-shift", "two-shift", 260000, 0.6, 0.08, 0.0, 0.08, weekend=0.7, noise=0.12),
        Archetype("three-shift", "three-shift", 620000, 0.6, 0.05, 0.0, 0.12, noise=0.08),
    )
}


@dataclass(frozen=True)
class Shapes:
    """What one archetype does on the days asked for: base load, cooling and heating, each summing to 1 over a year."""

    base: Curve
    cooling: Curve
    heating: Curve


@cache
def standard_profile(name: str) -> NDArray[np.float64]:
    """(12 months, 3 kinds of day: Saturday, Sunday, workday; 96) of a BDEW profile, the mean day of each month 1."""
    text = resources.files("demandlib").joinpath("bdew", "bdew_data", f"{name}.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))[2:]
    values = np.array([[float(cell) for cell in row[1:]] for row in rows if row and row[0]])
    if values.shape != (SLOTS, 36):
        raise ValueError(f"profile {name} is not 96 quarter-hours by 12 months and 3 kinds of day: {values.shape}")
    months = values.T.reshape(12, 3, SLOTS)
    week = (5 * months[:, 2] + months[:, 0] + months[:, 1]).sum(axis=1) / 7
    return np.asarray(months / week[:, None, None])


def shapes_of(archetype: Archetype, days: Sequence[date], weather: Weather, year: slice) -> Shapes:
    """The shapes of an archetype; `year` names the days that sum to 1."""
    types = day_types(days)
    occupied = _occupied(archetype.cool_hours)
    festival = 1.0 + (archetype.festival - 1.0) * types.spring_festival
    base = _base(archetype, types) * festival[:, None]
    damp = np.minimum(festival, 1.0)[:, None] * occupied
    cooling = np.clip(weather.temperature_c - COOLING_ABOVE_C, 0, None) * damp
    heating = np.clip(HEATING_BELOW_C - weather.temperature_c, 0, None) * _occupied((6.0, 24.0)) * festival[:, None]
    return Shapes(*(_to_one(shape, year) for shape in (base, cooling, heating)))


def _base(archetype: Archetype, types: DayTypes) -> NDArray[np.float64]:
    """(days, 96) of load that does not follow the weather."""
    if archetype.profile in SHIFTS:
        base = np.tile(SHIFTS[archetype.profile], (len(types.month), 1))
    elif archetype.weekend == 1.0:
        return standard_profile(archetype.profile)[types.month, types.column]
    else:
        # Trade here is open on its workday's hours all week; the weekend only makes it more or less.
        base = standard_profile(archetype.profile)[types.month, _WORKDAY]
    return np.asarray(base * np.where(types.column == _WORKDAY, 1.0, archetype.weekend)[:, None])


def _plateau(*spans: tuple[float, float, float]) -> NDArray[np.float64]:
    hours = (np.arange(SLOTS) + 0.5) / 4
    level = np.full(SLOTS, 0.12)
    for start, end, value in spans:
        level[(hours >= start) & (hours < end)] = value
    kernel = np.array([0.25, 0.5, 0.25])
    return np.convolve(np.concatenate([level[-1:], level, level[:1]]), kernel, "valid")


# Shifts of a small works: 06-14 and 14-22 with breaks for meals, or round the clock with a lighter night.
SHIFTS: Mapping[str, NDArray[np.float64]] = {
    "two-shift": _plateau((5.5, 6, 0.5), (6, 11, 1), (11, 12, 0.55), (12, 17.5, 1), (17.5, 18.2, 0.6), (18.2, 22, 0.9)),
    "three-shift": _plateau((0, 6, 0.88), (6, 11.5, 1.0), (11.5, 12.5, 0.85), (12.5, 17.5, 1.0), (17.5, 24, 0.94)),
}  # fmt: skip


def _occupied(hours: tuple[float, float]) -> NDArray[np.float64]:
    middle = (np.arange(SLOTS) + 0.5) / 4
    return np.where((middle >= hours[0]) & (middle < hours[1]), 1.0, 0.15)


def _to_one(shape: NDArray[np.float64], year: slice) -> Curve:
    total = shape[year].sum()
    return (shape / total if total > 0 else shape).astype(np.float32)


def curves_wh(
    archetype: Archetype, shapes: Shapes, annual_kwh: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int32]:
    """
    (accounts, days, 96) of energy in whole Wh for accounts that use `annual_kwh` a year, each in its own way.

    Accounts differ in how much of their use is cooling and heating, day by day and quarter-hour by quarter-hour.
    """
    count, days = len(annual_kwh), len(shapes.base)
    cooling = archetype.cooling_share * rng.uniform(0.6, 1.4, count)
    heating = archetype.heating_share * rng.uniform(0.4, 1.6, count)
    base = 1 - cooling - heating
    parts = np.stack([base, cooling, heating], axis=1) * annual_kwh[:, None] * 1000
    stacked = np.stack([shapes.base, shapes.cooling, shapes.heating]).reshape(3, -1)
    curves = (parts.astype(np.float32) @ stacked).reshape(count, days, SLOTS)
    curves *= rng.uniform(0.8, 1.2, (count, days, 1)).astype(np.float32)
    noise = rng.standard_exponential((count, days, SLOTS), dtype=np.float32)
    noise *= np.float32(archetype.noise)
    noise += np.float32(1 - archetype.noise)
    curves *= noise
    return np.asarray(np.rint(curves), dtype=np.int32)


def annual_kwh_of(archetype: Archetype, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A year's energy of so many accounts, log-normal."""
    return archetype.median_kwh * rng.lognormal(0.0, archetype.spread, count)


def solar_wh(weather: Weather, peak_kw: NDArray[np.float64]) -> NDArray[np.int32]:
    """(roofs, days, 96) of what solar panels of so much peak power make, in whole Wh; a fifth is lost on the way."""
    power = np.float32(0.8) * (weather.irradiance_w_m2 / 1000).astype(np.float32)
    return np.asarray(np.rint(peak_kw.astype(np.float32)[:, None, None] * power * 250), dtype=np.int32)


def split_net(use_wh: NDArray[np.int32], made_wh: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(taken from the network, fed into it) of a roof that uses its own energy first."""
    net = use_wh - made_wh
    return np.maximum(net, 0), np.maximum(-net, 0)
