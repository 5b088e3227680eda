"""
Pure: a debt paid in instalments. Parts that add up to it, and whether an agreement is kept. No clock, no I/O.

What is paid counts as a whole: who pays ahead has kept what falls due later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from cis.rating import CannotPrice

__all__ = ["Part", "Standing", "equal_parts", "plan_of", "stand"]


@dataclass(frozen=True, slots=True)
class Part:
    """So much until the end of a day."""

    due_on: date
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agreement stands on a day; `missed_on` is the due date that passed unpaid, `next` what falls due next."""

    paid_fen: int
    is_done: bool
    missed_on: date | None
    next: Part | None
    """what is left of the first instalment that is not covered, None when all are"""


def equal_parts(debt_fen: int, count: int) -> list[int]:
    """
    As many equal whole-fen parts, the remainder on the last; together exactly the debt.

    :raises CannotPrice: fewer than one part, or less than one fen a part
    """
    if count < 1 or debt_fen < count:
        raise CannotPrice("bad_instalments", f"{debt_fen} fen cannot be paid in {count} parts")
    part = debt_fen // count
    return [part] * (count - 1) + [debt_fen - part * (count - 1)]


def plan_of(debt_fen: int, parts: Sequence[Part], *, signed_on: date) -> tuple[Part, ...]:
    """
    The plan, checked: days after the signing, each later than the one before, parts that add up to the debt.

    :raises CannotPrice: `bad_instalments` with what is wrong
    """
    if not parts or any(part.amount_fen <= 0 for part in parts):
        raise CannotPrice("bad_instalments", "every instalment must be more than zero")
    days = [signed_on, *(part.due_on for part in parts)]
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise CannotPrice("bad_instalments", "each instalment must fall due later than the one before")
    if sum(part.amount_fen for part in parts) != debt_fen:
        raise CannotPrice("bad_instalments", "the instalments must add up to the debt")
    return tuple(parts)


def stand(parts: Sequence[Part], *, left_fen: int, on: date) -> Standing:
    """How the agreement stands at the end of a day before `on`, with `left_fen` of its debt still open."""
    paid = sum(part.amount_fen for part in parts) - left_fen
    promised, missed, following = 0, None, None
    for part in parts:
        promised += part.amount_fen
        if promised > paid:
            following = following or Part(part.due_on, min(part.amount_fen, promised - paid))
            if part.due_on < on:
                missed = missed or part.due_on
    return Standing(paid, left_fen <= 0, missed, following)
