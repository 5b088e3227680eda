"""
The Chinese calendar: public holidays, and the weekends that are worked in exchange.

Years come from the published calendar that `chinese-calendar` ships; in years it does not know yet, weekends rest and
only the holidays with fixed days are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar

# Beyond the published years: month and day to the holiday's name.
_FIXED = {(1, 1): "New Year's Day", (5, 1): "Labour Day", (10, 1): "National Day"}


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """What the calendar says of a day: whether people work, and the public holiday it belongs to, if any."""

    day: date
    is_workday: bool
    holiday: str


def calendar_day(day: date) -> CalendarDay:
    """The day's entry in the calendar."""
    try:
        is_off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        name = _FIXED.get((day.month, day.day), "")
        is_off = bool(name) or day.weekday() >= 5
    return CalendarDay(day, not is_off, (name or "") if is_off else "")


def add_working_days(day: date, count: int) -> date:
    """The day on which so many working days after `day` have passed; 0 is the day itself."""
    while count > 0:
        day += timedelta(days=1)
        count -= calendar_day(day).is_workday
    return day
