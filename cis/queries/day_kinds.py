"""What the calendar's days mean to time-of-use windows."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import date

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.rating.windows import DECLARED, DayKind, WindowSet
from config.shared.calendar import calendar_day

_NAMED = {
    "New Year's Day": DayKind.NEW_YEAR,
    "Spring Festival": DayKind.SPRING_FESTIVAL,
    "Tomb-sweeping Day": DayKind.QINGMING,
    "Labour Day": DayKind.LABOUR_DAY,
    "Dragon Boat Festival": DayKind.DRAGON_BOAT,
    "Mid-autumn Festival": DayKind.MID_AUTUMN,
    "National Day": DayKind.NATIONAL_DAY,
}


def day_kind(day: date) -> DayKind:
    """The kind of one day."""
    entry = calendar_day(day)
    if entry.is_workday:
        return DayKind.WORKDAY
    return _NAMED.get(entry.holiday, DayKind.REST_DAY)


def day_kinds(days: Iterable[date], declared: Container[date] = frozenset()) -> NDArray[np.int8]:
    """The kinds of many days, with DECLARED added to those that were declared."""
    return np.array([int(day_kind(day)) + DECLARED * (day in declared) for day in days], dtype=np.int8)


def kinds_for(windows: WindowSet, account_id: int, days: Sequence[date]) -> NDArray[np.int8]:
    """The kinds of days in order as an account's windows take them; a statement only where they know declared days."""
    if not windows.declared or not days:
        return day_kinds(days)
    with connection.cursor() as cursor:
        cursor.execute(_DECLARED_FOR, [account_id, days[0], days[-1]])
        return day_kinds(days, {day for (day,) in cursor.fetchall()})


_DECLARED_FOR = """
SELECT c.day FROM cis_account a JOIN shared_org_unit o ON o.id = a.org_unit_id
JOIN shared_org_unit d ON starts_with(o.path, d.path) JOIN cis_declared_day c ON c.org_unit_id = d.id
WHERE a.id = %s AND c.day BETWEEN %s AND %s
"""


# A day is declared for a unit and all below it.
_DECLARED = """
SELECT o.id, c.day FROM cis_declared_day c
JOIN shared_org_unit d ON d.id = c.org_unit_id JOIN shared_org_unit o ON starts_with(o.path, d.path)
WHERE c.day >= %s AND c.day < %s AND o.id = ANY(%s)
"""


def declared_days(unit_ids: Iterable[int], first: date, last: date) -> dict[int, frozenset[date]]:
    """The days of [first, last) that were declared for each of these units; one statement."""
    found: dict[int, set[date]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_DECLARED, [first, last, sorted(set(unit_ids))])
        for unit, day in cursor.fetchall():
            found.setdefault(unit, set()).add(day)
    return {unit: frozenset(days) for unit, days in found.items()}
