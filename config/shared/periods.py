"""Pure: half-open stretches of days, and billing cycles as whole numbers such as 202601."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` up to, not including, `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a period must end after it starts: {self.start} to {self.end}")

    @property
    def days(self) -> int:
        """How many days it holds."""
        return (self.end - self.start).days

    def contains(self, day: date) -> bool:
        """Whether the day lies in it; the end does not."""
        return self.start <= day < self.end

    def overlaps(self, other: Period) -> bool:
        """Whether the two share at least one day."""
        return self.start < other.end and other.start < self.end


def cycle_of(day: date) -> int:
    """The billing cycle a day lies in: 2026-01-31 is in 202601."""
    return day.year * 100 + day.month


def add_months(cycle: int, months: int) -> int:
    """The cycle so many months later (earlier when negative)."""
    index = (cycle // 100) * 12 + (cycle % 100 - 1) + months
    return (index // 12) * 100 + index % 12 + 1


def is_cycle(cycle: int) -> bool:
    """Whether the number is a year and a month that can be billed."""
    return 1990 <= cycle // 100 <= 2200 and 1 <= cycle % 100 <= 12


def first_day(cycle: int) -> date:
    """The first day of the cycle's month."""
    return date(cycle // 100, cycle % 100, 1)


def reading_date(cycle: int, reading_day: int) -> date:
    """
    The day whose 00:00 closes a cycle for a route with this reading day.

    Day 0 is the freeze of the month's last day: 00:00 of the first day of the following month. Days past the end
    of a short month fall on its last day.
    """
    if reading_day == 0:
        return first_day(add_months(cycle, 1))
    year, month = divmod(cycle, 100)
    return date(year, month, min(reading_day, calendar.monthrange(year, month)[1]))
