"""Pure: what the calendar says of each day, as columns: who works, which holiday, what lies around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from config.shared.calendar import calendar_day

SPRING_FESTIVAL = "Spring Festival"
FAR = 99
"""days to a festival that is not near"""
# People leave early and works open late: so many days around the festival are none like others.
FESTIVAL_WINDOW = (-12, 18)
_Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class DayFacts:
    """
    One entry a day.

    `is_off`: most people do not work; `is_holiday`: within the days off of a public holiday; `is_first`: the holiday's
    first day, on which load falls most; `is_swapped`: a Saturday or Sunday worked in exchange. `festival` counts the
    days from the first day of the Spring Festival, `FAR` where it is not near.
    """

    weekday: NDArray[np.int64]
    """0 Monday to 6 Sunday"""
    day_of_year: NDArray[np.int64]
    is_off: _Flags
    is_holiday: _Flags
    is_first: _Flags
    is_swapped: _Flags
    festival: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.weekday)

    def until(self, count: int) -> DayFacts:
        """The first so many days."""
        return DayFacts(**{field.name: getattr(self, field.name)[:count] for field in fields(self)})

    @property
    def is_special(self) -> _Flags:
        """Days whose load says little about ordinary days: holidays, and what lies around the Spring Festival."""
        return np.asarray(self.is_holiday | (self.festival != FAR))


def chinese_days(first: date, count: int) -> DayFacts:
    """The facts of consecutive days by the Chinese calendar (`config.shared.calendar`)."""
    margin = max(-FESTIVAL_WINDOW[0], FESTIVAL_WINDOW[1]) + 1
    around = [calendar_day(first + timedelta(days=n - margin)) for n in range(count + 2 * margin)]
    names = [one.holiday for one in around]
    starts = [n for n, name in enumerate(names) if name == SPRING_FESTIVAL and names[n - 1] != SPRING_FESTIVAL]
    holidays = [one.holiday for one in around[margin : margin + count]]
    return facts_of(
        [first + timedelta(days=n) for n in range(count)],
        is_off=[not one.is_workday for one in around[margin : margin + count]],
        holidays=holidays,
        holiday_before=names[margin - 1],
        festivals=[first + timedelta(days=n - margin) for n in starts],
    )


def facts_of(
    days: Sequence[date],
    *,
    is_off: Sequence[bool],
    holidays: Sequence[str],
    holiday_before: str = "",
    festivals: Sequence[date] = (),
) -> DayFacts:
    """
    The facts of days of any country: whether each is off and the name of its public holiday (empty: none).

    `festivals` are the first days of festivals around which weeks are none like others.
    """
    before = [holiday_before, *holidays][: len(days)]
    weekday = np.array([day.weekday() for day in days], dtype=np.int64)
    off = np.array(is_off, dtype=np.bool_)
    festival = np.full(len(days), FAR, dtype=np.int64)
    for start in festivals:
        for offset in range(FESTIVAL_WINDOW[0], FESTIVAL_WINDOW[1] + 1):
            row = (start - days[0]).days + offset if days else -1
            if 0 <= row < len(days):
                festival[row] = offset
    return DayFacts(
        weekday=weekday,
        day_of_year=np.array([day.timetuple().tm_yday for day in days], dtype=np.int64),
        is_off=off,
        is_holiday=np.array([bool(name) for name in holidays], dtype=np.bool_),
        is_first=np.array(
            [bool(name) and name != last for name, last in zip(holidays, before, strict=True)], dtype=np.bool_
        ),
        is_swapped=~off & (weekday >= 5),
        festival=festival,
    )
