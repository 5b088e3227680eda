"""Pure: checks of daily curves of 96 quarter-hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.validation.checks import add_found
from cis.validation.registry import CURVE_CHECKS
from cis.validation.runs import longest_run
from cis.validation.thresholds import Thresholds

__all__ = ["SLOTS", "CheckedCurves", "CurveBlock", "CurveColumns", "UsualDays", "check_curves", "usual_days"]

SLOTS = 96
MAX_CAPACITY_KVA = 10**8
BLOCK_DAYS = 2_048  # a block of slots stays in the processor's cache
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class UsualDays:
    """What each point did on the days before, see `usual_days`."""

    slot_wh: NDArray[np.int64]
    """(n, 96) usual energy of each quarter-hour, -1 = unknown"""
    peak_wh: NDArray[np.int64]
    """(n,) highest quarter-hour, -1 = unknown"""
    day_wh: NDArray[np.int64]
    """(n,) usual energy of a whole day, -1 = unknown"""
    days: NDArray[np.int64]
    """(n,) how many days that is known from"""

    def block(self, rows: slice | NDArray[np.intp]) -> UsualDays:
        """Some of the rows."""
        return UsualDays(self.slot_wh[rows], self.peak_wh[rows], self.day_wh[rows], self.days[rows])


@dataclass(frozen=True, slots=True)
class CurveColumns:
    """
    One row per metering point and day.

    :raises ValueError: shapes do not match, or energies are not integers
    """

    energy_wh: NDArray[np.signedinteger[Any]]
    """(n, 96) energy of each quarter-hour in Wh, after the ratio; any value where missing"""
    present: NDArray[np.bool_]
    """(n, 96) False = missing slot"""
    capacity_kva: NDArray[np.int64]
    """(n,) 0 = unknown"""
    freeze_wh: NDArray[np.int64]
    """(n,) next day's 00:00 freeze minus this day's, x ratio, in Wh; -1 = unknown"""
    multiplier: NDArray[np.int64] | None = None
    """(n,) combined ratio: what the last digit of a freeze is worth; None = 1"""
    usual: UsualDays | None = None
    """the days before; None = nothing is known"""

    def __post_init__(self) -> None:
        days = len(self.energy_wh)
        if self.energy_wh.shape != (days, SLOTS) or self.present.shape != (days, SLOTS):
            raise ValueError(f"energy_wh and present must be (n, {SLOTS})")
        if self.capacity_kva.shape != (days,) or self.freeze_wh.shape != (days,):
            raise ValueError("capacity_kva and freeze_wh must be (n,)")
        if self.multiplier is not None and self.multiplier.shape != (days,):
            raise ValueError("multiplier must be (n,)")
        if self.usual is not None and self.usual.slot_wh.shape != (days, SLOTS):
            raise ValueError(f"usual days must be (n, {SLOTS})")
        if self.energy_wh.dtype.kind != "i" or self.present.dtype != np.bool_:
            raise ValueError("energy_wh must be integers, present must be bool")


@dataclass(slots=True)
class CurveBlock:
    """One block of days with what several checks need of them; (n,) and (n, 96) where the name says slots."""

    present_slots: NDArray[np.bool_]
    energy_slots: NDArray[np.int64]
    """Wh, 0 where missing"""
    total_wh: NDArray[np.int64]
    missing: NDArray[np.int64]
    limit_wh: NDArray[np.int64]
    """the most that the capacity allows in a quarter-hour; very large where unknown"""
    has_capacity: NDArray[np.bool_]
    freeze_wh: NDArray[np.int64]
    digit_wh: NDArray[np.int64]
    """what the last digit of the register is worth"""
    freeze_allowed_wh: NDArray[np.int64]
    """by how much curve and freeze may differ"""
    usual: UsualDays
    doubtful_slots: NDArray[np.bool_]
    """checks mark the slots they mean"""

    @property
    def agrees_with_freeze(self) -> NDArray[np.bool_]:
        """The whole curve adds up to the freeze difference: what it shows was really used."""
        close = np.abs(self.total_wh - self.freeze_wh) <= self.freeze_allowed_wh
        return np.asarray((self.freeze_wh >= 0) & (self.missing == 0) & close)


@dataclass(frozen=True, slots=True)
class CheckedCurves:
    """Result per day, (n,), and per slot, (n, 96)."""

    flags: NDArray[np.uint32]
    """bit mask of Doubt"""
    energy_wh: NDArray[np.int64]
    """sum of the slots that are present"""
    missing_slots: NDArray[np.int64]
    longest_gap_slots: NDArray[np.int64]
    """longest run of missing slots within the day"""
    may_fill_linearly: NDArray[np.bool_]
    """the day has gaps, and the longest is short enough for a straight line (2 h by default)"""
    doubtful_slots: NDArray[np.bool_]
    """(n, 96) slots that a check means"""


def check_curves(columns: CurveColumns, thresholds: Thresholds) -> CheckedCurves:
    """
    Return the doubts of every day; never raises on the content of a row.

    The checks are `CURVE_CHECKS`, in their order. Source: billing-rules.md 3.6.
    """
    days = len(columns.energy_wh)
    flags = np.zeros(days, np.uint32)
    total = np.zeros(days, np.int64)
    missing = np.zeros(days, np.int64)
    doubtful = np.zeros((days, SLOTS), np.bool_)
    for start in range(0, days, BLOCK_DAYS):
        rows = slice(start, start + BLOCK_DAYS)
        block = _block(columns, rows, doubtful[rows], thresholds)
        for one in CURVE_CHECKS:
            add_found(flags[rows], one.find(block, thresholds))
        total[rows], missing[rows] = block.total_wh, block.missing
    longest = np.zeros(days, np.int64)
    with_gaps = np.flatnonzero(missing)
    longest[with_gaps] = longest_run(~columns.present[with_gaps])
    may_fill = (missing > 0) & (longest <= thresholds.gap_linear_slots)
    return CheckedCurves(flags, total, missing, longest, may_fill, doubtful)


def usual_days(earlier_wh: NDArray[np.int64]) -> UsualDays:
    """
    Return what is usual from (n, k, 96) earlier days in Wh, -1 where missing: median by slot, peak, median of days.

    A slot with no earlier value is unknown; days count for the whole day only where nothing of them is missing.
    """
    n, _k, _slots = earlier_wh.shape
    present = earlier_wh >= 0
    values = np.where(present, earlier_wh, np.iinfo(np.int64).max)
    ordered = np.sort(values, axis=1)
    count = present.sum(axis=1)
    middle = np.maximum(count - 1, 0) // 2
    slot = np.where(count > 0, np.take_along_axis(ordered, middle[:, None, :], axis=1)[:, 0, :], UNKNOWN)
    peak = np.where(present, earlier_wh, UNKNOWN).reshape(n, -1).max(axis=1, initial=UNKNOWN)
    whole = present.all(axis=2)
    sums = np.where(whole, np.where(present, earlier_wh, 0).sum(axis=2), np.iinfo(np.int64).max)
    sums = np.sort(sums, axis=1)
    known = whole.sum(axis=1)
    day = np.where(known > 0, sums[np.arange(n), np.maximum(known - 1, 0) // 2], UNKNOWN) if _k else np.full(n, UNKNOWN)
    return UsualDays(slot, peak, day, present.any(axis=2).sum(axis=1))


def _block(columns: CurveColumns, rows: slice, doubtful: NDArray[np.bool_], thresholds: Thresholds) -> CurveBlock:
    present = columns.present[rows]
    energy = np.where(present, columns.energy_wh[rows], 0).astype(np.int64)
    n = len(present)
    capacity = np.clip(columns.capacity_kva[rows], 0, MAX_CAPACITY_KVA)
    # A whole number of Wh is above the limit exactly when it is above the limit's whole part.
    limit = np.where(capacity > 0, capacity * thresholds.capacity_factor_permille // 4, np.iinfo(np.int64).max)
    freeze = columns.freeze_wh[rows]
    # Both ends of a freeze difference are cut to the last digit of the register.
    ratio = np.ones(n, np.int64) if columns.multiplier is None else columns.multiplier[rows]
    digit_wh = ratio * thresholds.register_resolution_e4 // 10
    permille = thresholds.curve_tolerance_permille
    allowed = np.maximum(freeze // 1000 * permille + freeze % 1000 * permille // 1000, thresholds.curve_floor_wh)
    unknown = np.full(n, UNKNOWN, np.int64)
    usual = (
        columns.usual.block(rows)
        if columns.usual
        else UsualDays(np.full((n, SLOTS), UNKNOWN), unknown, unknown, np.zeros(n, np.int64))
    )
    return CurveBlock(
        present_slots=present,
        energy_slots=energy,
        total_wh=energy.sum(axis=1),
        missing=SLOTS - present.sum(axis=1),
        limit_wh=limit,
        has_capacity=capacity > 0,
        freeze_wh=freeze,
        digit_wh=digit_wh,
        freeze_allowed_wh=np.maximum(allowed, digit_wh),
        usual=usual,
        doubtful_slots=doubtful,
    )
