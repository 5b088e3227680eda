"""
Pure: a credit grade from how an account pays, with its reasons, and when a payer is reminded. No clock, no I/O.

    found = grade_of(facts, rule)      # "A" (best) to "D", and every reason that led there
    days = remind_before(late, due, steps)

A proposal only: a person decides, with the reasons before them (PIPL art. 24). Every number is a field of the rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cis.rating import CannotPrice

__all__ = [
    "GRADES",
    "Facts",
    "Limits",
    "Proposal",
    "Reason",
    "ReminderStep",
    "grade_of",
    "read_limits",
    "read_steps",
    "remind_before",
]

GRADES = ("A", "B", "C", "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How an account paid in the last twelve months, and what is open now."""

    due_bills: int
    late_bills: int
    longest_days: int
    """the longest that a bill was paid late, or is unpaid"""
    overdue_days: int
    """how long the oldest open bill is overdue"""
    cuts: int
    broken_agreements: int
    write_offs: int

    @property
    def late_percent(self) -> int:
        """The share of due bills that were late, in whole percent, half up."""
        return (self.late_bills * 200 + self.due_bills) // (2 * self.due_bills) if self.due_bills else 0


@dataclass(frozen=True, slots=True)
class Limits:
    """From which value on each fact leads to a grade; a fact that is not named leads nowhere."""

    grade: str
    from_values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reason:
    """A fact that reached the limit of the grade."""

    fact: str
    value: int
    limit: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """The grade and why; A needs no reason."""

    grade: str
    reasons: tuple[Reason, ...]


_FACTS = (
    "late_bills",
    "late_percent",
    "longest_days",
    "overdue_days",
    "cuts",
    "broken_agreements",
    "write_offs",
)


def read_limits(published: Mapping[str, Any]) -> tuple[Limits, ...]:
    """
    The limits of one entry of `credit`, the worst grade first.

    :raises CannotPrice: a grade or a fact is unknown, a limit is not a whole number above zero
    """
    found = []
    for grade in reversed(GRADES[1:]):
        values = published.get(grade)
        if not isinstance(values, Mapping) or not values:
            raise CannotPrice("missing", f"credit: {grade}")
        for fact, value in values.items():
            if fact not in _FACTS:
                raise CannotPrice("unknown_field", f"credit: {grade}.{fact}")
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise CannotPrice("not_a_number", f"credit: {grade}.{fact}: {value!r}")
        found.append(Limits(grade, dict(values)))
    return tuple(found)


def grade_of(facts: Facts, limits: Sequence[Limits]) -> Proposal:
    """The worst grade of which some limit is reached, with every reason for it; A where none is."""
    for step in limits:
        reasons = tuple(
            Reason(fact, int(getattr(facts, fact)), limit)
            for fact, limit in step.from_values.items()
            if int(getattr(facts, fact)) >= limit
        )
        if reasons:
            return Proposal(step.grade, reasons)
    return Proposal(GRADES[0], ())


@dataclass(frozen=True, slots=True)
class ReminderStep:
    """Who paid late at least so often is reminded so many days before the due date; None: not at all."""

    late_percent_from: int
    days_before: int | None


def read_steps(published: Sequence[Mapping[str, Any]]) -> tuple[ReminderStep, ...]:
    """
    The steps of one entry of `reminders`, the most reliable payers first.

    :raises CannotPrice: they do not begin at 0 and rise, or a number is none
    """
    steps = tuple(ReminderStep(row["late_percent_from"], row["days_before"]) for row in published)
    shares = [step.late_percent_from for step in steps]
    if not steps or shares[0] != 0 or shares != sorted(set(shares)) or shares[-1] > 100:
        raise CannotPrice("bad_terms", "reminders must begin at 0 percent and rise")
    if any(step.days_before is not None and not 0 <= step.days_before <= 30 for step in steps):
        raise CannotPrice("bad_terms", "a reminder comes 0 to 30 days before the due date")
    return steps


def remind_before(facts: Facts, steps: Sequence[ReminderStep], *, bills_min: int) -> int | None:
    """How many days before the due date; None: not at all. Whoever has paid fewer bills than that is not judged."""
    if facts.due_bills < bills_min:
        return None
    return [step.days_before for step in steps if facts.late_percent >= step.late_percent_from][-1]
