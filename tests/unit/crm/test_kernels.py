"""Load shapes, bill shocks, means of few ratings, plans, distances: what they say at their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.bill_shock import MEAN, YEAR_AGO, find_shocks
from crm.distance import metres_between
from crm.emergency_plans import Generator, Load, PlanContent, PlanFault
from crm.satisfaction_figures import shrunk_mean
from crm.tagging import NONE, TAGS
from crm.tagging.load_shape import DEFAULTS, SHAPES, classify


def shape(hours: Sequence[float], *, kwh: float, days: int = 28, hot: int = 0, mild: int = 0) -> str | None:
    """The class of a day given by the weight of its hours."""
    weights = np.repeat(np.array(hours, dtype=float), 4)
    day = np.rint(weights / weights.sum() * kwh * 1000).astype(np.int64)[None, :]
    one = np.array([1])
    found = classify(
        day,
        days=np.array([days]),
        hot=(np.array([hot]), one if hot else 0 * one),
        mild=(np.array([mild]), one if mild else 0 * one),
        limits=DEFAULTS,
    )
    return None if found.place[0] == NONE else SHAPES[found.place[0]]


OFFICE = [1] * 8 + [6] * 10 + [1] * 6
EVENING = [1] * 6 + [1.6, 1.6] + [1.4] * 9 + [3, 3, 3, 3, 3] + [1.5] * 2
PEAKS = [0.5] * 6 + [2, 3, 3] + [1] * 8 + [2, 3, 3, 3] + [1] * 3
TWO_SHIFTS = [0.1] * 6 + [1] * 16 + [0.1] * 2
FLAT = [1] * 24
NIGHT = [3] * 6 + [1] * 16 + [3] * 2


class TestLoadShape:
    @pytest.mark.parametrize(
        ("hours", "kwh", "expected"),
        [
            (OFFICE, 60, "day"),
            (EVENING, 8, "evening"),
            (PEAKS, 8, "double-peak"),
            (TWO_SHIFTS, 700, "two-shift"),
            (FLAT, 1800, "three-shift"),
            (FLAT, 8, "flat"),
            (NIGHT, 8, "night"),
            (EVENING, 0.2, "vacant"),
        ],
    )
    def test_tells_the_classes_apart(self, hours: list[float], kwh: float, expected: str) -> None:
        assert shape(hours, kwh=kwh) == expected

    def test_says_nothing_of_a_few_days(self) -> None:
        assert shape(OFFICE, kwh=60, days=DEFAULTS["days"] - 1) is None

    def test_a_hot_summer_makes_it_follow_the_heat(self) -> None:
        assert shape(EVENING, kwh=8, hot=1600, mild=1000) == "ac-sensitive"
        assert shape(EVENING, kwh=8, hot=1599, mild=1000) == "evening"

    @given(st.lists(st.integers(0, 4), min_size=24, max_size=24).filter(any), st.integers(2, 4))
    def test_size_does_not_matter_where_nothing_is_vacant_or_works(self, hours: list[int], more: int) -> None:
        # To the watt-hour: a rounded day lies a little differently, and at a bound that may be another class.
        day_kwh = 0.4 * sum(hours)

        assert shape(hours, kwh=day_kwh) in SHAPES[3:]
        assert shape(hours, kwh=day_kwh) == shape(hours, kwh=day_kwh * more)

    def test_names_are_those_of_the_tag(self) -> None:
        assert tuple(value.code for value in TAGS["use.load_shape"].values) == SHAPES


class TestDefinitions:
    @pytest.mark.parametrize("tag", TAGS.values(), ids=list(TAGS))
    def test_says_who_owns_it_and_why_in_both_languages(self, tag: object) -> None:
        definition = TAGS[tag.code]  # type: ignore[attr-defined]

        assert definition.version >= 1 and definition.owner and definition.lasts_days >= 1
        assert definition.why and definition.why_en and definition.name_en
        assert all(value.zh and value.en for value in definition.values)


def shocks(total: int, *, year: int = -1, mean: int = -1, bills: int = 3, months: int = 1) -> tuple[bool, int]:
    """Whether a bill is a shock, and against what."""
    found = find_shocks(
        total_fen=np.array([total]),
        months=np.array([1]),
        year_ago_fen=np.array([year]),
        year_ago_months=np.array([months]),
        mean_fen=np.array([mean]),
        mean_bills=np.array([bills]),
        rise_permille=500,
        rise_fen=10_000,
    )
    return bool(found.is_shock[0]), int(found.against[0])


class TestBillShock:
    def test_a_year_ago_comes_before_the_mean(self) -> None:
        assert shocks(30_000, year=20_000, mean=1_000) == (True, YEAR_AGO)
        assert shocks(29_999, year=20_000, mean=1_000) == (False, YEAR_AGO)

    def test_needs_a_share_and_an_amount(self) -> None:
        assert shocks(9_999, mean=0) == (False, MEAN)
        assert shocks(10_000, mean=0) == (True, MEAN)
        assert shocks(100_000, mean=90_000) == (False, MEAN)

    def test_says_nothing_without_enough_to_hold_it_against(self) -> None:
        assert shocks(900_000) == (False, 0)
        assert shocks(900_000, mean=1, bills=2) == (False, 0)
        assert shocks(900_000, year=1, months=2) == (False, 0)


class TestFewRatings:
    def test_nobody_is_not_satisfied(self) -> None:
        assert shrunk_mean(ratings=0, points=0, above_ratings=10, above_points=50, min_n=30).score_e2 is None

    def test_stands_for_itself_from_the_bound_on(self) -> None:
        found = shrunk_mean(ratings=30, points=60, above_ratings=1000, above_points=5000, min_n=30)
        assert (found.score_e2, found.is_shrunk) == (200, False)

    @given(st.integers(1, 29), st.data())
    def test_lies_between_its_own_mean_and_that_above(self, ratings: int, data: st.DataObject) -> None:
        points = data.draw(st.integers(ratings, 5 * ratings))
        others = data.draw(st.integers(0, 500))
        above = (ratings + others, points + data.draw(st.integers(others, 5 * others)))
        found = shrunk_mean(
            ratings=ratings, points=points, above_ratings=above[0], above_points=above[1], min_n=30
        ).score_e2
        own, unit = points / ratings * 100, above[1] / above[0] * 100

        assert found is not None and min(own, unit) - 1 <= found <= max(own, unit) + 1


class TestPlan:
    def test_survives_being_kept(self) -> None:
        content = PlanContent(loads=(Load("泵", 40, 15, "2#"),), generators=(Generator("柴油", 18, 3, "0#"),))

        assert PlanContent.parse(content.as_json()) == content
        assert content.is_covered and content.security_kw == 15

    @pytest.mark.parametrize(
        ("load", "fault"),
        [
            (Load("泵", 10, 11, ""), "security-above-load"),
            (Load("", 10, 1, ""), "no-name"),
            (Load("泵", 10, -1, ""), "negative"),
        ],
    )
    def test_what_cannot_be_is_refused(self, load: Load, fault: str) -> None:
        with pytest.raises(PlanFault) as refused:
            PlanContent(loads=(load,)).check()
        assert refused.value.what == fault


class TestDistance:
    def test_a_degree_of_latitude_is_111_km(self) -> None:
        found = metres_between(Decimal("114.3"), Decimal("30"), Decimal("114.3"), Decimal("31"))

        assert abs(found - 111_195) < 100
