"""
Pure: what a linear model sees of a day: level, lags, calendar and temperature, from what was known on its eve.

Every row is built the same way, whether it is learned from or forecast: from full days up to two days before it and
the known slots of its eve. Load enters as the logarithm of its share of the level, the mean of the last ordinary days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dsm.forecasting.day_facts import FAR
from dsm.forecasting.history import Known, Matrix

_REACH = 28
_LEVEL_DAYS = 7
_LIKE_DAYS = 3
_FEWEST_DAYS = 3
# Where heating and cooling begin and grow, in degrees: between the bounds of the degree days in use (18 and 26).
_KNOTS_C = (-8.0, 0.0, 6.0, 12.0, 16.0, 20.0, 24.0, 28.0, 32.0)
# With less than this the course of the year cannot be told from chance.
_DAYS_FOR_A_YEAR = 300


@dataclass(frozen=True)
class Rows:
    """
    Rows of a design: `x` (slots, rows, features), `level_log` (rows,), the day of each in `days`.
    """

    days: tuple[int, ...]
    x: Matrix
    level_log: Matrix


def rows_of(known: Known, days: Sequence[int], *, with_temperature: bool, with_year: bool) -> Rows:
    """The rows of those of the days of which enough was known; temperature and year as the model was fitted with."""
    found: list[int] = []
    parts: list[Matrix] = []
    levels: list[float] = []
    log_load = np.log(known.load)
    coverage = np.isfinite(known.load).mean(axis=1)
    warmth = _temperatures(known.temperature_c) if with_temperature else None
    for day in days:
        lags = _lags(known, log_load, coverage, day)
        if lags is None:
            continue
        level_days, level, columns = lags
        columns += _calendar(known, day, with_year=with_year)
        if warmth is not None:
            columns += [one[day] for one in warmth]
            columns += [one[list(level_days)].mean(axis=0) for one in warmth[: len(_KNOTS_C) + 1]]
        row = np.stack([np.broadcast_to(column, (known.slots,)) for column in columns], axis=1)
        found.append(day)
        parts.append(row)
        levels.append(level)
    if not found:
        return Rows((), np.empty((known.slots, 0, 0)), np.empty(0))
    return Rows(tuple(found), np.stack(parts, axis=1), np.array(levels))


def may_use_year(days: int) -> bool:
    """Whether so many days of history tell anything of the course of a year."""
    return days >= _DAYS_FOR_A_YEAR


def _lags(
    known: Known, log_load: Matrix, coverage: Matrix, day: int
) -> tuple[list[int], float, list[Matrix | float]] | None:
    """(days of the level, its logarithm, columns), from days up to two before `day` and the known slots of its eve."""
    facts = known.facts
    special = facts.is_special
    before = [d for d in range(day - 2, max(day - 2 - _REACH, -1), -1) if coverage[d] > 0.9]
    ordinary = [d for d in before if not special[d]]
    if len(ordinary) < _LEVEL_DAYS:
        # Long holidays, or a short history: any day is better than none.
        ordinary = before
    recent = ordinary[:_LEVEL_DAYS]
    if len(recent) < _FEWEST_DAYS:
        return None
    profile = _mean(log_load[recent])
    level = float(profile.mean())
    profile = profile - level

    def shape(days: list[int]) -> Matrix:
        return _mean(log_load[days]) - level if days else profile

    def like(wanted: bool) -> list[int]:
        return [d for d in ordinary if facts.is_off[d] == wanted]

    same = like(bool(facts.is_off[day]))
    same_shape = shape(same[:_LIKE_DAYS])
    before_last = ordinary[_LEVEL_DAYS : 2 * _LEVEL_DAYS]
    week_before = day - 7
    is_week = week_before >= 0 and coverage[week_before] > 0.9 and not special[week_before]
    last = day - 2
    last_shape = (
        np.where(np.isfinite(log_load[last]), log_load[last] - level, profile)
        if last >= 0 and coverage[last] > 0.5
        else profile
    )
    last_expected = shape(like(bool(facts.is_off[last]))[1 : 1 + _LIKE_DAYS]) if last >= 0 else profile
    columns: list[Matrix | float] = [
        profile,
        same_shape,
        shape(same[:1]),
        _filled(log_load[week_before], same_shape + level) - level if is_week else same_shape,
        last_shape,
        float((last_shape - last_expected).mean()),
        float(_mean(log_load[before_last]).mean() - level) if len(before_last) >= _FEWEST_DAYS else 0.0,
        *_eve(known, log_load, level, shape(like(bool(facts.is_off[day - 1]))[:_LIKE_DAYS]), day),
    ]
    return recent, level, columns


def _eve(known: Known, log_load: Matrix, level: float, expected: Matrix, day: int) -> list[Matrix | float]:
    """How the known slots of the eve differ from what such a day usually is: all of them, and the last two hours."""
    slots = known.eve_slots
    seen = log_load[day - 1, :slots] - level - expected[:slots]
    good = seen[np.isfinite(seen)]
    if slots == 0 or not len(good):
        return [0.0, 0.0]
    return [float(good.mean()), float(good[-max(known.slots // 12, 1) :].mean())]


def _calendar(known: Known, day: int, *, with_year: bool) -> list[Matrix | float]:
    facts = known.facts
    eve, last = max(day - 1, 0), max(day - 2, 0)
    tomorrow = min(day + 1, len(facts) - 1)
    columns: list[Matrix | float] = [float(facts.weekday[day] == n) for n in range(7)]
    columns += [
        float(facts.is_off[day]),
        float(facts.is_holiday[day]),
        float(facts.is_festival[day]),
        float(facts.is_swapped[day]),
        float(facts.is_off[eve] and not facts.is_off[day]),
        float(facts.is_holiday[eve] and not facts.is_holiday[day]),
        float(facts.is_off[tomorrow] and not facts.is_off[day]),
        float(facts.is_holiday[last]),
    ]
    columns += _festival(int(facts.from_spring[day]))
    if with_year:
        angle = 2 * np.pi * facts.day_of_year[day] / 365.25
        columns += [float(f(n * angle)) for n in (1, 2, 3) for f in (np.sin, np.cos)]
    return columns


def _festival(offset: int) -> list[Matrix | float]:
    """Hats over the days around the Spring Festival, each at its peak on one of them."""
    places = (-12, -8, -5, -3, -1, 0, 1, 3, 6, 9, 13, 18)
    if offset == FAR:
        return [0.0] * len(places)
    columns: list[Matrix | float] = []
    for number, place in enumerate(places):
        left = places[number - 1] if number else place - 1
        right = places[number + 1] if number + 1 < len(places) else place + 1
        rise = (offset - left) / (place - left) if offset <= place else (right - offset) / (right - place)
        columns.append(float(min(max(rise, 0.0), 1.0)))
    return columns


def _temperatures(temperature_c: Matrix) -> list[Matrix]:
    """(days, slots) each: temperature, what is above the knots, the same of a day's mean, and three days' mean."""
    flat = temperature_c.reshape(-1)
    slots = temperature_c.shape[1]
    day = _trailing(flat, slots).reshape(temperature_c.shape)
    three = _trailing(flat, 3 * slots).reshape(temperature_c.shape)
    above = [np.maximum(temperature_c - knot, 0.0) for knot in _KNOTS_C]
    return [temperature_c, *above, day, *(np.maximum(day - knot, 0.0) for knot in _KNOTS_C[1::2]), three]


def _trailing(values: Matrix, width: int) -> Matrix:
    """Means over the last `width` values, over fewer at the beginning; NaN does not count."""
    good = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(good, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(good)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    number = count[ends] - count[starts]
    return np.where(number > 0, (total[ends] - total[starts]) / np.maximum(number, 1), np.nan)


def _mean(rows: Matrix) -> Matrix:
    """Means down the days; a slot that no day knows takes the mean of its neighbours in the day."""
    good = np.isfinite(rows)
    number = good.sum(axis=0)
    mean = np.where(good, rows, 0.0).sum(axis=0) / np.maximum(number, 1)
    if (number == 0).any():
        mean = np.interp(np.arange(len(mean)), np.flatnonzero(number), mean[number > 0])
    return np.asarray(mean)


def _filled(values: Matrix, instead: Matrix) -> Matrix:
    return np.where(np.isfinite(values), values, instead)
