"""Pure: weighted fair order with ageing: the class gives a head start, and everybody gains by waiting."""

from __future__ import annotations

from collections.abc import Sequence

from halls.queueing.tickets import Rules, Waiting


def order(waiting: Sequence[Waiting], rules: Rules) -> list[Waiting]:
    """The highest score first; score = head start of the class + seconds waited x slope of the class."""

    def rank(one: Waiting) -> tuple[int, int, int]:
        score = rules.head_start_s.get(one.priority, 0) * 100 + one.waited_s * rules.slope_e2.get(one.priority, 100)
        return -score, -one.waited_s, one.ticket_id

    return sorted(waiting, key=rank)
