"""Pure: how many months a bill covers, which seasons it lies in, and the months of a tier year that count.

Source: billing-rules.md 1.1 and 3.7: bounds by the month count once for each month; meters are read every month or
every two. That two months in seasons of different bounds or prices wait, and what still passes for a month, is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from cis.previews.bill_request import Request
from cis.rating import CannotPrice

__all__ = ["ENDS", "check_period", "cycle_months", "months_of", "tier_months"]

CYCLES = {"": None, "monthly": 1, "bimonthly": 2, "bimonthly_odd": 2, "bimonthly_even": 2}
EVENTS = ("", "account_opened", "account_closed", "account_transferred")
ENDS = EVENTS[1:]
"""Events with which a period may be shorter than a month."""
ONE_MONTH, TWO_MONTHS = range(20, 41), range(50, 71)
"""Days that pass for one month, and for two: reading days move."""


def cycle_months(request: Request) -> int | None:
    """Months between two readings as they are stated; None where they are not; raises CannotPrice(`unknown_value`)."""
    cycle = request.customer.text("reading_cycle", "")
    if cycle not in CYCLES:
        known = ", ".join(name for name in CYCLES if name)
        raise CannotPrice("unknown_value", f"customer.reading_cycle {cycle}: one of {known}")
    return CYCLES[cycle]


def months_of(request: Request) -> int:
    """
    Months that bounds and agreed quantities count for: by the days of the period, and by the cycle.

    :raises CannotPrice: the days are neither those of one month nor of two, or they and the cycle disagree
    """
    stated = cycle_months(request)
    if request.start is None or request.end is None:
        return stated or 1
    days = (request.end - request.start).days
    if request.inputs.raw("event") in ENDS and days < TWO_MONTHS.start:
        return stated or (1 if days < ONE_MONTH.stop else 2)
    months = 1 if days in ONE_MONTH else 2 if days in TWO_MONTHS else None
    if months is None:
        raise CannotPrice(
            "out_of_range", f"period: {days} days are neither one month nor two; inputs.event says why it is shorter"
        )
    if stated is not None and stated != months:
        raise CannotPrice(
            "out_of_range", f"period: {days} days are not the {stated} month(s) of customer.reading_cycle"
        )
    return months


def check_period(request: Request, rules: Sequence[dict[str, Any]]) -> None:
    """A price by season needs a month, and one season; a period needs a day."""
    start, end = request.start, request.end
    if start and end and end <= start:
        raise CannotPrice("out_of_range", "period.end must lie after period.start")
    if start and end and request.period.has("bill_month"):
        named = request.period.text("bill_month")
        if not f"{start:%Y-%m}" <= named <= f"{end:%Y-%m}":
            raise CannotPrice("out_of_range", "period.bill_month must be a month of the period, or the one it ends in")
    # Stated bounds are those of this bill, whatever its seasons.
    by_season = ("price_seasons",) if request.inputs.has("tier_bounds_applied") else ("seasons", "price_seasons")
    seasonal = [rule[name] for rule in rules for name in by_season if name in rule]
    if seasonal and not any(request.period.has(name) for name in ("bill_month", "date", "start")):
        raise CannotPrice("missing_field", "period.start or period.bill_month: the price goes by season")
    if start and end and (end - start).days >= ONE_MONTH.stop:
        months = _months_between(start, end)
        for seasons in seasonal:
            if len({_season_of(seasons, month) for month in months}) > 1:
                raise CannotPrice("season_changes", "period: its months have other bounds or prices; bill each month")


def _months_between(start: date, end: date) -> list[int]:
    """Every month that has a day of the period."""
    last = end - timedelta(days=1)
    count = min((last.year - start.year) * 12 + last.month - start.month, 11)
    return [(start.month + number - 1) % 12 + 1 for number in range(count + 1)]


def _season_of(seasons: Any, month: int) -> str:
    """What holds in a month, as a text to compare; empty where the rule has no such season."""
    for one in seasons if isinstance(seasons, list) else []:
        if isinstance(one, dict) and isinstance(one.get("months"), list) and month in one["months"]:
            return repr((one.get("upper_kwh"), one.get("price_yuan")))
    return ""


def tier_months(request: Request) -> int:
    """Months of the tier year that count: up to that of a transfer, included; all twelve otherwise."""
    event = request.inputs.text("event", "")
    if event not in EVENTS:
        raise CannotPrice("unknown_value", f"inputs.event {event}: one of {', '.join(ENDS)}")
    on = request.inputs.day("event_on") if request.inputs.has("event_on") else None
    if on is not None and request.start and request.end and not request.start <= on <= request.end:
        raise CannotPrice("out_of_range", "inputs.event_on must lie inside period.start and period.end")
    if request.inputs.has("tier_bounds_applied"):
        return 12  # stated bounds are those of this bill
    if event != "account_transferred" or not request.switches.is_on("transfer_prorates_tiers"):
        return 12
    if on is None and request.end is None:
        raise CannotPrice("missing_field", "inputs.event_on")
    last = on or (request.end or date.min) - timedelta(days=1)
    return (last.month - request.switches.number("tier_year_start")) % 12 + 1
