"""What kind of day the Chinese calendar says a day is, with the working days that move."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import chinese_calendar
import numpy as np
from numpy.typing import NDArray

from cis.rating.windows import DayKind

_NAMED = {
    "New Year's Day": DayKind.NEW_YEAR,
    "Spring Festival": DayKind.SPRING_FESTIVAL,
    "Tomb-sweeping Day": DayKind.QINGMING,
    "Labour Day": DayKind.LABOUR_DAY,
    "Dragon Boat Festival": DayKind.DRAGON_BOAT,
    "Mid-autumn Festival": DayKind.MID_AUTUMN,
    "National Day": DayKind.NATIONAL_DAY,
}
# Beyond the years whose calendar is published, only the holidays with fixed days are known.
_FIXED = {(1, 1): DayKind.NEW_YEAR, (5, 1): DayKind.LABOUR_DAY, (10, 1): DayKind.NATIONAL_DAY}


def day_kind(day: date) -> DayKind:
    """The kind of one day."""
    try:
        is_off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        fixed = _FIXED.get((day.month, day.day))
        return fixed or (DayKind.REST_DAY if day.weekday() >= 5 else DayKind.WORKDAY)
    if not is_off:
        return DayKind.WORKDAY
    return _NAMED.get(name or "", DayKind.REST_DAY) if name else DayKind.REST_DAY


def day_kinds(days: Iterable[date]) -> NDArray[np.int8]:
    """The kinds of many days."""
    return np.array([int(day_kind(day)) for day in days], dtype=np.int8)
