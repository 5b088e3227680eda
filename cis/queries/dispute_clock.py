"""By when a question about a bill, a reading or a meter has to be answered, and which working day of it today is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from config.shared.calendar import add_working_days, calendar_day


@dataclass(frozen=True, slots=True)
class AnswerLimit:
    """So many working days after the day it was asked, and where that is said."""

    working_days: int
    warn_before: int
    """working days before the last one"""
    source: str


@dataclass(frozen=True, slots=True)
class DayCount:
    """Which working day of how many it is; 0 is the day it was asked. `state`: calm, soon, late, kept, kept-late."""

    day: int
    of: int
    due_on: date
    state: str

    @property
    def words(self) -> str:
        """For a chip or a sentence."""
        if self.state == "kept":
            return _("按时答复，用了 %(day)s 个工作日") % {"day": self.day}
        if self.state == "kept-late":
            return _("超时答复，用了 %(day)s 个工作日") % {"day": self.day}
        if self.state == "late":
            return _("已超时：第 %(day)s 个工作日，时限 %(of)s 个") % {"day": self.day, "of": self.of}
        if not self.day:
            return _("已收到，%(of)s 个工作日内答复") % {"of": self.of}
        return _("第 %(day)s 个工作日，共 %(of)s 个") % {"day": self.day, "of": self.of}

    @property
    def kind(self) -> str:
        """Of the chip."""
        return {"calm": "info", "soon": "warn", "late": "bad", "kept": "good", "kept-late": "warn"}[self.state]


@cache
def _published() -> tuple[dict[str, Any], ...]:
    text = resources.files("cis").joinpath("data", "answer_limits.json").read_text(encoding="utf-8")
    return tuple(sorted(json.loads(text), key=lambda one: str(one["valid_from"])))


def limit_of(kind: str, day: date) -> AnswerLimit:
    """
    The limit of a kind of question for what is asked on a day; a province's own stands before the nation's.

    :raises LookupError: none is known for it
    """
    fits = [
        one
        for one in _published()
        if str(one["valid_from"]) <= day.isoformat()
        and one["province"] in ("", settings.COLLECTING_PROVINCE)
        and kind in one["working_days"]
    ]
    if not fits:
        raise LookupError(f"no limit for {kind} on {day}")
    chosen = max(fits, key=lambda one: (one["province"] != "", str(one["valid_from"])))
    return AnswerLimit(
        int(chosen["working_days"][kind]),
        int(chosen["warn_working_days_before"]),
        str(chosen["source"]),
    )


def due_at(asked_at: datetime, limit: AnswerLimit) -> datetime:
    """The end of the last working day there is."""
    last = add_working_days(_day(asked_at), limit.working_days)
    return datetime.combine(last + timedelta(days=1), time(), settings.BILLING_TIME_ZONE)


def warn_at(due: datetime, limit: AnswerLimit) -> datetime:
    """The beginning of the working day on which it is time to look: so many before the last."""
    day = _day(due) - timedelta(days=1)
    left = limit.warn_before
    while left > 0:
        day -= timedelta(days=1)
        left -= calendar_day(day).is_workday
    return datetime.combine(day, time(), settings.BILLING_TIME_ZONE)


def count_days(
    *, asked_at: datetime, due: datetime, of: int, now: datetime, warned_from: datetime, closed_at: datetime | None
) -> DayCount:
    """Which working day it is, or was when it was answered."""
    at = closed_at or now
    first, last = _day(asked_at), _day(at)
    passed = sum(
        calendar_day(first + timedelta(days=number)).is_workday for number in range(1, (last - first).days + 1)
    )
    if closed_at is not None:
        state = "kept" if closed_at < due else "kept-late"
    elif now >= due:
        state = "late"
    else:
        state = "soon" if now >= warned_from else "calm"
    return DayCount(passed, of, _day(due) - timedelta(days=1), state)


def _day(at: datetime) -> date:
    return at.astimezone(settings.BILLING_TIME_ZONE).date()
