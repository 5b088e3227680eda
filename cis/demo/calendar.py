"""Pure: what kind of day each day of the demonstration is, as far as load depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import chinese_calendar
import numpy as np
from numpy.typing import NDArray

SPRING_FESTIVAL = chinese_calendar.Holiday.spring_festival.value
_WORKDAY, _SATURDAY, _SUNDAY = 2, 0, 1


@dataclass(frozen=True)
class DayTypes:
    """One row a day: month 0 to 11, column of the standard profiles, how deep in Spring Festival (0 to 1)."""

    month: NDArray[np.int64]
    column: NDArray[np.int64]
    """0 Saturday, 1 Sunday or holiday, 2 workday, as the standard profiles have them"""
    spring_festival: NDArray[np.float64]


def day_types(days: Sequence[date]) -> DayTypes:
    """The types of the days; beyond the years the calendar knows, weekends are all it tells."""
    return DayTypes(
        month=np.array([day.month - 1 for day in days]),
        column=np.array([_column(day) for day in days]),
        spring_festival=np.array([_festival_depth(day) for day in days]),
    )


@cache
def _holiday(day: date) -> tuple[bool, str | None]:
    """(is off, name of the holiday)"""
    try:
        off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return day.weekday() >= 5, None
    return off, name


def _column(day: date) -> int:
    off, name = _holiday(day)
    if not off:
        return _WORKDAY
    return _SATURDAY if name is None and day.weekday() == 5 else _SUNDAY


def _festival_depth(day: date) -> float:
    """1 on the days of the festival, less before and after: people leave early and factories open late."""
    for distance in range(8):
        for neighbour in (day + timedelta(days=distance), day - timedelta(days=distance)):
            if _holiday(neighbour)[1] == SPRING_FESTIVAL:
                return 1.0 - distance / 8
    return 0.0
