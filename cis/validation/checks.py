"""Pure: checks of register readings, on columns."""

from dataclasses import dataclass, fields
from enum import IntEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cis.validation.doubts import Doubt
from cis.validation.thresholds import Thresholds

__all__ = ["AccountKind", "Checked", "ReadingColumns", "check", "check_rate_sum"]

Int64Column = NDArray[np.int64]
BoolColumn = NDArray[np.bool_]
FlagColumn = NDArray[np.uint16]

INT64_MAX = int(np.iinfo(np.int64).max)
MAX_DIGITS = 12
MAX_DAYS = 36_525
MAX_CAPACITY_KVA = 10**8
MAX_EXPECTED_E2_PER_DAY = 10**10
BLOCK_ROWS = 32_768  # the working columns of one block stay in the processor's cache


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
        `previous_estimated`)
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

    def __post_init__(self) -> None:
        rows = np.shape(self.previous_e4)
        if len(rows) != 1:
            raise ValueError("columns must be one-dimensional")
        for field in fields(self):
            column = getattr(self, field.name)
            if np.shape(column) != rows:
                raise ValueError(f"{field.name} has shape {np.shape(column)}, expected {rows}")
            wanted = np.bool_ if field.name == "previous_estimated" else np.int64
            if column.dtype != wanted:
                raise ValueError(f"{field.name} must be {wanted.__name__}, not {column.dtype}")

    def __len__(self) -> int:
        return len(self.previous_e4)

    def block(self, start: int, stop: int) -> "ReadingColumns":
        """Return rows start to stop (half-open) as views."""
        return ReadingColumns(*(getattr(self, field.name)[start:stop] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Checked:
    """Result per row, all columns (n,). A row is fit for billing when `flags & HOLDS_BILL == 0`."""

    flags: FlagColumn
    """bit mask of Doubt"""
    rolled_over: BoolColumn
    """the register turned over and `advance_e4` contains the full turn"""
    advance_e4: Int64Column
    """units advanced; negative when the value went back and it is no roll-over; 0 when OUT_OF_RANGE or MASTER_DATA"""
    energy_kwh_e2: Int64Column
    """advance x ratio rounded half-up (away from zero) to whole kWh, in 0.01 kWh; 0 when OVERFLOW"""


def check(columns: ReadingColumns, thresholds: Thresholds) -> Checked:
    """
    Return advance, energy and doubts of every reading; never raises on the content of a row.

    A value below the previous one is decided in this order (billing-rules.md section 0 step 1, 3.3):

    1. After an **estimated** reading it is a refund (AFTER_ESTIMATE_REFUND), never a roll-over. A refund larger than
       the limit of rule 3 is NEGATIVE too: no sane estimate was that much too high.
    2. When the previous value did not stand in the zone at the top of the register, it is NEGATIVE.
    3. Otherwise the advance is `10**digits - previous + current` and it is a roll-over when the energy is at most
       `max(3 x expected, floor)` and under capacity x time x 1.2. Unknown capacity drops the second condition.
       With unknown history the capacity alone decides; with both unknown the floor does.
    4. A rolled advance above that is ROLLOVER_IMPLAUSIBLE and stays a negative advance.

    An advance so large that it covers all but the zone is BACKWARD_ROLLOVER: the meter more likely ran backwards
    through zero. Rise, fall and zero look at rows with known history only. ZERO stands instead of SUDDEN_FALL, and
    means whole kWh: 0.4 kWh is zero on a bill.
    """
    rows = len(columns)
    checked = Checked(
        np.zeros(rows, np.uint16), np.zeros(rows, np.bool_), np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    )
    for start, stop in pairwise([*range(0, rows, BLOCK_ROWS), rows]):
        _check_block(columns.block(start, stop), thresholds, checked, slice(start, stop))
    return checked


def check_rate_sum(
    group: Int64Column,
    is_total: BoolColumn,
    advance_e4: Int64Column,
    thresholds: Thresholds,
) -> FlagColumn:
    """
    Return REGISTERS_DISAGREE on every row of a group whose rate registers do not add up to its total register.

    Rows (n,) are the active import registers of one meter and period, with the rows of a group next to each other
    (`group` not decreasing). `is_total` marks the total register, the others are its rates. `advance_e4` is
    `Checked.advance_e4`, so that roll-overs are settled. A group with no total or with no rate is not judged.

    Each register is cut to its last digit at both ends, so k rates and a total may differ by less than
    (k + 1) x resolution; that much is allowed. Source: billing-rules.md 3.6, |sum of rates - total| <= rounding.

    :raises ValueError: the columns differ in length, groups are not in order, or a group has two totals
    """
    if not len(group) == len(is_total) == len(advance_e4):
        raise ValueError("columns differ in length")
    flags = np.zeros(len(group), np.uint16)
    if not len(group):
        return flags
    steps = np.diff(group)
    if (steps < 0).any():
        raise ValueError("rows must be sorted by group")
    starts = np.concatenate([[0], np.flatnonzero(steps) + 1])
    sizes = np.diff(np.append(starts, len(group)))
    totals = np.add.reduceat(is_total.astype(np.int64), starts)
    if (totals > 1).any():
        raise ValueError("a group has more than one total register")
    rates = sizes - totals
    difference = np.abs(np.add.reduceat(np.where(is_total, -advance_e4, advance_e4), starts))
    allowed = (rates + 1) * thresholds.register_resolution_e4
    disagree = (totals == 1) & (rates > 0) & (difference > allowed)
    flags[np.repeat(disagree, sizes)] = Doubt.REGISTERS_DISAGREE
    return flags


def _check_block(columns: ReadingColumns, thresholds: Thresholds, out: Checked, rows: slice) -> None:
    """Check one block and write it into `out` at `rows`. The order of the steps is the order of the rules."""
    flags = out.flags[rows]
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
    _add(flags, bad_master, Doubt.MASTER_DATA)
    _add(flags, out_of_range & ~bad_master, Doubt.OUT_OF_RANGE)
    _add(flags, bad_days, Doubt.DATES_OUT_OF_ORDER)

    advance = np.where(usable, current - previous, 0)
    multiplier = np.where(bad_master, 1, columns.multiplier)
    days = np.where(bad_days, 0, columns.days)
    has_history = usable & ~bad_days & (columns.expected_kwh_e2_per_day >= 0)
    has_capacity = usable & ~bad_days & (columns.capacity_kva > 0)
    expected_e2 = np.where(has_history, columns.expected_kwh_e2_per_day, 0) * days
    capacity_e2 = np.where(has_capacity, columns.capacity_kva, 0) * days * (24 * thresholds.capacity_factor_permille)
    capacity_e2 //= 10

    negative = advance < 0
    if negative.any():
        went_back = np.flatnonzero(negative)
        _settle_negative(
            went_back,
            columns,
            thresholds,
            flags,
            out.rolled_over[rows],
            advance,
            turn_e4,
            _refund_limit_e2(
                thresholds,
                has_history[went_back],
                expected_e2[went_back],
                has_capacity[went_back],
                capacity_e2[went_back],
            ),
            np.where(has_capacity[went_back], capacity_e2[went_back], INT64_MAX),
        )
    zone_e4 = turn_e4 // 1000 * thresholds.rollover_zone_permille
    _add(flags, advance > turn_e4 - zone_e4, Doubt.BACKWARD_ROLLOVER)

    energy_e2, overflow = _whole_kwh_e2(advance, multiplier)
    _add(flags, overflow, Doubt.OVERFLOW)
    _add(flags, has_capacity & (energy_e2 > capacity_e2), Doubt.OVER_CAPACITY)

    large = columns.kind == AccountKind.LARGE
    floor_e2 = np.where(large, thresholds.change_floor_kwh_large, thresholds.change_floor_kwh_residential) * 100
    rise = np.where(large, thresholds.rise_permille_large, thresholds.rise_permille_residential)
    fall = np.where(large, thresholds.fall_permille_large, thresholds.fall_permille_residential)
    change = energy_e2 - expected_e2
    judged = has_history & ~overflow & (advance >= 0)
    is_zero = energy_e2 == 0
    _add(flags, judged & (change > np.maximum(expected_e2 * rise // 1000, floor_e2)), Doubt.SUDDEN_RISE)
    _add(flags, judged & ~is_zero & (-change > np.maximum(expected_e2 * fall // 1000, floor_e2)), Doubt.SUDDEN_FALL)
    used_to_use = columns.expected_kwh_e2_per_day > thresholds.zero_floor_kwh_e2_per_day
    _add(flags, judged & is_zero & used_to_use, Doubt.ZERO)

    out.advance_e4[rows] = advance
    out.energy_kwh_e2[rows] = energy_e2


def _settle_negative(
    went_back: NDArray[np.intp],
    columns: ReadingColumns,
    thresholds: Thresholds,
    flags: FlagColumn,
    rolled_over: BoolColumn,
    advance: Int64Column,
    turn_e4: Int64Column,
    limit_e2: Int64Column,
    capacity_e2: Int64Column,
) -> None:
    """Decide rows whose value went back (indices `went_back`, (m,)); changes flags, rolled_over and advance."""
    turn, multiplier = turn_e4[went_back], columns.multiplier[went_back]
    estimated = columns.previous_estimated[went_back]
    in_zone = columns.previous_e4[went_back] >= turn - turn // 1000 * thresholds.rollover_zone_permille
    rolled = advance[went_back] + turn
    rolled_e2, rolled_overflow = _whole_kwh_e2(rolled, multiplier)
    plausible = ~rolled_overflow & (rolled_e2 <= limit_e2) & (rolled_e2 <= capacity_e2)
    refund_e2, refund_overflow = _whole_kwh_e2(-advance[went_back], multiplier)
    refund_too_big = refund_overflow | (refund_e2 > limit_e2)

    is_rollover = ~estimated & in_zone & plausible
    found = np.zeros(len(went_back), np.uint16)
    _add(found, estimated, Doubt.AFTER_ESTIMATE_REFUND)
    _add(found, estimated & refund_too_big, Doubt.NEGATIVE)
    _add(found, ~estimated & ~in_zone, Doubt.NEGATIVE)
    _add(found, ~estimated & in_zone & ~plausible, Doubt.ROLLOVER_IMPLAUSIBLE)
    flags[went_back] |= found
    rolled_over[went_back] = is_rollover
    advance[went_back] = np.where(is_rollover, rolled, advance[went_back])


def _refund_limit_e2(
    thresholds: Thresholds,
    has_history: BoolColumn,
    expected_e2: Int64Column,
    has_capacity: BoolColumn,
    capacity_e2: Int64Column,
) -> Int64Column:
    """Return the most energy a roll-over or a refund may be worth, in 0.01 kWh; see `check`."""
    floor_e2 = thresholds.rollover_floor_kwh * 100
    by_history = np.maximum(expected_e2 * thresholds.rollover_expected_times, floor_e2)
    return np.where(has_history, by_history, np.where(has_capacity, capacity_e2, floor_e2))


def _whole_kwh_e2(advance_e4: Int64Column, multiplier: Int64Column) -> tuple[Int64Column, BoolColumn]:
    """Return energy in 0.01 kWh, half-up away from zero to whole kWh, and where the product does not fit int64 (0)."""
    size = np.abs(advance_e4)
    overflow = size > (INT64_MAX - 5000) // multiplier
    product = np.where(overflow, 0, advance_e4) * multiplier
    return (product + 5000 - (product < 0)) // 10_000 * 100, overflow


def _add(flags: FlagColumn, where: BoolColumn, doubt: Doubt) -> None:
    """Set one bit in place where a condition holds."""
    flags |= where.astype(np.uint16) << np.uint16(int(doubt).bit_length() - 1)


_TURN_E4 = 10_000 * 10 ** np.arange(MAX_DIGITS + 1, dtype=np.int64)
