"""A slow oracle for one bill: `Decimal` yuan and kWh, written from billing-rules.md, sharing nothing with the kernel.

It walks kWh through tiers step by step and knows neither integers in 1e-8 yuan nor columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

FEN = Decimal("0.01")
PERIODS = ("sharp", "peak", "flat", "valley", "deep_valley")

Line = tuple[str, Decimal, Decimal, Decimal]
"""charge text, kWh, yuan per kWh, yuan"""


@dataclass(frozen=True)
class Bill:
    """The determinants of one bill, kWh as Decimal."""

    bill_month: int
    energy_kwh: Mapping[str, Decimal]
    before_kwh: Decimal = Decimal(0)
    people: int = 1
    months: int = 1
    tier_months: int = 12


def bill_lines(rules: Sequence[Mapping[str, Any]], bill: Bill) -> list[Line]:
    """Return the lines with energy, in the order of the rules."""
    raw: list[tuple[str, Decimal, Decimal]] = []
    for rule in rules:
        raw += PRICE_BY[rule["kind"]](rule, bill)
    with localcontext() as context:
        context.prec = 60
        return [(code, kwh, price, (kwh * price).quantize(FEN, ROUND_HALF_UP)) for code, kwh, price in raw if kwh]


def total_energy(bill: Bill) -> Decimal:
    """Return the total register, or else the sum of the periods."""
    if "total" in bill.energy_kwh:
        return bill.energy_kwh["total"]
    return sum((bill.energy_kwh[p] for p in PERIODS if p in bill.energy_kwh), Decimal(0))


def tier_bounds(rule: Mapping[str, Any], bill: Bill) -> list[Decimal]:
    """Return the upper bounds for this household, month and number of months."""
    if "seasons" in rule:
        [season] = [s for s in rule["seasons"] if bill.bill_month in s["months"]]
        published = season["upper_kwh"]
    else:
        published = rule["upper_kwh"]
    more = rule.get("multi_person")
    bounds = []
    for position, text in enumerate(published):
        months = bill.months if rule["period"] == "month" else bill.tier_months
        bound = Decimal(text) * months
        if rule["period"] == "year":
            bound = (bound / 12).quantize(Decimal(1), ROUND_HALF_UP)
        if more and bill.people >= more["min_people"]:
            bound += Decimal(more["extra_kwh_per_month"][position]) * months
        bounds.append(bound)
    return bounds


def walk_tiers(rule: Mapping[str, Any], bill: Bill, tiers: int) -> list[Decimal]:
    """Fill tier after tier: each takes what fits between the energy so far and its upper bound."""
    position = bill.before_kwh if rule["period"] == "year" else Decimal(0)
    left = total_energy(bill)
    parts = []
    for bound in tier_bounds(rule, bill):
        part = min(left, max(bound - position, Decimal(0)))
        parts.append(part)
        position, left = position + part, left - part
    parts.append(left)
    return parts + [Decimal(0)] * (tiers - len(parts))


def price_tiers(rule: Mapping[str, Any], bill: Bill) -> list[tuple[str, Decimal, Decimal]]:
    """Price by tier."""
    prices = rule["price_yuan"]
    parts = walk_tiers(rule, bill, len(prices))
    return [(f"ENERGY_T{i + 1}", part, Decimal(prices[i])) for i, part in enumerate(parts)]


def price_tiers_by_period(rule: Mapping[str, Any], bill: Bill) -> list[tuple[str, Decimal, Decimal]]:
    """Price by period at tier 1, surcharges on top."""
    prices = rule.get("price_yuan")
    if prices is None:
        [prices] = [s["price_yuan"] for s in rule["price_seasons"] if bill.bill_month in s["months"]]
    lines = [(f"ENERGY_{p.upper()}", bill.energy_kwh[p], Decimal(prices[p])) for p in PERIODS if p in prices]
    adds = rule["tier_add_yuan"]
    parts = walk_tiers(rule, bill, len(adds))
    return lines + [(f"TIER{i + 1}_ADD", parts[i], Decimal(adds[i])) for i in range(1, len(adds))]


def price_shared(rule: Mapping[str, Any], bill: Bill) -> list[tuple[str, Decimal, Decimal]]:
    """Price of a shared meter."""
    return [("ENERGY_SHARED", total_energy(bill), Decimal(rule["price_yuan"]))]


def composed_price(rule: Mapping[str, Any], period: str | None) -> Decimal:
    """Return ratio x floating + fixed, rounded if the province rounds; or the printed price."""
    if "composition" not in rule:
        printed = rule["price_yuan"]
        return Decimal(printed if period is None else printed[period])
    parts = rule["composition"]
    ratio = Decimal(1) if period is None else Decimal(parts["ratio"][period])
    floating = sum((Decimal(v) for v in parts.get("floating_base_yuan", {}).values()), Decimal(0))
    price = floating * ratio + sum((Decimal(v) for v in parts.get("fixed_yuan", {}).values()), Decimal(0))
    return price.quantize(Decimal(10) ** -rule["price_places"], ROUND_HALF_UP) if "price_places" in rule else price


def price_flat(rule: Mapping[str, Any], bill: Bill) -> list[tuple[str, Decimal, Decimal]]:
    """One price."""
    return [("ENERGY", total_energy(bill), composed_price(rule, None))]


def price_periods(rule: Mapping[str, Any], bill: Bill) -> list[tuple[str, Decimal, Decimal]]:
    """One price per period."""
    priced = rule["composition"]["ratio"] if "composition" in rule else rule["price_yuan"]
    return [(f"ENERGY_{p.upper()}", bill.energy_kwh[p], composed_price(rule, p)) for p in PERIODS if p in priced]


def price_funds(rule: Mapping[str, Any], bill: Bill) -> list[tuple[str, Decimal, Decimal]]:
    """Each fund on all energy."""
    return [(item["charge"], total_energy(bill), Decimal(item["price_yuan"])) for item in rule["items"]]


MARKET_PARTS = {
    "retail": "ENERGY_RETAIL",
    "line_loss": "PURCHASE_LOSS",
    "network": "NETWORK",
    "system_operation": "SYSTEM_OPERATION",
}


def price_market(rule: Mapping[str, Any], bill: Bill) -> list[tuple[str, Decimal, Decimal]]:
    """What the retailer's contract costs, then what the month's table adds; whole or by period."""
    lines = []
    for name, code in MARKET_PARTS.items():
        part = rule[name]
        ratios = part.get("composition", {}).get("ratio")
        printed = part.get("price_yuan")
        by_period = ratios if ratios is not None else printed if isinstance(printed, dict) else None
        if by_period is None:
            lines.append((code, total_energy(bill), composed_price(part, None)))
        else:
            lines += [
                (f"{code}_{p.upper()}", bill.energy_kwh[p], composed_price(part, p)) for p in PERIODS if p in by_period
            ]
    return lines


PRICE_BY = {
    "market_energy": price_market,
    "tier": price_tiers,
    "tier_time_of_use": price_tiers_by_period,
    "shared_meter": price_shared,
    "flat_energy": price_flat,
    "time_of_use": price_periods,
    "funds": price_funds,
    # Nobody of these bills is subject to it; tests.oracle.two_part has its own.
    "power_factor": lambda _rule, _bill: [],
}
