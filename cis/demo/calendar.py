"""Pure: what kind of day each day of the demonstration is, as far as load depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from config.shared.calendar import calendar_day

SPRING_FESTIVAL = "Spring Festival"
_WORKDAY, _SATURDAY, _SUNDAY = 2, 0, 1


@dataclass(frozen=True)
class DayTypes:
    """One row a day: month 0 to 11, column of the standard profiles, how deep in Spring Festival (0 to 1)."""

    month: NDArray[np.int64]
    column: NDArray[np.int64]
    """0 Saturday, 1 Sunday or holiday, 2 workday, as the standard profiles have them"""
    spring_festival: NDArray[np.float64]


def day_types(days: Sequence[date]) -> DayTypes:
    """The types of the days."""
    return DayTypes(
        month=np.array([day.month - 1 for day in days]),
        column=np.array([_column(day) for day in days]),
        spring_festival=np.array([_festival_depth(day) for day in days]),
    )


def _column(day: date) -> int:
    entry = calendar_day(day)
    if entry.is_workday:
        return _WORKDAY
    return _SATURDAY if not entry.holiday and day.weekday() == 5 else _SUNDAY


def _festival_depth(day: date) -> float:
    """1 on the days of the festival, less before and after: people leave early and factories open late."""
    for distance in range(8):
        for neighbour in (day + timedelta(days=distance), day - timedelta(days=distance)):
            if calendar_day(neighbour).arrangement == SPRING_FESTIVAL:
                return 1.0 - distance / 8
    return 0.0
