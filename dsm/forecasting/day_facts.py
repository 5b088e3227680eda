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

    `is_off`: most people do not work; `is_holiday`: one of the days off of a public holiday; `is_festival`: the very
    day of the holiday, on which load falls most; `is_swapped`: a Saturday or Sunday worked in exchange.
    `from_spring` counts the days from the Spring Festival, `FAR` where it is not near.
    """

    weekday: NDArray[np.int64]
    """0 Monday to 6 Sunday"""
    day_of_year: NDArray[np.int64]
    is_off: _Flags
    is_holiday: _Flags
    is_festival: _Flags
    is_swapped: _Flags
    from_spring: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.weekday)

    def until(self, count: int) -> DayFacts:
        """The first so many days."""
        return DayFacts(**{field.name: getattr(self, field.name)[:count] for field in fields(self)})

    @property
    def is_special(self) -> _Flags:
        """Days whose load says little about ordinary days: holidays, and what lies around the Spring Festival."""
        return np.asarray(self.is_holiday | self.is_festival | (self.from_spring != FAR))


def chinese_days(first: date, count: int) -> DayFacts:
    """The facts of consecutive days by the Chinese calendar (`config.shared.calendar`)."""
    margin = max(-FESTIVAL_WINDOW[0], FESTIVAL_WINDOW[1])
    around = [calendar_day(first + timedelta(days=n)) for n in range(-margin, count + margin)]
    shown = around[margin : margin + count]
    return facts_of(
        [one.day for one in shown],
        is_off=[not one.is_workday for one in shown],
        is_holiday=[bool(one.holiday) for one in shown],
        is_festival=[bool(one.festival) for one in shown],
        springs=[one.day for one in around if one.festival == SPRING_FESTIVAL],
    )


def facts_of(
    days: Sequence[date],
    *,
    is_off: Sequence[bool],
    is_holiday: Sequence[bool],
    is_festival: Sequence[bool],
    springs: Sequence[date] = (),
) -> DayFacts:
    """
    The facts of consecutive days of any country.

    `springs` are festivals around which weeks are none like others, the Chinese Spring Festival for one.
    """
    weekday = np.array([day.weekday() for day in days], dtype=np.int64)
    off = np.array(is_off, dtype=np.bool_)
    from_spring = np.full(len(days), FAR, dtype=np.int64)
    for start in springs:
        for offset in range(FESTIVAL_WINDOW[0], FESTIVAL_WINDOW[1] + 1):
            row = (start - days[0]).days + offset if days else -1
            if 0 <= row < len(days):
                from_spring[row] = offset
    return DayFacts(
        weekday=weekday,
        day_of_year=np.array([day.timetuple().tm_yday for day in days], dtype=np.int64),
        is_off=off,
        is_holiday=np.array(is_holiday, dtype=np.bool_),
        is_festival=np.array(is_festival, dtype=np.bool_),
        is_swapped=~off & (weekday >= 5),
        from_spring=from_spring,
    )
