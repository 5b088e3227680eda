"""Grades and reminders follow the behaviour, every grade says why, and more trouble is never a better grade."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.collecting.credit import GRADES, Facts, Reason, grade_of, read_limits, read_steps, remind_before
from cis.rating import CannotPrice

PUBLISHED = json.loads((Path(__file__).parents[4] / "cis/data/collection.json").read_text("utf-8"))
LIMITS = read_limits(PUBLISHED["credit"][0])
STEPS = read_steps(PUBLISHED["reminders"][0]["steps"])
FIELDS = ("late_bills", "longest_days", "overdue_days", "cuts", "broken_agreements", "write_offs")


def facts(**some: int) -> Facts:
    return Facts(**({name: 0 for name in FIELDS} | {"due_bills": 12} | some))


class TestGrades:
    @pytest.mark.parametrize(
        ("some", "grade"),
        [
            ({}, "A"),
            ({"late_bills": 1, "longest_days": 3}, "A"),
            ({"late_bills": 3, "longest_days": 5}, "B"),
            ({"late_bills": 7, "longest_days": 20}, "C"),
            ({"overdue_days": 31, "longest_days": 31}, "C"),
            ({"cuts": 1}, "C"),
            ({"overdue_days": 91, "longest_days": 91}, "D"),
            ({"write_offs": 1}, "D"),
        ],
    )
    def test_by_days_counts_and_breaches(self, some: dict[str, int], grade: str) -> None:
        assert grade_of(facts(**some), LIMITS).grade == grade

    def test_every_reason_is_said_with_its_limit(self) -> None:
        found = grade_of(facts(cuts=2, write_offs=1), LIMITS)

        assert found.reasons == (Reason("cuts", 2, 2), Reason("write_offs", 1, 1))

    @given(
        values=st.fixed_dictionaries({name: st.integers(0, 12) for name in FIELDS}),
        more=st.sampled_from(FIELDS),
        by=st.integers(1, 400),
    )
    def test_more_trouble_is_never_a_better_grade(self, values: dict[str, int], more: str, by: int) -> None:
        before = grade_of(facts(**values), LIMITS)
        after = grade_of(facts(**(values | {more: values[more] + by})), LIMITS)

        assert GRADES.index(after.grade) >= GRADES.index(before.grade)
        assert bool(before.reasons) == (before.grade != "A")


class TestReminders:
    @pytest.mark.parametrize(("late", "days"), [(0, None), (1, 1), (5, 3), (12, 7)])
    def test_always_late_is_reminded_earlier_always_on_time_not_at_all(self, late: int, days: int | None) -> None:
        assert remind_before(facts(late_bills=late), STEPS, bills_min=3) == days

    def test_who_is_not_known_is_not_judged(self) -> None:
        assert remind_before(facts(due_bills=2, late_bills=2), STEPS, bills_min=3) is None


class TestData:
    @pytest.mark.parametrize(
        "entry",
        [{}, {"B": {"late_bills": 1}, "C": {}}, {g: {"mood": 1} for g in "BCD"}, {g: {"cuts": 0} for g in "BCD"}],
    )
    def test_unknown_limits_are_refused(self, entry: dict[str, Any]) -> None:
        with pytest.raises(CannotPrice):
            read_limits(entry)

    @pytest.mark.parametrize(
        "steps",
        [[], [{"late_percent_from": 5, "days_before": 1}], [{"late_percent_from": 0, "days_before": 99}]],
    )
    def test_steps_that_are_none_are_refused(self, steps: list[dict[str, Any]]) -> None:
        with pytest.raises(CannotPrice):
            read_steps(steps)
