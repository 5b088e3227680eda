"""Pure: what the tiers of a home are reckoned by: bounds, what the tier year holds, and what is free."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from cis.previews.answer import Line, plain
from cis.previews.bill_request import Request
from cis.previews.free_energy import free_energy_rule
from cis.previews.periods import cycle_months, months_of
from cis.rating import CHARGES, CannotPrice, ChargeCode

__all__ = ["household", "known_in", "kwh_before", "with_empty_tiers"]

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
    rules = known_in(rules, request.month)
    if request.customer.flag("low_income"):
        rules = [*rules, free_energy_rule(request, rules)]
        more = more | {"free_months": months_of(request)}
    return rules, more


def known_in(rules: Sequence[Mapping[str, Any]], month: int) -> list[dict[str, Any]]:
    """The rules, of which those whose bounds are known in this month stand though another season's are not."""
    return [_of_month(dict(rule), month) for rule in rules]


def _of_month(rule: dict[str, Any], month: int) -> dict[str, Any]:
    """The rule, with the bounds of this month where those of a season are not known."""
    seasons = rule.get("seasons")
    if rule["kind"] not in ("tier", "tier_time_of_use") or not isinstance(seasons, list):
        return rule
    try:
        now = next((one for one in seasons if month in one["months"]), None)
        if now is None or not now["upper_kwh"] or None in now["upper_kwh"]:
            return rule
        known = [
            one | {"upper_kwh": now["upper_kwh"]} if one["upper_kwh"] is None or None in one["upper_kwh"] else one
            for one in seasons
        ]
    except (KeyError, TypeError):
        return rule  # what has no such fields the kernel refuses by name
    return rule | {"seasons": known}


def kwh_before(request: Request, rules: Sequence[dict[str, Any]]) -> int:
    """
    What the tier year already holds, 0.01 kWh: stated, the sum of the bills before, or from a history by month.

    :raises CannotPrice: yearly tiers without any of them, unless the tier year or the account begins; two that differ
    """
    inputs = request.inputs
    found: dict[str, int] = {}
    if inputs.has("tier_year_kwh_before"):
        found["tier_year_kwh_before"] = inputs.scaled("tier_year_kwh_before", 2)
    if inputs.has("history"):
        kwh = sum(inputs.numbers("history"), Fraction()) * 100
        if kwh.denominator != 1:
            raise CannotPrice("too_precise", "inputs.history has more than 2 decimal places")
        found["history"] = int(kwh)
    if inputs.has("tier_history"):
        found["tier_history"] = _of_history(request)
    if len(set(found.values())) > 1:
        raise CannotPrice("registers_disagree", f"inputs: {' and '.join(found)} do not come to the same energy")
    if found:
        return next(iter(found.values()))
    if not any(rule.get("period") == "year" for rule in rules) or inputs.raw("event") == "account_opened":
        return 0
    if request.start is not None and request.start <= _tier_year_began(request, request.start):
        return 0
    raise CannotPrice("missing_field", "inputs.tier_year_kwh_before: the tiers are those of a year")


def _tier_year_began(request: Request, start: date) -> date:
    """The first day of the tier year that the bill belongs to."""
    first = request.switches.number("tier_year_start")
    month, year = start.month, start.year
    is_odd = cycle_months(request) == 2 and request.period.has("bill_month")
    if is_odd and request.switches.text("odd_month_january") == "current_year":
        year, month = int(request.period.text("bill_month")[:4]), request.month
    return date(year if month >= first else year - 1, first, 1)


def _of_history(request: Request) -> int:
    """The energy of the months of the tier year before the bill, 0.01 kWh."""
    start = request.start
    if start is None:
        raise CannotPrice("missing_field", "period.start")
    began = _tier_year_began(request, start)
    total, seen = 0, set()
    for one in request.inputs.parts("tier_history"):
        when = one.text("month")
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", when):
            raise CannotPrice("ill_typed", f"{one.where}.month must be a month such as 2026-01")
        if when in seen:
            raise CannotPrice("register_twice", f"{one.where}: {when} is named twice")
        seen.add(when)
        kwh = one.scaled("kwh", 2)
        if began.isoformat()[:7] <= when < start.isoformat()[:7]:
            total += kwh
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
