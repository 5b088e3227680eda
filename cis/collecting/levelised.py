"""
Pure: the same amount every month (均衡交费), settled once a year. Bills of a year in, amount and difference out.

Real bills go on as they are; what is paid by the plan pays them, and what is left after a year is the difference.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date

from cis.rating import CannotPrice

__all__ = ["MONTHS", "due_days", "monthly_amount", "months_later"]

MONTHS = 12


def monthly_amount(bills_fen: Sequence[int]) -> int:
    """
    A twelfth of the bills of twelve months, up to the whole yuan.

    :raises CannotPrice: it is not twelve months, or they come to nothing
    """
    if len(bills_fen) != MONTHS or sum(bills_fen) <= 0:
        raise CannotPrice("bad_plan", "an equal amount needs the bills of twelve months")
    return -(-sum(bills_fen) // (MONTHS * 100)) * 100


def due_days(first_on: date) -> tuple[date, ...]:
    """The twelve days on which it is due; beyond the end of a shorter month its last day."""
    return tuple(months_later(first_on, number) for number in range(MONTHS))


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or the month's last."""
    whole = day.year * 12 + day.month - 1 + months
    year, month = divmod(whole, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
