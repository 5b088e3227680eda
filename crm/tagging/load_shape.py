"""
Pure: how the energy of an account lies over the day.

A class is told from the mean day of quarter-hours, made to a sum of one, so that size does not matter; what is used
against the heat is told from billed months. The first class that fits is the answer, from the plainest to the finest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SLOTS = 96
SHAPES: tuple[str, ...] = (
    "vacant",
    "two-shift",
    "three-shift",
    "ac-sensitive",
    "night",
    "day",
    "double-peak",
    "flat",
    "evening",
)

# [P] domain.md 4.1 names the classes; the bounds are ours, set on standard load profiles.
DEFAULTS: dict[str, int] = {
    "days": 7,  # so many whole days at least
    "vacant_wh": 300,  # a mean day below it: a standby, no living
    "works_wh": 150_000,  # shifts are told of works from this mean day on
    "flat_permille": 1500,  # the highest hour at most so many thousandths of the mean: flat
    "busy_permille": 600,  # hours above this share of the highest count as busy
    "shifts_from_h": 13,  # busy hours of two shifts, from and to
    "shifts_to_h": 19,
    "heat_permille": 1600,  # a hot month against a mild one
    "night_permille": 420,  # 22 to 6 (a third of the day) holds so much
    "day_permille": 520,  # 8 to 18 holds so much
    "trough_permille": 800,  # between two peaks it falls below this share of the lower one
    "peak_permille": 1150,  # a peak rises above so many thousandths of the mean
}

_HOUR = np.arange(SLOTS) // 4
_NIGHT = (_HOUR >= 22) | (_HOUR < 6)
_DAY = (_HOUR >= 8) & (_HOUR < 18)
_EVENING = (_HOUR >= 18) & (_HOUR < 22)
_MORNING_HOURS, _NOON_HOURS, _EVENING_HOURS = slice(6, 13), slice(12, 18), slice(17, 23)


@dataclass(frozen=True)
class Shapes:
    """One row an account: the place in `SHAPES` (-1: not told) and what it was told from."""

    place: NDArray[np.int8]
    night_permille: NDArray[np.int64]
    day_permille: NDArray[np.int64]
    evening_permille: NDArray[np.int64]
    top_slot: NDArray[np.int64]


def classify(
    mean_day_wh: NDArray[np.int64],
    *,
    days: NDArray[np.int64],
    hot: tuple[NDArray[np.int64], NDArray[np.int64]],
    mild: tuple[NDArray[np.int64], NDArray[np.int64]],
    limits: Mapping[str, int],
) -> Shapes:
    """
    The class of each mean day (accounts, 96) in Wh.

    `days` says how many whole days are behind it; `hot` and `mild` are energy and number of billed months in summer and
    in between, (0, 0) where there are none.
    """
    total = mean_day_wh.sum(axis=1)
    safe = np.maximum(total, 1)
    night, day, evening = (mean_day_wh[:, part].sum(axis=1) * 1000 // safe for part in (_NIGHT, _DAY, _EVENING))
    hours = mean_day_wh.reshape(-1, 24, 4).sum(axis=2)
    top = np.maximum(hours.max(axis=1), 1)
    busy = (hours * 1000 >= top[:, None] * limits["busy_permille"]).sum(axis=1)
    is_works = total >= limits["works_wh"]
    is_flat = top * 24 * 1000 <= safe * limits["flat_permille"]
    is_shifts = (busy >= limits["shifts_from_h"]) & (busy <= limits["shifts_to_h"])
    tests = [
        total < limits["vacant_wh"],
        is_works & is_shifts & (night * 3 < 1000),
        is_works & is_flat,
        _follows_heat(hot, mild, limits["heat_permille"]),
        night >= limits["night_permille"],
        day >= limits["day_permille"],
        _has_two_peaks(hours, safe, limits),
        is_flat,
    ]
    place = np.select(tests, range(len(tests)), default=SHAPES.index("evening"))
    return Shapes(
        place=np.where(days >= limits["days"], place, -1).astype(np.int8),
        night_permille=night,
        day_permille=day,
        evening_permille=evening,
        top_slot=mean_day_wh.argmax(axis=1).astype(np.int64),
    )


def _follows_heat(
    hot: tuple[NDArray[np.int64], NDArray[np.int64]], mild: tuple[NDArray[np.int64], NDArray[np.int64]], bound: int
) -> NDArray[np.bool_]:
    """Whether a hot month holds so many thousandths of a mild one."""
    is_known = (hot[1] > 0) & (mild[1] > 0) & (mild[0] > 0)
    return np.asarray(is_known & (hot[0] * mild[1] * 1000 >= mild[0] * np.maximum(hot[1], 1) * bound))


def _has_two_peaks(hours: NDArray[np.int64], total: NDArray[np.int64], limits: Mapping[str, int]) -> NDArray[np.bool_]:
    """A morning and an evening that rise above the mean, with a trough between."""
    morning, evening = hours[:, _MORNING_HOURS].max(axis=1), hours[:, _EVENING_HOURS].max(axis=1)
    lower, between = np.minimum(morning, evening), hours[:, _NOON_HOURS].min(axis=1)
    is_high = lower * 24 * 1000 >= total * limits["peak_permille"]
    return np.asarray(is_high & (between * 1000 <= lower * limits["trough_permille"]))
