"""Checks of register readings: each rule at its boundary, and the whole against a row-by-row restatement."""

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.validation import AccountKind, Checked, Doubt, ReadingColumns, Thresholds, check, check_rate_sum
from cis.validation.checks import BLOCK_ROWS

DEFAULTS = Thresholds()
ROW: dict[str, Any] = {
    "previous_e4": 1_000_0000,
    "current_e4": 1_300_0000,
    "multiplier": 1,
    "digits": 6,
    "days": 30,
    "capacity_kva": 8,
    "expected_kwh_e2_per_day": 1000,
    "kind": int(AccountKind.RESIDENTIAL),
    "previous_estimated": False,
}


def columns_of(*rows: dict[str, Any]) -> ReadingColumns:
    full = [ROW | row for row in rows]
    return ReadingColumns(
        **{
            name: np.array([row[name] for row in full], dtype="bool" if name == "previous_estimated" else "int64")
            for name in ROW
        }
    )


def check_one(thresholds: Thresholds = DEFAULTS, **row: Any) -> tuple[Doubt, bool, int, int]:
    checked = check(columns_of(row), thresholds)
    return (
        Doubt(int(checked.flags[0])),
        bool(checked.rolled_over[0]),
        int(checked.advance_e4[0]),
        int(checked.energy_kwh_e2[0]),
    )


class TestEnergy:
    def test_an_ordinary_reading_has_no_doubt(self) -> None:
        assert check_one() == (Doubt(0), False, 300_0000, 300_00)

    @pytest.mark.parametrize(
        ("advance_e4", "multiplier", "kwh"),
        [(4999, 1, 0), (5000, 1, 1), (14999, 1, 1), (1, 110_000, 11), (45, 110_000, 495), (3, 5000, 2), (1, 4999, 0)],
    )
    def test_rounds_half_up_after_the_ratio(self, advance_e4: int, multiplier: int, kwh: int) -> None:
        _, _, advance, energy = check_one(previous_e4=0, current_e4=advance_e4, multiplier=multiplier)

        assert (advance, energy) == (advance_e4, kwh * 100)

    def test_a_refund_rounds_away_from_zero(self) -> None:
        assert check_one(previous_e4=5000, current_e4=0, previous_estimated=True)[3] == -100
        assert check_one(previous_e4=4999, current_e4=0, previous_estimated=True)[3] == 0

    def test_a_product_beyond_int64_is_overflow_and_no_energy(self) -> None:
        flags, _, _, energy = check_one(
            previous_e4=0, current_e4=9 * 10**15, digits=12, multiplier=10**6, capacity_kva=0
        )

        assert flags & Doubt.OVERFLOW
        assert energy == 0


class TestRollOver:
    near_top: ClassVar[dict[str, Any]] = {"previous_e4": 999_900_0000, "current_e4": 150_0000}

    def test_a_value_near_the_top_rolls_over(self) -> None:
        assert check_one(**self.near_top) == (Doubt(0), True, 250_0000, 250_00)

    def test_the_zone_begins_at_its_boundary(self) -> None:
        in_zone = check_one(previous_e4=950_000_0000, current_e4=0, expected_kwh_e2_per_day=10**6, capacity_kva=0)
        below = check_one(previous_e4=950_000_0000 - 1, current_e4=0, expected_kwh_e2_per_day=10**6, capacity_kva=0)

        assert (in_zone[0] & (Doubt.NEGATIVE | Doubt.ROLLOVER_IMPLAUSIBLE), in_zone[1]) == (Doubt(0), True)
        assert (below[0], below[1], below[2]) == (Doubt.NEGATIVE, False, 1 - 950_000_0000)

    def test_three_times_the_expected_is_the_limit(self) -> None:
        at_limit = check_one(**self.near_top | {"current_e4": 1400_0000}, expected_kwh_e2_per_day=1667)
        above = check_one(**self.near_top | {"current_e4": 1402_0000}, expected_kwh_e2_per_day=1667)

        assert at_limit[1] and not at_limit[0] & Doubt.ROLLOVER_IMPLAUSIBLE
        assert above[0] == Doubt.ROLLOVER_IMPLAUSIBLE and not above[1] and above[2] < 0

    def test_the_floor_stands_in_for_a_small_history(self) -> None:
        at_floor = check_one(**self.near_top | {"current_e4": 900_0000}, expected_kwh_e2_per_day=0)
        above = check_one(**self.near_top | {"current_e4": 901_0000}, expected_kwh_e2_per_day=0)

        assert at_floor[1]
        assert above[0] == Doubt.ROLLOVER_IMPLAUSIBLE

    def test_capacity_bounds_it_even_when_history_would_not(self) -> None:
        # 1 kVA x 30 days x 24 h x 1.2 = 864 kWh
        fits = check_one(**self.near_top | {"current_e4": 764_0000}, capacity_kva=1, expected_kwh_e2_per_day=10**6)
        above = check_one(**self.near_top | {"current_e4": 765_0000}, capacity_kva=1, expected_kwh_e2_per_day=10**6)

        assert fits[1]
        assert above[0] == Doubt.ROLLOVER_IMPLAUSIBLE

    def test_without_history_the_capacity_decides(self) -> None:
        by_capacity = check_one(**self.near_top | {"current_e4": 6000_0000}, expected_kwh_e2_per_day=-1)
        by_floor = check_one(**self.near_top | {"current_e4": 6000_0000}, expected_kwh_e2_per_day=-1, capacity_kva=0)

        assert by_capacity[:2] == (Doubt(0), True)
        assert by_floor[0] == Doubt.ROLLOVER_IMPLAUSIBLE

    def test_after_an_estimate_it_is_a_refund_and_never_a_roll_over(self) -> None:
        small = check_one(previous_e4=1_300_0000, current_e4=1_200_0000, previous_estimated=True)
        near_top = check_one(**self.near_top, previous_estimated=True)

        assert small == (Doubt.AFTER_ESTIMATE_REFUND, False, -100_0000, -100_00)
        assert near_top[0] == Doubt.AFTER_ESTIMATE_REFUND | Doubt.NEGATIVE
        assert not near_top[1]

    def test_a_register_that_ran_back_through_zero_is_told_apart(self) -> None:
        flags = check_one(previous_e4=5_0000, current_e4=999_990_0000, capacity_kva=0, expected_kwh_e2_per_day=-1)[0]

        assert flags == Doubt.BACKWARD_ROLLOVER


