"""What the calendar's days mean to time-of-use windows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cis.rating.windows import DayKind
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


def day_kinds(days: Iterable[date]) -> NDArray[np.int8]:
    """The kinds of many days."""
    return np.array([int(day_kind(day)) for day in days], dtype=np.int8)
