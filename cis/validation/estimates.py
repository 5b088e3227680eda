"""Pure: what to bill when a reading is missing or in doubt. Every result carries the method it was made with."""

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "METHOD_CODES",
    "ORDER_AT_SETTLEMENT",
    "ORDER_INSIDE_GAP",
    "EstimateColumns",
    "EstimateMethod",
    "Estimated",
    "estimate_advance",
    "estimate_by_last_year",
    "estimate_by_line",
    "estimate_by_recent",
]

Int64Column = NDArray[np.int64]

UNKNOWN = -1
MAX_DAYS = 36_525
MAX_E2_PER_DAY = 10**10
MAX_ADVANCE_E4 = 10**16
GROWTH_LIMITS_PERMILLE = (500, 2000)


class EstimateMethod(IntEnum):
    """How an advance was estimated. Codes are stored with readings: never renumber, only add."""

    NONE = 0
    SAME_MONTH_LAST_YEAR = 1
    RECENT_MEDIAN = 2
    STRAIGHT_LINE = 3


METHOD_CODES: dict[EstimateMethod, str] = {
    EstimateMethod.NONE: "none",
    EstimateMethod.SAME_MONTH_LAST_YEAR: "same-month-last-year",
    EstimateMethod.RECENT_MEDIAN: "recent-median",
    EstimateMethod.STRAIGHT_LINE: "straight-line",
}
"""Stable code text of each method."""

ORDER_AT_SETTLEMENT = (
    EstimateMethod.SAME_MONTH_LAST_YEAR,
    EstimateMethod.RECENT_MEDIAN,
    EstimateMethod.STRAIGHT_LINE,
)
"""For the settlement day when no later reading exists yet: season first, the line is the last resort."""

ORDER_INSIDE_GAP = (
    EstimateMethod.STRAIGHT_LINE,
    EstimateMethod.SAME_MONTH_LAST_YEAR,
    EstimateMethod.RECENT_MEDIAN,
)
"""For a gap with a reading on both sides: only the line never passes the later reading (billing-rules.md 3.6)."""


@dataclass(frozen=True, slots=True)
class EstimateColumns:
    """
    What is known about each missing reading, all columns (n,) int64.

    :raises ValueError: the columns differ in length
    """

    days: Int64Column
    """days from the last known reading to the missing one, at least 1"""
    multiplier: Int64Column
    """combined ratio CT x PT, at least 1"""
    last_year_e2_per_day: Int64Column
    """energy per day in the same month of last year, 0.01 kWh, -1 = unknown"""
    recent_e2_per_day: Int64Column
    """median energy per day of the last accepted periods, 0.01 kWh, -1 = unknown"""
    recent_last_year_e2_per_day: Int64Column
    """median of the same periods one year before, 0.01 kWh, -1 = unknown; scales last year to this one"""
    line_advance_e4: Int64Column
    """advance between two known readings, 1e-4 of a unit: around the gap, or the last two before it"""
    line_days: Int64Column
    """days between those two readings, 0 = there are none"""

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, field.name)) for field in fields(self)}
        if len(lengths) != 1:
            raise ValueError("columns differ in length")


@dataclass(frozen=True, slots=True)
class Estimated:
    """Estimates per row, (n,). `advance_e4` is -1 where `method` is NONE; add it to the last known value otherwise."""

    advance_e4: Int64Column
    method: NDArray[np.uint8]