class TestRiseFallZero:
    @pytest.mark.parametrize(
        ("kind", "kwh", "flags"),
        [
            (AccountKind.RESIDENTIAL, 450, Doubt(0)),
            (AccountKind.RESIDENTIAL, 451, Doubt.SUDDEN_RISE),
            (AccountKind.RESIDENTIAL, 150, Doubt(0)),
            (AccountKind.RESIDENTIAL, 149, Doubt.SUDDEN_FALL),
            (AccountKind.RESIDENTIAL, 0, Doubt.ZERO),
        ],
    )
    def test_residential_at_half(self, kind: AccountKind, kwh: int, flags: Doubt) -> None:
        assert check_one(previous_e4=0, current_e4=kwh * 10_000, kind=int(kind))[0] == flags

    @pytest.mark.parametrize(
        ("kwh", "flags"),
        [(13_000, Doubt(0)), (13_001, Doubt.SUDDEN_RISE), (7_000, Doubt(0)), (6_999, Doubt.SUDDEN_FALL)],
    )
    def test_large_at_thirty_percent(self, kwh: int, flags: Doubt) -> None:
        found = check_one(
            previous_e4=0,
            current_e4=kwh * 100,
            multiplier=100,
            days=10,
            capacity_kva=1000,
            expected_kwh_e2_per_day=1000_00,
            kind=int(AccountKind.LARGE),
        )

        assert found[0] == flags

    def test_below_the_floor_nothing_is_flagged(self) -> None:
        at_floor = check_one(previous_e4=0, current_e4=130_0000, expected_kwh_e2_per_day=100)
        above = check_one(previous_e4=0, current_e4=131_0000, expected_kwh_e2_per_day=100)

        assert (at_floor[0], above[0]) == (Doubt(0), Doubt.SUDDEN_RISE)

    def test_zero_needs_a_history_of_use(self) -> None:
        idle = check_one(current_e4=ROW["previous_e4"], expected_kwh_e2_per_day=100)
        used = check_one(current_e4=ROW["previous_e4"], expected_kwh_e2_per_day=101)

        assert (idle[0], used[0]) == (Doubt(0), Doubt.ZERO)

    def test_unknown_history_flags_nothing(self) -> None:
        for current in (ROW["previous_e4"], ROW["previous_e4"] + 5000_0000):
            assert check_one(current_e4=current, expected_kwh_e2_per_day=-1)[0] == Doubt(0)


