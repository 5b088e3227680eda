"""Pure: what the tiers of a home are reckoned by: months, bounds, what the tier year holds, and what is free."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from cis.previews.answer import Line, plain
from cis.previews.bill_request import Request
from cis.rating import CHARGES, CannotPrice, ChargeCode

__all__ = ["check_period", "household", "kwh_before", "months_of", "tier_months", "with_empty_tiers"]

TIERS = (ChargeCode.ENERGY_T1, ChargeCode.ENERGY_T2, ChargeCode.ENERGY_T3)


def household(
    request: Request, rules: list[dict[str, Any]], more: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Bounds that the request states, and free energy of a household on minimum income."""
    if request.inputs.has("tier_bounds_applied"):
        stated = [plain(bound) for bound in request.inputs.numbers("tier_bounds_applied")]
        moved = ("multi_person", "seasons")
        rules = [
            {name: value for name, value in rule.items() if name not in moved} | {"upper_kwh": stated}
            if rule["kind"] in ("tier", "tier_time_of_use")
            else rule
            for rule in rules
        ]
    if request.customer.flag("low_income"):
        kwh = plain(request.options.number("free_kwh", "15"))
        method = request.switches.text("free_kwh_method")
        rules = [*rules, {"kind": "free_energy", "kwh_per_month": kwh, "method": method}]
        more = more | {"free_months": months_of(request)}
    return rules, more


def check_period(request: Request, rules: list[dict[str, Any]]) -> None:
    """A price by season needs a month; a period needs a day."""
    if request.start and request.end and request.end <= request.start:
        raise CannotPrice("out_of_range", "period.end must lie after period.start")
    is_seasonal = any("seasons" in rule or "price_seasons" in rule for rule in rules)
    if is_seasonal and not any(request.period.has(name) for name in ("bill_month", "date", "start")):
        raise CannotPrice("missing_field", "period.start or period.bill_month: the price goes by season")


def months_of(request: Request) -> int:
    return 2 if request.customer.text("reading_cycle", "monthly").startswith("bimonthly") else 1


def tier_months(request: Request) -> int:
    """Months of the tier year that count: up to that of a transfer, included; all twelve otherwise."""
    event = request.inputs.text("event", "")
    if event not in EVENTS:
        raise CannotPrice("unknown_value", f"inputs.event {event}: one of {', '.join(EVENTS[1:])}")
    if request.inputs.has("tier_bounds_applied"):
        return 12  # stated bounds are those of this bill
    last = request.inputs.day("event_on") if request.inputs.has("event_on") else request.end
    if event != "account_transferred" or not request.switches.is_on("transfer_prorates_tiers"):
        return 12
    if last is None:
        raise CannotPrice("missing_field", "inputs.event_on")
    last_day = last if request.inputs.has("event_on") else last - timedelta(days=1)
    return (last_day.month - request.switches.number("tier_year_start")) % 12 + 1


EVENTS = ("", "account_opened", "account_closed", "account_transferred")


def kwh_before(request: Request) -> int:
    """What the tier year already holds: stated, or from a history by month."""
    if not request.inputs.has("tier_history"):
        request.inputs.ignore("history")
        return request.inputs.scaled("tier_year_kwh_before", 2, "0")
    start = request.start
    if start is None:
        raise CannotPrice("missing_field", "period.start")
    first = request.switches.number("tier_year_start")
    month, year = start.month, start.year
    is_odd = request.customer.text("reading_cycle", "").startswith("bimonthly") and request.period.has("bill_month")
    if is_odd and request.switches.text("odd_month_january") == "current_year":
        year, month = int(request.period.text("bill_month")[:4]), request.month
    began = date(year if month >= first else year - 1, first, 1)
    total = 0
    for one in request.inputs.parts("tier_history"):
        when = one.text("month")
        if began.isoformat()[:7] <= when < start.isoformat()[:7]:
            total += one.scaled("kwh", 2)
        else:
            one.ignore("kwh")
        one.finish()
    return total


def with_empty_tiers(lines: list[Line], rules: list[dict[str, Any]]) -> list[Line]:
    """The lines with every tier of the month, so that a reader sees the one not reached and its price."""
    prices: list[str] = next(
        (rule["price_yuan"] for rule in rules if rule["kind"] == "tier" and rule["period"] == "month"), []
    )
    if not prices or any(line.code == "FREE_KWH" for line in lines):
        return lines
    shown = {line.code for line in lines}
    empty = [
        Line(charge.text, charge.name_zh, Fraction(), charge.unit, Fraction(price), 0, "", charge.legal_basis)
        for charge, price in zip((CHARGES[code] for code in TIERS), prices, strict=False)
        if charge.text not in shown
    ]
    tiers = sorted([line for line in lines if line.code.startswith("ENERGY_T")] + empty, key=lambda line: line.code)
    return tiers + [line for line in lines if not line.code.startswith("ENERGY_T")]
