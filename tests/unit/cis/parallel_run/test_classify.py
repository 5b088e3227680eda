"""Why two bills differ: one cause each, found in columns, and what that means for going live."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.parallel_run import (
    GROUPS,
    NOT_STATED,
    Cause,
    Figures,
    Side,
    Thresholds,
    classify,
    group_differences,
    judge,
    read_thresholds,
)

ENERGY, BASIC, FACTOR, FUND, REST = range(5)
OURS = {"energy": 100_00, "basic": 50_00, "factor": -3_00, "fund": 2_00, "rest": 0}


def side(**changed: Any) -> Side:
    """One bill: 200 kWh of which 30 in the second tier, two lines of energy, one of each other group."""
    facts: dict[str, Any] = {
        "has": True, "start": 100, "end": 130, "kwh": 200_00, "second": 30_00, "third": 0, "tiered": True, **OURS,
    } | changed  # fmt: skip
    groups = [facts[name] for name in ("energy", "basic", "factor", "fund", "rest")]
    total = facts.get("total", sum(groups))
    return Side(
        np.array([facts["has"]]),
        np.array([facts["start"]]),
        np.array([facts["end"]]),
        np.array([facts["kwh"]]),
        np.array([total]),
        np.array([groups]),
        np.array([[facts["second"], facts["third"]]]),
        np.array([facts["tiered"]]),
        np.array([[2, 1, 1, 1, 0]]),
    )


def silent(total: int, **changed: Any) -> Side:
    """A bill of the other system that states its total only."""
    groups = dict.fromkeys(("energy", "basic", "factor", "fund", "rest"), NOT_STATED)
    return side(total=total, **(groups | {"second": NOT_STATED, "third": NOT_STATED} | changed))


def cause(theirs: Side, ours: Side | None = None) -> Cause:
    return Cause(int(classify(ours or side(), theirs)[0]))


TOTAL = sum(OURS.values())


class TestClassify:
    @pytest.mark.parametrize(
        ("theirs", "expected"),
        [
            (side(), Cause.EQUAL),
            (silent(TOTAL), Cause.EQUAL),
            (side(has=False), Cause.MISSING_THERE),
            (side(start=101), Cause.OTHER_PERIOD),
            (side(end=131, kwh=210_00), Cause.OTHER_PERIOD),
            (side(kwh=201_00, energy=100_50), Cause.OTHER_ENERGY),
            (side(kwh=201_00), Cause.OTHER_ENERGY),
            (side(energy=100_02, basic=49_99), Cause.ROUNDING),
            (side(energy=100_03), Cause.OTHER_PRICE),
            (silent(TOTAL + 5), Cause.ROUNDING),
            (silent(TOTAL + 6), Cause.UNKNOWN),
            (side(second=40_00, energy=100_50), Cause.OTHER_TIER),
            (side(second=40_00), Cause.OTHER_TIER),
            (silent(TOTAL + 50, second=40_00, third=0), Cause.OTHER_TIER),
            (side(energy=101_00), Cause.OTHER_PRICE),
            (side(energy=101_00, factor=-3_05), Cause.OTHER_PRICE),
            (side(energy=101_00, second=NOT_STATED, third=NOT_STATED), Cause.UNKNOWN),
            (side(basic=51_00), Cause.BASIC_CHARGE),
            (side(basic=51_00, factor=-3_05), Cause.BASIC_CHARGE),
            (side(factor=0), Cause.POWER_FACTOR),
            (side(fund=2_10), Cause.FUNDS),
            (side(fund=2_10, factor=0), Cause.UNKNOWN),
            (side(energy=101_00, fund=2_10), Cause.UNKNOWN),
            (side(energy=101_00, basic=49_00), Cause.UNKNOWN),  # the totals are equal, the bills are not
            (side(second=40_00, basic=60_00), Cause.UNKNOWN),
            (side(rest=5_00), Cause.UNKNOWN),
        ],
    )
    def test_gives_the_first_that_explains_it(self, theirs: Side, expected: Cause):
        assert cause(theirs) == expected

    def test_a_bill_only_they_have_is_missing_here(self):
        assert cause(side(), side(has=False)) == Cause.MISSING_HERE

    def test_a_bill_without_tiers_needs_none_stated_to_show_another_price(self):
        ours = side(tiered=False, second=0)
        assert cause(side(energy=101_00, second=NOT_STATED, third=NOT_STATED), ours) == Cause.OTHER_PRICE

    @given(
        st.lists(
            st.tuples(st.integers(-500, 500), st.integers(-500, 500), st.integers(-500, 500), st.integers(-500, 500)),
            min_size=1,
            max_size=30,
        )
    )
    def test_rows_are_judged_alone_and_no_real_difference_is_called_equal(self, moves: list[tuple[int, ...]]):
        theirs = [side(energy=100_00 + a, basic=50_00 + b, factor=c, fund=2_00 + d) for a, b, c, d in moves]
        together = Side(*(np.concatenate([getattr(one, n) for one in theirs]) for n in Side.__annotations__))
        ours = Side(*(np.repeat(getattr(side(), n), len(moves), axis=0) for n in Side.__annotations__))

        found = classify(ours, together).tolist()

        assert found == [int(cause(one)) for one in theirs]
        off = group_differences(ours, together)
        for one, differs in zip(found, off, strict=True):
            assert (one == Cause.EQUAL) == (not differs.any())
            assert (one == Cause.ROUNDING) <= bool((np.abs(differs) <= [2, 1, 1, 1, 0]).all())

    def test_what_is_not_stated_is_no_difference(self):
        assert group_differences(side(), silent(TOTAL)).tolist() == [[0] * len(GROUPS)]


LIMITS = Thresholds(990_000, 5_000, 100, 300, 1_000)


def figures(bills: int, absolute: int = 0, largest: int = 0) -> Figures:
    return Figures(bills, absolute, absolute, largest)


class TestJudge:
    def judged(self, by_cause: dict[Cause, Figures], ours: int = 100_000, theirs: int = 100_000) -> set[str]:
        verdict = judge(by_cause, ours_total_fen=ours, theirs_total_fen=theirs, limits=LIMITS)
        broken = {test[0] for test in verdict.tests if not test[3]}
        assert verdict.is_go == (not broken)
        return broken

    def test_goes_at_the_limits_and_not_beyond(self):
        at = {
            Cause.EQUAL: figures(900), Cause.ROUNDING: figures(90, 90, 1), Cause.MISSING_HERE: figures(5),
            Cause.UNKNOWN: figures(5, 300, 100),
        }  # fmt: skip
        assert self.judged(at, 100_100) == set()
        assert self.judged(at, 100_101) == {"total_share_e6"}
        assert self.judged(at | {Cause.UNKNOWN: figures(5, 301, 100)}) == {"unexplained_sum_fen"}
        assert self.judged(at | {Cause.UNKNOWN: figures(5, 300, 101)}) == {"unexplained_fen"}
        assert self.judged(at | {Cause.MISSING_THERE: figures(1)}) == {"missing_share_e6", "equal_share_e6"}
        assert self.judged(at | {Cause.FUNDS: figures(1)}) == {"equal_share_e6"}

    def test_nothing_compared_is_no_go(self):
        assert "equal_share_e6" in self.judged({}, 0, 0)

    def test_thresholds_are_read_exactly(self):
        stated = {
            "equal_share": "0.99", "missing_share": "0.005", "unexplained": "1", "unexplained_sum": "3.00",
            "total_share": "0.001",
        }  # fmt: skip
        assert read_thresholds(stated) == LIMITS
        assert read_thresholds(stated | {"unexplained": "0.50"}) == replace(LIMITS, unexplained_fen=50)
        for wrong in ({"equal": "1"}, {"equal_share": "1.1"}, {"unexplained": "0.001"}, {"unexplained": "-1"},
                      {"equal_share": "nan"}, {"equal_share": ""}):  # fmt: skip
            with pytest.raises(ValueError, match=next(iter(wrong))):
                read_thresholds(stated | wrong)
        with pytest.raises(ValueError, match="total_share"):
            read_thresholds({name: text for name, text in stated.items() if name != "total_share"})
