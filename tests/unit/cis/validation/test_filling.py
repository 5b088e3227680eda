"""Filling of curves: the day's energy is kept to the Wh, and what was there stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.validation.filling import CannotFill, Filled, FillMethod, Quality, fill_day, share_out

SHAPE = np.array([10 + slot % 7 * 30 for slot in range(96)], dtype=np.int64)


def fill(missing: slice, **more: Any) -> tuple[np.ndarray[Any, Any], Filled]:
    day = SHAPE * 3
    wanted = np.zeros(96, np.bool_)
    wanted[missing] = True
    seen = np.where(wanted, -1, day)
    quality = np.where(wanted, int(Quality.MISSING), int(Quality.ACTUAL))
    return day, fill_day(seen, wanted, quality, **more)


class TestShareOut:
    @given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=96))
    def test_whole_parts_add_up_exactly_and_none_is_off_by_more_than_one(self, total: int, weights: list[int]) -> None:
        parts = share_out(total, np.array(weights, dtype=np.int64)).tolist()

        fair = weights if sum(weights) else [1] * len(weights)
        assert sum(parts) == total
        assert all(
            abs(part * sum(fair) - total * weight) <= sum(fair) for part, weight in zip(parts, fair, strict=True)
        )

    def test_senseless_ones_are_refused(self) -> None:
        for total, weights in ((-1, [1]), (1, []), (1, [-1])):
            with pytest.raises(ValueError, match="share"):
                share_out(total, np.array(weights, dtype=np.int64))


class TestMethods:
    """Two hours by a line, more by a similar day, a customer without history by its kind."""

    def test_up_to_two_hours_the_register_runs_straight(self) -> None:
        day, filled = fill(slice(10, 18), freeze_wh=int(SHAPE.sum() * 3) + 3)

        gap = filled.energy_wh[10:18]
        assert filled.method is FillMethod.LINEAR
        assert (gap.max() - gap.min(), gap.sum()) in ((0, day[10:18].sum() + 3), (1, day[10:18].sum() + 3))

    def test_without_a_freeze_the_line_runs_between_the_neighbours(self) -> None:
        day, filled = fill(slice(10, 13))

        steps = np.diff(filled.energy_wh[9:14])
        assert (filled.energy_wh[9], filled.energy_wh[13]) == (day[9], day[13])
        assert steps.max() - steps.min() <= 1

    def test_longer_gaps_follow_the_similar_day_scaled_to_the_freeze(self) -> None:
        day, filled = fill(slice(10, 40), freeze_wh=int(SHAPE.sum() * 3), similar_wh=SHAPE)

        assert filled.method is FillMethod.SIMILAR_DAY
        np.testing.assert_array_equal(filled.energy_wh, day)

    def test_without_a_freeze_it_runs_at_the_level_of_what_is_there(self) -> None:
        day, filled = fill(slice(10, 40), similar_wh=SHAPE)

        np.testing.assert_array_equal(filled.energy_wh, day)

    def test_a_whole_day_takes_the_energy_of_the_line_and_the_shape_of_the_kind(self) -> None:
        _day, filled = fill(slice(0, 96), freeze_wh=12_345, kind_wh=SHAPE)

        assert (filled.method, filled.energy_wh.sum()) == (FillMethod.KIND_PROFILE, 12_345)
        assert np.corrcoef(filled.energy_wh, SHAPE)[0, 1] > 0.999

    @pytest.mark.parametrize(
        ("missing", "more", "code"),
        [
            (slice(0, 96), {"freeze_wh": 5}, "no-profile"),
            (slice(0, 96), {"similar_wh": SHAPE}, "no-level"),
            (slice(0, 4), {"freeze_wh": 5}, "freeze-below-curve"),
            (slice(0, 0), {}, "nothing-wanted"),
        ],
    )
    def test_what_cannot_be_known_is_not_made_up(self, missing: slice, more: dict[str, Any], code: str) -> None:
        with pytest.raises(CannotFill, match=code):
            fill(missing, **more)


@given(
    st.lists(st.integers(0, 10**6), min_size=96, max_size=96),
    st.lists(st.booleans(), min_size=96, max_size=96).filter(any),
    st.integers(0, 10**8),
    st.lists(st.integers(0, 10**6), min_size=96, max_size=96),
)
def test_the_day_adds_up_to_the_freeze_and_what_was_there_stays(
    day: list[int], gone: list[bool], rest: int, similar: list[int]
) -> None:
    wanted, energy = np.array(gone), np.array(day, dtype=np.int64)
    freeze = int(energy[~wanted].sum()) + rest

    filled = fill_day(
        np.where(wanted, -1, energy), wanted, np.ones(96, np.int64), freeze_wh=freeze, similar_wh=np.array(similar)
    )

    assert filled.energy_wh.sum() == freeze
    assert (filled.energy_wh[~wanted] == energy[~wanted]).all()
    assert (filled.energy_wh >= 0).all()
    assert (filled.quality[wanted] == Quality.ESTIMATED).all() and (filled.quality[~wanted] == 1).all()
