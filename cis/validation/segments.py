"""Pure: the columns of register readings, and what the checks share of one block of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cis.validation.energy import INT64_MAX, whole_kwh_e2

if TYPE_CHECKING:
    from cis.validation.thresholds import Thresholds

__all__ = ["INT64_MAX", "AccountKind", "ReadingColumns", "Segment"]

Int64Column = NDArray[np.int64]
BoolColumn = NDArray[np.bool_]

MAX_DIGITS = 12
MAX_DAYS = 36_525
MAX_CAPACITY_KVA = 10**8
MAX_EXPECTED_E2_PER_DAY = 10**10
_TURN_E4 = 10_000 * 10 ** np.arange(MAX_DIGITS + 1, dtype=np.int64)


class AccountKind(IntEnum):
    """Which rise and fall limits apply. Codes are stored: never renumber."""

    RESIDENTIAL = 0
    LARGE = 1


@dataclass(frozen=True, slots=True)
class ReadingColumns:
    """
    One row per register and meter segment: two successive readings of the same meter, all columns (n,).

    A meter exchange makes two segments, each with its own row (billing-rules.md 3.2); a row never spans it.

    :raises ValueError: the columns differ in length, are not one-dimensional, or are not int64 (bool for
        `previous_estimated` and `unexpected_export`)
    """

    previous_e4: Int64Column
    """value of the reading before, 1e-4 of a register unit"""
    current_e4: Int64Column
    """value of the reading to be checked, 1e-4 of a register unit"""
    multiplier: Int64Column
    """combined ratio CT x PT, at least 1"""
    digits: Int64Column
    """integer digits of the register, 1 to 12: 6 rolls over at 10**6"""
    days: Int64Column
    """days between the readings; 0 or less is a doubt of its own"""
    capacity_kva: Int64Column
    """contract or running capacity, 0 = unknown"""
    expected_kwh_e2_per_day: Int64Column
    """from the account's own history, see `expect_daily_energy`; -1 = unknown"""
    kind: Int64Column
    """AccountKind"""
    previous_estimated: BoolColumn
    """the reading before was an estimate"""
    reference_kwh_e2_per_day: Int64Column | None = None
    """the same month of last year, of short periods the same weekdays before; -1 = unknown, None = of all rows"""
    unexpected_export: BoolColumn | None = None
    """an export register of an account that never fed in; None = there is none among the rows"""

    def __post_init__(self) -> None:
        rows = np.shape(self.previous_e4)
        if len(rows) != 1:
            raise ValueError("columns must be one-dimensional")
        for field in fields(self):
            column = getattr(self, field.name)
            if column is None:
                continue
            if np.shape(column) != rows:
                raise ValueError(f"{field.name} has shape {np.shape(column)}, expected {rows}")
            wanted = np.bool_ if field.name in ("previous_estimated", "unexpected_export") else np.int64
            if column.dtype != wanted:
                raise ValueError(f"{field.name} must be {wanted.__name__}, not {column.dtype}")

    def __len__(self) -> int:
        return len(self.previous_e4)

    def block(self, start: int, stop: int) -> ReadingColumns:
        """Return rows start to stop (half-open) as views."""
        columns: dict[str, Any] = {}
        for field in fields(self):
            whole = getattr(self, field.name)
            columns[field.name] = None if whole is None else whole[start:stop]
        return ReadingColumns(**columns)


@dataclass(slots=True)
class Segment:
    """One block of readings with what several checks need of them, all (n,); see `of` and `measure`."""

    columns: ReadingColumns
    bad_master: BoolColumn
    out_of_range: BoolColumn
    bad_days: BoolColumn
    turn_e4: Int64Column
    advance: Int64Column
    """current less previous, 1e-4 of a unit; the direction check adds a full turn where the register rolled over"""
    rolled_over: BoolColumn
    has_history: BoolColumn
    has_capacity: BoolColumn
    expected_e2: Int64Column
    """energy expected over the days, 0.01 kWh; 0 where unknown"""
    least_e2: Int64Column
    """the lesser of what was expected and what the reference says; where there is none, the expected"""
    most_e2: Int64Column
    """the greater of the two"""
    capacity_e2: Int64Column
    """the most that the capacity allows over the days, 0.01 kWh; 0 where unknown"""
    is_large: BoolColumn
    energy_e2: Int64Column
    overflow: BoolColumn
    may_compare: BoolColumn
    """history is known and the energy is one that can be compared with it"""

    def __len__(self) -> int:
        return len(self.advance)

    @classmethod
    def of(cls, columns: ReadingColumns, thresholds: Thresholds) -> Segment:
        """What can be said before the energy is known."""
        previous, current = columns.previous_e4, columns.current_e4
        bad_master = (
            (columns.digits < 1)
            | (columns.digits > MAX_DIGITS)
            | (columns.multiplier < 1)
            | (columns.capacity_kva < 0)
            | (columns.capacity_kva > MAX_CAPACITY_KVA)
            | (columns.expected_kwh_e2_per_day < -1)
            | (columns.expected_kwh_e2_per_day > MAX_EXPECTED_E2_PER_DAY)
            | (columns.kind < AccountKind.RESIDENTIAL)
            | (columns.kind > AccountKind.LARGE)
        )
        turn_e4 = _TURN_E4[np.clip(columns.digits, 1, MAX_DIGITS)]
        out_of_range = (previous < 0) | (current < 0) | (previous >= turn_e4) | (current >= turn_e4)
        bad_days = (columns.days <= 0) | (columns.days > MAX_DAYS)
        usable = ~(bad_master | out_of_range)
        days = np.where(bad_days, 0, columns.days)
        has_history = usable & ~bad_days & (columns.expected_kwh_e2_per_day >= 0)
        has_capacity = usable & ~bad_days & (columns.capacity_kva > 0)
        capacity_e2 = np.where(has_capacity, columns.capacity_kva, 0) * days
        capacity_e2 *= 24 * thresholds.capacity_factor_permille
        capacity_e2 //= 10
        nothing = np.zeros(len(columns), np.bool_)
        expected_e2 = np.where(has_history, columns.expected_kwh_e2_per_day, 0) * days
        least_e2 = most_e2 = expected_e2
        reference = columns.reference_kwh_e2_per_day
        if reference is not None:
            known = has_history & (reference >= 0) & (reference <= MAX_EXPECTED_E2_PER_DAY)
            reference_e2 = np.where(known, reference * days, expected_e2)
            least_e2, most_e2 = np.minimum(expected_e2, reference_e2), np.maximum(expected_e2, reference_e2)
        return cls(
            columns=columns,
            bad_master=bad_master,
            out_of_range=out_of_range,
            bad_days=bad_days,
            turn_e4=turn_e4,
            advance=np.where(usable, current - previous, 0),
            rolled_over=nothing.copy(),
            has_history=has_history,
            has_capacity=has_capacity,
            expected_e2=expected_e2,
            least_e2=least_e2,
            most_e2=most_e2,
            capacity_e2=capacity_e2,
            is_large=columns.kind == AccountKind.LARGE,
            energy_e2=np.zeros(0, np.int64),
            overflow=nothing,
            may_compare=nothing,
        )

    def measure(self) -> None:
        """The energy of the advances as they stand now."""
        multiplier = np.where(self.bad_master, 1, self.columns.multiplier)
        self.energy_e2, self.overflow = whole_kwh_e2(self.advance, multiplier)
        self.may_compare = self.has_history & ~self.overflow & (self.advance >= 0)
