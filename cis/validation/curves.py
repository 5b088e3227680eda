"""Pure: checks of daily curves of 96 quarter-hours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis.validation.doubts import Doubt
from cis.validation.thresholds import Thresholds

__all__ = ["SLOTS", "CheckedCurves", "CurveColumns", "check_curves"]

SLOTS = 96
MAX_CAPACITY_KVA = 10**8
BLOCK_DAYS = 2_048  # a block of slots stays in the processor's cache


@dataclass(frozen=True, slots=True)
class CurveColumns:
    """
    One row per metering point and day.

    :raises ValueError: shapes do not match, or energies are not integers
    """

    energy_wh: NDArray[np.int32]
    """(n, 96) energy of each quarter-hour in Wh, after the ratio; any value where missing"""
    present: NDArray[np.bool_]
    """(n, 96) False = missing slot"""
    capacity_kva: NDArray[np.int64]
    """(n,) 0 = unknown"""
    freeze_wh: NDArray[np.int64]
    """(n,) next day's 00:00 freeze minus this day's, x ratio, in Wh; -1 = unknown"""

    def __post_init__(self) -> None:
        days = len(self.energy_wh)
        if self.energy_wh.shape != (days, SLOTS) or self.present.shape != (days, SLOTS):
            raise ValueError(f"energy_wh and present must be (n, {SLOTS})")
        if self.capacity_kva.shape != (days,) or self.freeze_wh.shape != (days,):
            raise ValueError("capacity_kva and freeze_wh must be (n,)")
        if self.energy_wh.dtype.kind != "i" or self.present.dtype != np.bool_:
            raise ValueError("energy_wh must be integers, present must be bool")


@dataclass(frozen=True, slots=True)
class CheckedCurves:
    """Result per day, (n,), and per slot, (n, 96)."""

    flags: NDArray[np.uint16]
    """bit mask of Doubt"""
    energy_wh: NDArray[np.int64]
    """sum of the slots that are present"""
    missing_slots: NDArray[np.int64]
    longest_gap_slots: NDArray[np.int64]
    """longest run of missing slots within the day"""
    may_fill_linearly: NDArray[np.bool_]
    """the day has gaps, and the longest is short enough for a straight line (2 h by default)"""
    doubtful_slots: NDArray[np.bool_]
    """(n, 96) slots that are negative or above the capacity"""


def check_curves(columns: CurveColumns, thresholds: Thresholds) -> CheckedCurves:
    """
    Return the doubts of every day; never raises on the content of a row.

    SLOT_OVER_CAPACITY: a slot above capacity x 0.25 h x 1.2. NEGATIVE: a slot below 0. CURVE_GAP: a slot is missing.
    CURVE_FREEZE_DISAGREE: the sum of a whole curve differs from the freeze difference by more than 1 % and more than
    the absolute floor; with gaps, only a sum **above** the freeze difference by that much, since a gap explains the
    rest. Freeze differences below 0 are unknown. Source: billing-rules.md 3.6.
    """
    days = len(columns.energy_wh)
    flags = np.zeros(days, np.uint16)
    total = np.zeros(days, np.int64)
    missing = np.zeros(days, np.int64)
    longest = np.zeros(days, np.int64)
    doubtful = np.zeros((days, SLOTS), np.bool_)
    capacity = np.clip(columns.capacity_kva, 0, MAX_CAPACITY_KVA)
    # A whole number of Wh is above the limit exactly when it is above the limit's whole part.
    limit_wh = np.where(capacity > 0, capacity * thresholds.capacity_factor_permille // 4, np.iinfo(np.int64).max)

    for start in range(0, days, BLOCK_DAYS):
        rows = slice(start, start + BLOCK_DAYS)
        present = columns.present[rows]
        energy = np.where(present, columns.energy_wh[rows], 0)
        over, below = energy > limit_wh[rows, None], energy < 0
        doubtful[rows] = over | below
        flags[rows] |= np.where(over.any(axis=1), np.uint16(Doubt.SLOT_OVER_CAPACITY), np.uint16(0))
        flags[rows] |= np.where(below.any(axis=1), np.uint16(Doubt.NEGATIVE), np.uint16(0))
        total[rows] = energy.sum(axis=1, dtype=np.int64)
        missing[rows] = SLOTS - present.sum(axis=1)

    with_gaps = np.flatnonzero(missing)
    longest[with_gaps] = _longest_run(~columns.present[with_gaps])
    freeze_wh = columns.freeze_wh
    difference = total - freeze_wh
    allowed = np.maximum(
        freeze_wh // 1000 * thresholds.curve_tolerance_permille
        + freeze_wh % 1000 * thresholds.curve_tolerance_permille // 1000,
        thresholds.curve_floor_wh,
    )
    disagree = (difference > allowed) | ((-difference > allowed) & (missing == 0))
    flags |= np.where((freeze_wh >= 0) & disagree, np.uint16(Doubt.CURVE_FREEZE_DISAGREE), np.uint16(0))
    flags |= np.where(missing > 0, np.uint16(Doubt.CURVE_GAP), np.uint16(0))
    may_fill = (missing > 0) & (longest <= thresholds.gap_linear_slots)
    return CheckedCurves(flags, total, missing, longest, may_fill, doubtful)


def _longest_run(missing: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the longest run of True in each row, (m, 96) to (m,)."""
    position = np.arange(1, SLOTS + 1)
    last_present = np.maximum.accumulate(np.where(missing, 0, position), axis=1)
    return np.asarray((position - last_present).max(axis=1, initial=0), dtype=np.int64)