class TestCapacityAndMasterData:
    def test_capacity_times_time_times_factor(self) -> None:
        # 8 kVA x 30 x 24 h x 1.2 = 6912 kWh
        at_limit = check_one(previous_e4=0, current_e4=6912_0000, expected_kwh_e2_per_day=-1)
        above = check_one(previous_e4=0, current_e4=6913_0000, expected_kwh_e2_per_day=-1)

        assert (at_limit[0], above[0]) == (Doubt(0), Doubt.OVER_CAPACITY)

    @pytest.mark.parametrize("days", [0, -3, 10**9])
    def test_dates_out_of_order_are_a_doubt_of_the_row(self, days: int) -> None:
        assert check_one(days=days)[0] == Doubt.DATES_OUT_OF_ORDER

    @pytest.mark.parametrize(
        "wrong",
        [
            {"digits": 0},
            {"digits": 13},
            {"multiplier": 0},
            {"multiplier": -5},
            {"capacity_kva": -1},
            {"capacity_kva": 10**9},
            {"expected_kwh_e2_per_day": -2},
            {"expected_kwh_e2_per_day": 10**18},
            {"kind": 2},
        ],
    )
    def test_a_wrong_meter_record_stops_only_its_row(self, wrong: dict[str, int]) -> None:
        checked = check(columns_of({}, wrong, {}), DEFAULTS)

        assert checked.flags.tolist() == [0, int(Doubt.MASTER_DATA), 0]
        assert checked.energy_kwh_e2.tolist() == [300_00, 0, 300_00]

    @pytest.mark.parametrize(
        "wrong", [{"current_e4": 10**10}, {"previous_e4": 10**10}, {"previous_e4": -1}, {"current_e4": 2**63 - 1}]
    )
    def test_a_value_that_does_not_fit_the_register(self, wrong: dict[str, Any]) -> None:
        assert check_one(**wrong)[0] & Doubt.OUT_OF_RANGE
        assert check_one(current_e4=10**10 - 1)[0] & Doubt.OUT_OF_RANGE == Doubt(0)

    @pytest.mark.parametrize(
        "extreme",
        [
            {"digits": 1, "previous_e4": 0, "current_e4": 9_0000, "expected_kwh_e2_per_day": -1},
            {"digits": 12},
            {"capacity_kva": 10**8},
            {"expected_kwh_e2_per_day": 10**10},
        ],
    )
    def test_the_extremes_of_a_meter_record_are_allowed(self, extreme: dict[str, Any]) -> None:
        assert not check_one(**extreme)[0] & (Doubt.MASTER_DATA | Doubt.OUT_OF_RANGE)

    def test_columns_that_do_not_match_are_refused(self) -> None:
        good = columns_of({})
        names = list(ROW)

        with pytest.raises(ValueError, match="multiplier"):
            ReadingColumns(*(getattr(good, n) if n != "multiplier" else np.array([1, 2]) for n in names))
        with pytest.raises(ValueError, match="days must be int64"):
            ReadingColumns(*(getattr(good, n) if n != "days" else np.array([1.0]) for n in names))


def restated(row: dict[str, Any], limits: Thresholds) -> tuple[int, bool, int, int]:
    """The rules of `check`, one row at a time in plain integers."""
    flags, rolled = Doubt(0), False
    turn = 10_000 * 10 ** row["digits"]
    if row["days"] <= 0:
        flags |= Doubt.DATES_OUT_OF_ORDER
    in_range = all(0 <= row[name] < turn for name in ("previous_e4", "current_e4"))
    if not in_range:
        flags |= Doubt.OUT_OF_RANGE
    days = max(row["days"], 0)
    known = in_range and row["days"] > 0 and row["expected_kwh_e2_per_day"] >= 0
    expected = row["expected_kwh_e2_per_day"] * days
    capacity = row["capacity_kva"] * days * 24 * 120 if row["capacity_kva"] and in_range and days else None

    def kwh_e2(advance: int) -> int:
        whole: int = (abs(advance) * row["multiplier"] + 5000) // 10_000 * 100
        return whole if advance >= 0 else -whole

    advance = row["current_e4"] - row["previous_e4"] if in_range else 0
    if advance < 0:
        floor = limits.rollover_floor_kwh * 100
        limit = max(3 * expected, floor) if known else capacity if capacity is not None else floor
        full = advance + turn
        if row["previous_estimated"]:
            flags |= Doubt.AFTER_ESTIMATE_REFUND
            flags |= Doubt.NEGATIVE if kwh_e2(-advance) > limit else Doubt(0)
        elif row["previous_e4"] < turn * 95 // 100:
            flags |= Doubt.NEGATIVE
        elif kwh_e2(full) <= limit and (capacity is None or kwh_e2(full) <= capacity):
            advance, rolled = full, True
        else:
            flags |= Doubt.ROLLOVER_IMPLAUSIBLE
    if advance > turn * 95 // 100:
        flags |= Doubt.BACKWARD_ROLLOVER
    energy = kwh_e2(advance)
    if capacity is not None and energy > capacity:
        flags |= Doubt.OVER_CAPACITY
    if known and advance >= 0:
        large = row["kind"] == AccountKind.LARGE
        ratio, least = (3, limits.change_floor_kwh_large) if large else (5, limits.change_floor_kwh_residential)
        change = energy - expected
        if energy == 0:
            flags |= Doubt.ZERO if row["expected_kwh_e2_per_day"] > 100 else Doubt(0)
        elif abs(change) * 10 > expected * ratio and abs(change) > least * 100:
            flags |= Doubt.SUDDEN_RISE if change > 0 else Doubt.SUDDEN_FALL
    return int(flags), rolled, advance, energy


