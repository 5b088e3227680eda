"""What the days that are left of a period will use, from the customer's own days."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cis.explaining import Outlook, outlook, shared_out

days = st.lists(st.integers(0, 100_000), min_size=14, max_size=60)


class TestTheOutlook:
    @given(days, st.integers(0, 62))
    def test_lies_within_what_was_lived_through(self, recent: list[int], left: int) -> None:
        found = outlook(recent, days_left=left)

        assert found is not None
        assert min(recent) * left <= found.low_wh <= found.middle_wh <= found.high_wh <= max(recent) * left

    def test_of_even_days_is_certain(self) -> None:
        assert outlook([5_000] * 30, days_left=10) == Outlook(50_000, 50_000, 50_000)

    def test_of_few_days_is_not_told(self) -> None:
        assert outlook([5_000] * 13, days_left=10) is None
        assert outlook([], days_left=0) == Outlook(0, 0, 0)

    def test_is_wide_where_days_differ(self) -> None:
        found = outlook([2_000] * 20 + [9_000] * 20, days_left=5)

        assert found is not None
        assert (found.low_wh, found.high_wh) == (10_000, 45_000)

    def test_follows_the_season_of_last_year(self) -> None:
        plain = outlook([5_000] * 30, days_left=10)
        risen = outlook([5_000] * 30, days_left=10, year_ago_before_wh=[4_000] * 28, year_ago_wh=[6_000] * 10)
        journey = outlook([5_000] * 30, days_left=10, year_ago_before_wh=[100] * 28, year_ago_wh=[6_000] * 10)
        patchy = outlook([5_000] * 30, days_left=10, year_ago_before_wh=[4_000] * 10, year_ago_wh=[6_000] * 10)

        assert risen == Outlook(75_000, 75_000, 75_000)
        assert journey == Outlook(150_000, 150_000, 150_000), "three times at the most"
        assert patchy == plain


class TestSharing:
    @given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
    def test_loses_nothing(self, total: int, shares: list[int]) -> None:
        parts = shared_out(total, shares)

        assert sum(parts) == total
        assert len(parts) == len(shares) and min(parts) >= 0
