"""Pure: from load curves to what a meter's registers show, and to the advances that readings carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cis.rating.registers import Register
from cis.rating.windows import DayKind, WindowSet

# What a display shows: two decimals of a register unit.
RESOLUTION_E4 = 100


def period_masks(
    windows: WindowSet, days: Sequence[date], kinds: Sequence[DayKind]
) -> dict[Register, NDArray[np.bool_]]:
    """Which quarter-hours (days, 96) run on which register."""
    slots = np.stack([windows.period_of_slots(day.month, kind) for day, kind in zip(days, kinds, strict=True)])
    return {Register(int(number)): slots == number for number in np.unique(slots)}


def daily_wh(
    curves: NDArray[np.int32], masks: Mapping[Register, NDArray[np.bool_]] | None = None
) -> dict[Register, NDArray[np.int64]]:
    """Register to (accounts, days) of Wh: the total, and each period where masks are given."""
    result = {Register.TOTAL: curves.sum(axis=2, dtype=np.int64)}
    for register, mask in (masks or {}).items():
        result[register] = np.where(mask, curves, 0).sum(axis=2, dtype=np.int64)
    return result


def values_e4(
    daily: NDArray[np.int64],
    at: NDArray[np.int64],
    *,
    opening_units: ArrayLike,
    multiplier: ArrayLike,
    digits: ArrayLike,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """
    What registers show at 00:00 of the days with the indices `at`, and whether they turned over since the one before.

    `daily` (n, days) Wh; `at` (m,) ascending; the others (n,). Gives (n, m) values in 1e-4 units and roll-overs.
    """
    so_far = np.concatenate([np.zeros((len(daily), 1), np.int64), np.cumsum(daily, axis=1)], axis=1)[:, at]
    ratio = np.broadcast_to(np.asarray(multiplier, dtype=np.int64), len(daily))[:, None]
    opening = np.broadcast_to(np.asarray(opening_units, dtype=np.int64), len(daily))[:, None]
    turn = 10_000 * 10 ** np.broadcast_to(np.asarray(digits, dtype=np.int64), len(daily))[:, None]
    running = opening * 10_000 + so_far * 10 // ratio // RESOLUTION_E4 * RESOLUTION_E4
    turned = np.zeros(running.shape, dtype=np.bool_)
    turned[:, 1:] = running[:, 1:] // turn > running[:, :-1] // turn
    return np.asarray(running % turn), turned
