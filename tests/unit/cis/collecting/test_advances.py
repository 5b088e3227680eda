"""Several settlements a month: days that fall due, and shares that never ask more than the whole."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.collecting.advances import (
    AgreedDay,
    agreed_day,
    amount_of,
    check_terms,
    days_falling_due,
    due_day,
)
from cis.rating import CannotPrice
from config.shared.calendar import calendar_day


def is_workday(day: date) -> bool:
    return calendar_day(day).is_workday


class TestADay:
    def test_beyond_the_end_of_a_short_month_is_its_last(self) -> None:
        assert agreed_day(202602, 31) == date(2026, 2, 28)
        assert agreed_day(202402, 30) == date(2024, 2, 29)
        assert agreed_day(202601, 31) == date(2026, 1, 31)

    def test_on_a_day_off_is_due_on_the_next_working_day(self) -> None:
        assert due_day(date(2026, 10, 1), is_workday) == date(2026, 10, 8)
        assert due_day(date(2026, 1, 10), is_workday) == date(2026, 1, 12)
        # A Sunday that is worked in exchange for a holiday is no day off.
        assert due_day(date(2026, 2, 14), is_workday) == date(2026, 2, 14)


class TestWhatFallsDue:
    @given(st.dates(date(2025, 1, 1), date(2026, 12, 1)), st.integers(0, 12))
    def test_windows_side_by_side_find_every_day_of_every_month_once(self, first: date, length: int) -> None:
        last = first + timedelta(days=length)

        found = days_falling_due(first, last, is_workday)
        days = [first + timedelta(days=number) for number in range(length + 1)]
        one_by_one = [one for day in days for one in days_falling_due(day, day, is_workday)]

        assert sorted(found, key=repr) == sorted(one_by_one, key=repr)
        assert len({(one.cycle, one.day) for one in found}) == len(found)
        assert all(one.agreed_on <= one.due_on and is_workday(one.due_on) for one in found)

    def test_a_holiday_carries_the_last_days_of_a_month_into_the_next(self) -> None:
        # 31 January 2026 is a Saturday.
        found = days_falling_due(date(2026, 2, 2), date(2026, 2, 2), is_workday)

        assert found == (
            AgreedDay(202601, 31, date(2026, 1, 31), date(2026, 2, 2)),
            AgreedDay(202602, 1, date(2026, 2, 1), date(2026, 2, 2)),
            AgreedDay(202602, 2, date(2026, 2, 2), date(2026, 2, 2)),
        )


class TestShares:
    @given(st.integers(0, 10**13), st.lists(st.integers(1, 1000), min_size=1, max_size=6))
    def test_never_ask_more_than_the_basis_nor_lose_more_than_a_fen_each(self, basis: int, shares: list[int]) -> None:
        whole = sum(shares)
        shares = [max(1, share * 990 // whole) for share in shares] if whole > 1000 else shares

        asked = [amount_of(basis, share) for share in shares]

        exact = basis * sum(shares)
        assert 0 <= exact - 1000 * sum(asked) < 1000 * len(shares)
        assert sum(asked) <= basis

    def test_of_a_credit_is_nothing(self) -> None:
        assert amount_of(-5, 333) == 0

    @pytest.mark.parametrize(
        ("days", "shares"),
        [
            ([], []),
            ([10], []),
            ([20, 10], [300, 300]),
            ([10, 10], [300, 300]),
            ([0], [300]),
            ([32], [300]),
            ([10], [0]),
            ([10, 20], [600, 401]),
            ([1, 2, 3], [1, 1, 1]),
        ],
    )
    def test_that_make_no_plan_are_refused(self, days: list[int], shares: list[int]) -> None:
        with pytest.raises(CannotPrice):
            check_terms(days, shares, most=2)
        check_terms([10, 31], [600, 400], most=2)
