"""Checks of 96-point days."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.validation import CheckedCurves, CurveColumns, Doubt, Thresholds, check_curves
from cis.validation.curves import BLOCK_DAYS


def check_day(
    energy: dict[int, int] | None = None, missing: tuple[int, ...] = (), capacity: int = 8, freeze: int = 96_000
) -> CheckedCurves:
    wh = np.tile(np.array([999, 1001], dtype=np.int32), 48)[None, :].copy()
    for slot, value in (energy or {}).items():
        wh[0, slot] = value
    present = np.ones((1, 96), np.bool_)
    present[0, list(missing)] = False
    return check_curves(CurveColumns(wh, present, np.array([capacity]), np.array([freeze])), Thresholds())


class TestCurves:
    def test_a_whole_day_has_no_doubt(self) -> None:
        found = check_day()

        assert (found.flags[0], found.energy_wh[0], found.missing_slots[0]) == (0, 96_000, 0)

    def test_a_slot_may_hold_capacity_times_a_quarter_hour_times_factor(self) -> None:
        # 8 kVA x 0.25 h x 1.2 = 2400 Wh
        assert check_day({5: 2400}, freeze=-1).flags[0] == 0
        found = check_day({5: 2401}, freeze=-1)
        assert found.flags[0] == Doubt.SLOT_OVER_CAPACITY
        assert np.flatnonzero(found.doubtful_slots[0]).tolist() == [5]
        assert check_day({5: 10**9}, capacity=0, freeze=-1).flags[0] == 0

    def test_a_negative_slot_is_flagged_unless_missing(self) -> None:
        assert check_day({7: -1}, freeze=-1).flags[0] == Doubt.NEGATIVE
        assert check_day({7: -1}, missing=(7,), freeze=-1).flags[0] == Doubt.CURVE_GAP

    @pytest.mark.parametrize(
        ("freeze", "flagged"), [(96_969, False), (96_971, True), (95_050, False), (95_049, True), (-1, False)]
    )
    def test_the_sum_may_differ_by_one_percent_of_the_freeze(self, freeze: int, flagged: bool) -> None:
        assert check_day(freeze=freeze).flags.tolist() == [int(Doubt.CURVE_FREEZE_DISAGREE) * flagged]

    def test_small_days_are_compared_by_the_floor(self) -> None:
        nothing = dict.fromkeys(range(96), 0)

        assert check_day(nothing | {0: 100}, freeze=0).flags[0] == 0
        assert check_day(nothing | {0: 101}, freeze=0).flags[0] == Doubt.CURVE_FREEZE_DISAGREE

    def test_a_gap_explains_too_little_but_not_too_much(self) -> None:
        assert check_day(missing=(3,), freeze=96_000 * 2).flags[0] == Doubt.CURVE_GAP
        assert check_day(missing=(3,), freeze=90_000).flags[0] == Doubt.CURVE_GAP | Doubt.CURVE_FREEZE_DISAGREE

    def test_two_hours_may_be_filled_by_a_line(self) -> None:
        short, long = check_day(missing=tuple(range(8))), check_day(missing=(*range(88, 96), 87))

        assert (short.longest_gap_slots[0], short.may_fill_linearly[0]) == (8, True)
        assert (long.longest_gap_slots[0], long.may_fill_linearly[0]) == (9, False)
        assert not check_day().may_fill_linearly[0]

    @given(st.lists(st.lists(st.booleans(), min_size=96, max_size=96), min_size=1, max_size=5))
    def test_longest_gap_is_the_longest_run(self, days: list[list[bool]]) -> None:
        present = np.array(days)
        n = len(days)

        found = check_curves(
            CurveColumns(np.zeros((n, 96), np.int32), present, np.zeros(n, np.int64), np.full(n, -1)), Thresholds()
        )

        runs = ["".join("." if slot else "x" for slot in day).split(".") for day in days]
        assert found.longest_gap_slots.tolist() == [max(map(len, run)) for run in runs]
        assert found.missing_slots.tolist() == [day.count(False) for day in days]

    def test_blocks_join_without_a_seam(self) -> None:
        n = BLOCK_DAYS + 2
        wh = np.zeros((n, 96), np.int32)
        wh[[BLOCK_DAYS - 1, BLOCK_DAYS, n - 1], 0] = -1

        found = check_curves(
            CurveColumns(wh, np.ones((n, 96), np.bool_), np.zeros(n, np.int64), np.full(n, -1)), Thresholds()
        )

        assert np.flatnonzero(found.flags).tolist() == [BLOCK_DAYS - 1, BLOCK_DAYS, n - 1]

    def test_shapes_must_match(self) -> None:
        with pytest.raises(ValueError, match="96"):
            CurveColumns(
                np.zeros((1, 48), np.int32), np.ones((1, 48), np.bool_), np.zeros(1, np.int64), np.zeros(1, np.int64)
            )
        with pytest.raises(ValueError, match="96"):
            CurveColumns(
                np.zeros((1, 96), np.int32), np.ones((1, 48), np.bool_), np.zeros(1, np.int64), np.zeros(1, np.int64)
            )
