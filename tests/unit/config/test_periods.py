"""Half-open stretches of days, cycles and reading dates."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.shared.periods import Period, add_months, cycle_of, first_day, is_cycle, reading_date

DAYS = st.dates(date(1995, 1, 1), date(2100, 1, 1))
CYCLES = DAYS.map(cycle_of)


class TestPeriod:
    def test_holds_its_start_and_not_its_end(self) -> None:
        january = Period(date(2026, 1, 1), date(2026, 2, 1))

        assert january.days == 31
        assert january.contains(date(2026, 1, 1))
        assert not january.contains(date(2026, 2, 1))

    @pytest.mark.parametrize("length", [0, -1])
    def test_without_days_is_refused(self, length: int) -> None:
        with pytest.raises(ValueError, match="end after it starts"):
            Period(date(2026, 1, 5), date(2026, 1, 5) + timedelta(days=length))

    @given(DAYS, st.integers(1, 60), DAYS, st.integers(1, 60))
    def test_two_overlap_when_they_share_a_day(self, a: date, a_days: int, b: date, b_days: int) -> None:
        one, other = Period(a, a + timedelta(days=a_days)), Period(b, b + timedelta(days=b_days))
        shared = {a + timedelta(days=n) for n in range(a_days)} & {b + timedelta(days=n) for n in range(b_days)}

        assert one.overlaps(other) == other.overlaps(one) == bool(shared)


class TestCycles:
    @given(CYCLES, st.integers(-500, 500))
    def test_months_forth_and_back_end_where_they_began(self, cycle: int, months: int) -> None:
        assert add_months(add_months(cycle, months), -months) == cycle
        assert 1 <= add_months(cycle, months) % 100 <= 12

    @pytest.mark.parametrize(
        ("cycle", "good"), [(202601, True), (202613, False), (202600, False), (198912, False), (0, False)]
    )
    def test_knows_a_month(self, cycle: int, good: bool) -> None:
        assert is_cycle(cycle) == good

    def test_december_is_followed_by_january(self) -> None:
        assert add_months(202512, 1) == 202601
        assert add_months(202601, -1) == 202512


class TestReadingDates:
    @given(CYCLES, st.integers(0, 31))
    def test_follow_each_other_without_gap_month_by_month(self, cycle: int, reading_day: int) -> None:
        start, end = (reading_date(c, reading_day) for c in (add_months(cycle, -1), cycle))

        assert 28 <= (end - start).days <= 34

    def test_day_nought_is_the_freeze_at_the_month_s_end(self) -> None:
        assert reading_date(202602, 0) == first_day(202603)

    def test_a_day_past_the_month_s_end_is_its_last(self) -> None:
        assert reading_date(202602, 31) == date(2026, 2, 28)
        assert reading_date(202402, 30) == date(2024, 2, 29)
