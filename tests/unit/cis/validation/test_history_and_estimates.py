"""Expected daily energy and estimates."""

from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.validation import (
    METHOD_CODES,
    ORDER_INSIDE_GAP,
    EstimateColumns,
    EstimateMethod,
    daily_energy_e2,
    estimate_advance,
    estimate_by_last_year,
    estimate_by_line,
    estimate_by_recent,
    expect_daily_energy,
)

ENERGY = st.one_of(st.just(-1), st.integers(0, 10**9))


def column(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


class TestExpectedDailyEnergy:
    @given(st.lists(st.tuples(st.lists(ENERGY, min_size=5, max_size=5), ENERGY), min_size=1, max_size=8))
    def test_is_the_median_of_three_known_periods_and_last_year(self, accounts: list[tuple[list[int], int]]) -> None:
        recent = np.array([periods for periods, _ in accounts], dtype=np.int64)
        last_year = column(*(value for _, value in accounts))

        found = expect_daily_energy(recent, last_year).tolist()

        for (periods, before), result in zip(accounts, found, strict=True):
            used = [value for value in periods if value >= 0][:3] + [value for value in [before] if value >= 0]
            assert result == (int(median(used) + 0.5) if used else -1)

    def test_the_fourth_known_period_is_too_old(self) -> None:
        assert expect_daily_energy(np.array([[100, 200, -1, 300, 9999]])).tolist() == [200]

    def test_an_empty_month_last_year_is_known(self) -> None:
        assert expect_daily_energy(np.array([[100, -1]]), column(0)).tolist() == [50]

    def test_no_history_at_all_is_unknown(self) -> None:
        assert expect_daily_energy(np.empty((2, 0), dtype=np.int64)).tolist() == [-1, -1]
        assert expect_daily_energy(np.empty((0, 3), dtype=np.int64)).tolist() == []

    def test_shapes_must_match(self) -> None:
        with pytest.raises(ValueError, match="last year"):
            expect_daily_energy(np.zeros((2, 3), np.int64), column(1))

    def test_energy_per_day_rounds_half_up_and_keeps_unknown(self) -> None:
        energy, days = column(100, 105, 104, -1, 100, 2**62), column(10, 10, 10, 30, 0, 1)

        assert daily_energy_e2(energy, days).tolist() == [10, 11, 10, -1, -1, 2**62]


def known(**changes: int) -> EstimateColumns:
    row = {
        "days": 30,
        "multiplier": 1,
        "last_year_e2_per_day": 1000,
        "recent_e2_per_day": 600,
        "recent_last_year_e2_per_day": 500,
        "line_advance_e4": 600_0000,
        "line_days": 60,
    }
    return EstimateColumns(**{name: column(value) for name, value in (row | changes).items()})


class TestEstimates:
    def test_last_year_grows_as_the_recent_periods_did(self) -> None:
        assert estimate_by_last_year(known()).tolist() == [360_0000]
        assert estimate_by_last_year(known(recent_last_year_e2_per_day=-1)).tolist() == [300_0000]
        assert estimate_by_last_year(known(recent_last_year_e2_per_day=0)).tolist() == [300_0000]

    def test_growth_is_kept_within_half_and_double(self) -> None:
        assert estimate_by_last_year(known(recent_e2_per_day=50_000)).tolist() == [600_0000]
        assert estimate_by_last_year(known(recent_e2_per_day=1)).tolist() == [150_0000]

    def test_recent_median_goes_by_days_and_ratio(self) -> None:
        assert estimate_by_recent(known()).tolist() == [180_0000]
        assert estimate_by_recent(known(multiplier=40)).tolist() == [4_5000]
        assert estimate_by_recent(known(multiplier=7, days=1)).tolist() == [8571]

    def test_straight_line_goes_by_days(self) -> None:
        assert estimate_by_line(known()).tolist() == [300_0000]
        assert estimate_by_line(known(line_advance_e4=5, days=30, line_days=60)).tolist() == [3]

    @given(st.integers(0, 10**16), st.integers(1, 400), st.integers(1, 400))
    def test_the_line_never_passes_the_reading_behind_the_gap(self, advance: int, days: int, line_days: int) -> None:
        found = estimate_by_line(known(line_advance_e4=advance, days=days, line_days=line_days)).tolist()[0]

        exact = (2 * advance * days + line_days) // (2 * line_days)
        assert found in (exact, -1)
        assert found == exact or days > line_days
        assert days > line_days or found <= advance

    def test_methods_are_tried_in_order_and_named(self) -> None:
        every = estimate_advance(known())
        without_last_year = estimate_advance(known(last_year_e2_per_day=-1))
        only_line = estimate_advance(known(last_year_e2_per_day=-1, recent_e2_per_day=-1))
        nothing = estimate_advance(known(last_year_e2_per_day=-1, recent_e2_per_day=-1, line_days=0))
        inside_gap = estimate_advance(known(), ORDER_INSIDE_GAP)

        found = [every, without_last_year, only_line, nothing, inside_gap]
        assert [METHOD_CODES[EstimateMethod(int(one.method[0]))] for one in found] == [
            "same-month-last-year",
            "recent-median",
            "straight-line",
            "none",
            "straight-line",
        ]
        assert [int(one.advance_e4[0]) for one in found] == [360_0000, 180_0000, 300_0000, -1, 300_0000]

    @pytest.mark.parametrize("wrong", [{"days": 0}, {"multiplier": 0}, {"days": 10**7}])
    def test_nothing_is_estimated_from_senseless_input(self, wrong: dict[str, int]) -> None:
        assert estimate_advance(known(**wrong)).method.tolist() == [EstimateMethod.NONE]

    def test_a_falling_line_is_no_base(self) -> None:
        assert estimate_by_line(known(line_advance_e4=-1)).tolist() == [-1]
