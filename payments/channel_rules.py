"""
Pure: what a client's contract says of days and hours: its accounting day, its nightly batch, how long it may reverse.

A client's accounting day is its own (账务日期): from the cut-off on a moment belongs to the next day. No public rule
gives numbers for any of this; they are columns of the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class DayRules:
    """See `payments.models.ChannelClient`."""

    cutoff_time: time | None
    days_apart: int
    reversal_days: int
    blackout_from: time | None
    blackout_until: time | None


def accounting_day(local: datetime, rules: DayRules) -> date:
    """The accounting day that a moment (in the utility's time zone) belongs to."""
    is_late = rules.cutoff_time is not None and local.time() >= rules.cutoff_time
    return local.date() + timedelta(days=1 if is_late else 0)


def is_day_near(bank_date: date, local: datetime, rules: DayRules) -> bool:
    """Whether the day that a client names is the one we reckon with, or near enough to it."""
    return abs((bank_date - accounting_day(local, rules)).days) <= rules.days_apart


def is_blacked_out(local: datetime, rules: DayRules) -> bool:
    """Whether the client's batch debit runs at this moment; the window may go over midnight."""
    if rules.blackout_from is None or rules.blackout_until is None:
        return False
    now, start, end = local.time(), rules.blackout_from, rules.blackout_until
    return start <= now < end if start <= end else now >= start or now < end


def may_reverse(*, paid_on: date, reversed_on: date, rules: DayRules) -> bool:
    """Whether a payment of one accounting day may still be reversed on another."""
    return 0 <= (reversed_on - paid_on).days <= rules.reversal_days