VALUES = st.one_of(st.integers(0, 10**8 - 1), st.integers(94 * 10**6, 10**8 - 1), st.integers(-5, 2 * 10**8))
ROWS = st.fixed_dictionaries(
    {
        "previous_e4": VALUES,
        "current_e4": VALUES,
        "multiplier": st.sampled_from([1, 3, 40, 110_000]),
        "digits": st.sampled_from([4, 4, 5]),
        "days": st.integers(-1, 62),
        "capacity_kva": st.sampled_from([0, 1, 8, 315]),
        "expected_kwh_e2_per_day": st.one_of(st.just(-1), st.integers(0, 50_000)),
        "kind": st.sampled_from([0, 1]),
        "previous_estimated": st.booleans(),
    }
)


def as_tuples(checked: Checked) -> list[tuple[int, bool, int, int]]:
    return list(
        zip(
            checked.flags.tolist(),
            checked.rolled_over.tolist(),
            checked.advance_e4.tolist(),
            checked.energy_kwh_e2.tolist(),
            strict=True,
        )
    )


class TestAsAWhole:
    @given(st.lists(ROWS, min_size=1, max_size=30))
    def test_equals_the_rules_row_by_row(self, rows: list[dict[str, Any]]) -> None:
        assert as_tuples(check(columns_of(*rows), DEFAULTS)) == [restated(row, DEFAULTS) for row in rows]

    @given(st.lists(ROWS, min_size=1, max_size=30), st.integers(0, 2**32 - 1))
    def test_order_of_rows_changes_nothing(self, rows: list[dict[str, Any]], seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(rows))

        shuffled = as_tuples(check(columns_of(*(rows[place] for place in order)), DEFAULTS))

        straight = as_tuples(check(columns_of(*rows), DEFAULTS))
        assert shuffled == [straight[place] for place in order]

    def test_blocks_join_without_a_seam(self) -> None:
        rows = BLOCK_ROWS + 3
        base = columns_of({})
        many = ReadingColumns(*(np.repeat(getattr(base, name), rows) for name in ROW))
        many.current_e4[[0, BLOCK_ROWS - 1, BLOCK_ROWS, rows - 1]] = 0

        flagged = np.flatnonzero(check(many, DEFAULTS).flags == Doubt.NEGATIVE)

        assert flagged.tolist() == [0, BLOCK_ROWS - 1, BLOCK_ROWS, rows - 1]

    def test_no_rows_give_no_results(self) -> None:
        none = check(ReadingColumns(*(getattr(columns_of({}), name)[:0] for name in ROW)), DEFAULTS)

        assert len(none.flags) == 0


class TestRateSum:
    def flags(self, *rows: tuple[int, bool, int]) -> list[int]:
        group, is_total, advance = (np.array(column) for column in zip(*rows, strict=True))
        return list(check_rate_sum(group, is_total, advance, DEFAULTS))

    def test_rounding_of_every_register_is_allowed(self) -> None:
        # three registers of 0.01: 300 e4 is still rounding, 301 is not
        assert self.flags((1, True, 1000_0300), (1, False, 400_0000), (1, False, 600_0000)) == [0, 0, 0]
        assert self.flags((1, True, 1000_0301), (1, False, 400_0000), (1, False, 600_0000)) == [128] * 3
        assert self.flags((1, True, 999_9699), (1, False, 400_0000), (1, False, 600_0000)) == [128] * 3

    def test_only_the_group_that_disagrees_is_flagged(self) -> None:
        rows = [(1, True, 10_0000), (1, False, 10_0000), (2, False, 1), (2, True, 90_0000), (3, True, 5)]

        assert self.flags(*rows) == [0, 0, int(Doubt.REGISTERS_DISAGREE), int(Doubt.REGISTERS_DISAGREE), 0]

    def test_a_group_without_total_is_not_judged(self) -> None:
        assert self.flags((1, False, 10**9), (1, False, 5)) == [0, 0]

    def test_wrong_grouping_is_refused(self) -> None:
        with pytest.raises(ValueError, match="sorted"):
            self.flags((2, True, 1), (1, False, 1))
        with pytest.raises(ValueError, match="more than one total"):
            self.flags((1, True, 1), (1, True, 1))
