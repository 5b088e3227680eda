"""
The Chinese calendar: public holidays, and the weekends that are worked in exchange.

Years come from the published calendar that `chinese-calendar` ships, with the weekends worked in exchange. For years it
does not know yet the statutory holidays are computed with their lunar days (`holidays`), with the days off in place of
those that fall on weekends; which weekends are worked in exchange nobody knows before the State Council says so, about
November, and so none is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache

import chinese_calendar
import holidays

# What the library for other years calls the holidays, and what the published calendar calls them.
_NAMES = {
    "New Year's Day": "New Year's Day",
    "Chinese New Year (Spring Festival)": "Spring Festival",
    "Chinese New Year's Eve": "Spring Festival",
    "Tomb-Sweeping Day": "Tomb-sweeping Day",
    "Labor Day": "Labour Day",
    "Dragon Boat Festival": "Dragon Boat Festival",
    "Mid-Autumn Festival": "Mid-autumn Festival",
    "National Day": "National Day",
}
# In every year, whatever a library's tables cover.
_FIXED = {(1, 1): "New Year's Day", (5, 1): "Labour Day", (10, 1): "National Day"}
_IN_PLACE = " (observed)"
_SEVERAL = "; "


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """
    What the calendar says of a day: whether people work, and the public holiday whose days off it is one of, if any.

    `festival` is the holiday that falls on this very day and not on those before and after it. `arrangement` names the
    holiday also on weekends that are worked in exchange for it. `is_published`: the State Council has settled the year.
    """

    day: date
    is_workday: bool
    holiday: str
    festival: str
    arrangement: str
    is_published: bool


@lru_cache(maxsize=30_000)
def calendar_day(day: date) -> CalendarDay:
    """The day's entry in the calendar."""
    statutory = _statutory(day.year)
    festival = statutory.festivals.get(day, "")
    try:
        is_off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        name = statutory.days_off.get(day, "")
        is_off = bool(name) or day.weekday() >= 5
        return CalendarDay(day, not is_off, name, festival, name, is_published=False)
    return CalendarDay(day, not is_off, (name or "") if is_off else "", festival, name or "", is_published=True)


def add_working_days(day: date, count: int) -> date:
    """The day on which so many working days after `day` have passed; 0 is the day itself."""
    while count > 0:
        day += timedelta(days=1)
        count -= calendar_day(day).is_workday
    return day


@dataclass(frozen=True, slots=True)
class _Statutory:
    """Day to the holiday's name: the festivals themselves, and all statutory days off."""

    festivals: dict[date, str]
    days_off: dict[date, str]


@cache
def _statutory(year: int) -> _Statutory:
    festivals = {date(year, month, day): name for (month, day), name in _FIXED.items()}
    days_off = dict(festivals)
    for day, words in sorted(holidays.country_holidays("CN", years=year, language="en_US").items()):
        for word in words.split(_SEVERAL):
            name = _NAMES.get(word.removesuffix(_IN_PLACE))
            if name is None:
                # Days moved by a published arrangement; the published calendar knows them better.
                continue
            days_off.setdefault(day, name)
            if word in _NAMES and not word.endswith("Eve") and name not in festivals.values():
                festivals[day] = name
    return _Statutory(festivals, days_off)
