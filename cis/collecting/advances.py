"""
Pure: several settlements a month (分次结算). Agreed days and shares in; what falls due when, and what is covered, out.

The final bill of the month takes what the shares leave and nets what was paid. No clock, no I/O.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from cis.rating import CannotPrice

__all__ = ["WHOLE", "AgreedDay", "agreed_day", "amount_of", "check_terms", "days_falling_due", "due_day"]

WHOLE = 1000
"""Shares are in thousandths of the basis."""
_LAST_DAY = 31


@dataclass(frozen=True, slots=True)
class AgreedDay:
    """A day of the month as agreed, in one month: the date it stands for, and the working day until whose end."""

    cycle: int
    day: int
    agreed_on: date
    due_on: date


def check_terms(days: Sequence[int], shares: Sequence[int], *, most: int) -> None:
    """
    Days of the month that ascend, each with a share of more than zero; together no more than the whole.

    :raises CannotPrice: `bad_advances` with what is wrong
    """
    if not 0 < len(days) <= most or len(days) != len(shares):
        raise CannotPrice("bad_advances", f"from one to {most} settlements, each with a day and a share")
    if not all(1 <= day <= _LAST_DAY for day in days) or any(later <= earlier for earlier, later in pairwise(days)):
        raise CannotPrice("bad_advances", "days of the month must ascend from 1 to 31")
    if any(share <= 0 for share in shares) or sum(shares) > WHOLE:
        raise CannotPrice("bad_advances", "shares must be more than zero and at most the whole together")


def agreed_day(cycle: int, day: int) -> date:
    """The date that a day of the month stands for; beyond the end of a shorter month its last day."""
    year, month = divmod(cycle, 100)
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def due_day(agreed_on: date, is_workday: Callable[[date], bool]) -> date:
    """The agreed day where people work, else the next working day."""
    while not is_workday(agreed_on):
        agreed_on += timedelta(days=1)
    return agreed_on


def days_falling_due(first: date, last: date, is_workday: Callable[[date], bool]) -> tuple[AgreedDay, ...]:
    """Every day of a month, of whatever month, that falls due from `first` up to and including `last`."""
    found = []
    # A holiday carries days of the month before into this one, never those of two months ago.
    month = (first.replace(day=1) - timedelta(days=1)).replace(day=1)
    while month <= last:
        cycle = month.year * 100 + month.month
        for day in range(1, _LAST_DAY + 1):
            agreed_on = agreed_day(cycle, day)
            due_on = due_day(agreed_on, is_workday)
            if first <= due_on <= last:
                found.append(AgreedDay(cycle, day, agreed_on, due_on))
        month = (month + timedelta(days=_LAST_DAY)).replace(day=1)
    return tuple(found)


def amount_of(basis_fen: int, share: int) -> int:
    """A share of the basis in whole fen, rounded down: together the settlements never ask more than the basis."""
    return max(0, basis_fen) * share // WHOLE
