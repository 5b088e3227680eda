"""Annual bounds of an account that is handed on: each holder's months, counted by hand from a calendar."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cis.rating.tier_years import month_number, tier_months

DAYS = st.dates(date(2023, 1, 1), date(2027, 12, 31))


def numbers(day: date | None) -> np.ndarray | None:
    return None if day is None else np.array([month_number(day.year, day.month)])


def by_calendar(first: date, taken_over: date | None, last: date | None) -> int:
    """The months of the tier year in which the holder was there, one by one."""
    months = [(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1) for n in range(12)]
    there = [
        month
        for month in months
        if (taken_over is None or month >= (taken_over.year, taken_over.month))
        and (last is None or month <= (last.year, last.month))
    ]
    return len(there)


class TestTierMonths:
    @given(first=DAYS, taken_over=st.none() | DAYS, last=st.none() | DAYS)
    def test_are_the_months_of_the_tier_year_in_which_the_holder_was_there(
        self, first: date, taken_over: date | None, last: date | None
    ) -> None:
        found = tier_months(
            np.array([month_number(first.year, first.month)]), taken_over=numbers(taken_over), handed_on=numbers(last)
        )

        # Who was never there in it has a month all the same: a bill has bounds.
        assert found.tolist() == [max(by_calendar(first, taken_over, last), 1)]

    def test_the_months_of_both_holders_are_those_of_the_year_and_the_shared_one(self) -> None:
        first, moved = np.array([month_number(2026, 1)]), np.array([month_number(2026, 5)])

        assert tier_months(first, handed_on=moved).tolist() == [5], "published: 230 kWh x 5"
        assert tier_months(first, taken_over=moved).tolist() == [8]
        assert tier_months(first).tolist() == [12]