def estimate_by_last_year(columns: EstimateColumns) -> Int64Column:
    """
    Return advance from the same month of last year, (n,) in 1e-4 of a unit, -1 where it is not known.

    Scaled by days, and by recent / (recent one year before) where both are known and the latter is above 0, kept
    between 0.5 and 2 so that one empty month last year cannot blow an estimate up.
    """
    last_year = _usable(columns.last_year_e2_per_day)
    now, before = _usable(columns.recent_e2_per_day), _usable(columns.recent_last_year_e2_per_day)
    can_scale = (now >= 0) & (before > 0)
    growth = np.where(can_scale, np.clip(now * 1000 // np.where(can_scale, before, 1), *GROWTH_LIMITS_PERMILLE), 1000)
    scaled = np.where(last_year >= 0, (last_year * growth + 500) // 1000, UNKNOWN)
    return _advance_e4(scaled, columns)


def estimate_by_recent(columns: EstimateColumns) -> Int64Column:
    """Return advance from the median of the last periods by days, (n,) in 1e-4 of a unit, -1 where it is not known."""
    return _advance_e4(_usable(columns.recent_e2_per_day), columns)


def estimate_by_line(columns: EstimateColumns) -> Int64Column:
    """
    Return advance on the straight line through two known readings, (n,) in 1e-4 of a unit, -1 where there is none.

    With a reading on both sides of the gap (`days` < `line_days`) the result never exceeds `line_advance_e4`. A line
    that goes down (a refund) is no base for an estimate and counts as none. Source: billing-rules.md 3.6, "whole day
    missing: straight line between freezes".
    """
    known = (columns.line_days > 0) & (columns.line_days <= MAX_DAYS) & (columns.line_advance_e4 >= 0)
    known &= (columns.line_advance_e4 <= MAX_ADVANCE_E4) & _asked(columns)
    line_days = np.where(known, columns.line_days, 1)
    days = np.where(known, columns.days, 0)
    whole, rest = np.divmod(np.where(known, columns.line_advance_e4, 0), line_days)
    fits = whole <= MAX_ADVANCE_E4 // np.maximum(days, 1)
    advance = np.where(fits, whole, 0) * days + (rest * days * 2 + line_days) // (line_days * 2)
    return np.where(known & fits, advance, UNKNOWN)


def estimate_advance(columns: EstimateColumns, order: tuple[EstimateMethod, ...] = ORDER_AT_SETTLEMENT) -> Estimated:
    """
    Return each row's estimate by the first method in `order` that knows enough, with the code of that method.

    The reading to store is the last known value plus `advance_e4`, modulo the register's range. It is marked as
    estimated; the next actual reading settles it (billing-rules.md 3.3). Rows nobody can estimate have method NONE.
    """
    advance = np.full(len(columns.days), UNKNOWN, dtype=np.int64)
    method = np.full(len(columns.days), EstimateMethod.NONE, dtype=np.uint8)
    for candidate in order:
        if candidate is EstimateMethod.NONE:
            continue
        value = _METHODS[candidate](columns)
        take = (method == EstimateMethod.NONE) & (value >= 0)
        advance[take] = value[take]
        method[take] = candidate
    return Estimated(advance, method)


def _asked(columns: EstimateColumns) -> NDArray[np.bool_]:
    """Where days and ratio make an estimate possible at all."""
    return (columns.days > 0) & (columns.days <= MAX_DAYS) & (columns.multiplier > 0)


def _usable(energy_e2_per_day: Int64Column) -> Int64Column:
    """Energies outside what can be computed with count as unknown."""
    return np.where(energy_e2_per_day > MAX_E2_PER_DAY, UNKNOWN, energy_e2_per_day)


def _advance_e4(energy_e2_per_day: Int64Column, columns: EstimateColumns) -> Int64Column:
    """Energy per day x days / ratio, half-up, in 1e-4 of a unit; -1 stays -1."""
    known = (energy_e2_per_day >= 0) & _asked(columns)
    energy_e4 = np.where(known, energy_e2_per_day, 0) * np.where(known, columns.days, 0) * 100
    multiplier = np.where(known, columns.multiplier, 1)
    whole, rest = np.divmod(energy_e4, multiplier)
    return np.where(known, whole + (rest >= multiplier - rest), UNKNOWN)


_METHODS = {
    EstimateMethod.SAME_MONTH_LAST_YEAR: estimate_by_last_year,
    EstimateMethod.RECENT_MEDIAN: estimate_by_recent,
    EstimateMethod.STRAIGHT_LINE: estimate_by_line,
}
