"""
Pure: in which order waiting tickets are called, and how long one will wait.

`DISCIPLINES` holds every order we know. To add one: write its file, name it here. Whatever the discipline, `call_order`
puts those who have waited up to the bound first, in the order they came: nobody who came later passes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from halls.queueing import fair, first_come
from halls.queueing.tickets import Discipline, Rules, Waiting

__all__ = ["DISCIPLINES", "Rules", "Waiting", "call_order", "next_for"]

DISCIPLINES: dict[str, Discipline] = {
    "fair": fair.order,
    "first-come": first_come.order,
}


def call_order(waiting: Sequence[Waiting], *, discipline: str, rules: Rules) -> list[Waiting]:
    """
    Those who wait, in the order in which they would be called if nobody else came.

    First whoever has waited `rules.bound_s` or longer, longest first; then whoever missed a call and came back, once
    their turn is due; then the discipline; last those whose turn after coming back is still to come.
    """
    overdue = sorted((one for one in waiting if one.waited_s >= rules.bound_s), key=by_arrival)
    others = [one for one in waiting if one.waited_s < rules.bound_s]
    back = sorted((one for one in others if one.is_back), key=by_arrival)
    due = [one for one in back if one.calls_to_go <= 0]
    not_yet = [one for one in back if one.calls_to_go > 0]
    ordered = [*overdue, *due, *DISCIPLINES[discipline]([one for one in others if not one.is_back], rules)]
    for one in not_yet:
        ordered.insert(max(one.calls_to_go, len(overdue)), one)
    return ordered


def next_for(skills: frozenset[str], waiting: Sequence[Waiting], *, discipline: str, rules: Rules) -> Waiting | None:
    """The ticket that a counter with these skills (codes of kinds of service) calls next; None where it serves none."""
    order = call_order([one for one in waiting if one.kind in skills], discipline=discipline, rules=rules)
    return order[0] if order else None


def by_arrival(one: Waiting) -> tuple[int, int]:
    """Sorts those who have waited longest first, and the lower number first among equals."""
    return -one.waited_s, one.ticket_id
