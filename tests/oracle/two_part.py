"""A slow oracle of two-part tariffs: `Decimal` and whole days, written from billing-rules.md 2.2, 2.3, 2.6 to 2.8.

It knows neither sixtieths nor columns, and finds power factors by a square root of fifty digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

FEN = Decimal("0.01")

Line = tuple[str, Decimal, Decimal, Decimal]
"""charge text, quantity, yuan per unit, yuan"""


def fen(yuan: Decimal) -> Decimal:
    """Half-up, away from zero."""
    with localcontext() as context:
        context.prec = 80
        return yuan.quantize(FEN, ROUND_HALF_UP)


@dataclass(frozen=True)
class Basic:
    """How an account pays its basic charge; kVA and kW."""

    mode: str
    stretches: Sequence[tuple[Decimal, Decimal, bool]] = ()
    """kVA, share of the month, whether it is suspended at half"""
    floor_kva: Decimal = Decimal(0)
    contract_kw: Decimal = Decimal(0)
    demand_kw: Sequence[Decimal] = ()


def basic_lines(basic: Basic, rule: Mapping[str, object], kwh: Decimal) -> list[Line]:
    """The lines of the basic charge."""
    if basic.mode == "exempt":
        return []
    if basic.mode == "capacity":
        price = Decimal(str(rule["capacity_price_yuan_per_kva_month"]))
        return [
            ("CAPACITY_HALF" if half else "CAPACITY", kva, price, fen(kva * price * share))
            for kva, share, half in basic.stretches
            if kva and share
        ]
    price = Decimal(str(rule["demand_price_yuan_per_kw_month"]))
    discount = rule.get("load_factor_discount")
    if isinstance(discount, Mapping) and basic.floor_kva and kwh / basic.floor_kva >= discount["kwh_per_kva"]:
        price = price * discount["price_pct"] / 100
    if basic.mode == "actual":
        return [("DEMAND", kw, price, fen(kw * price)) for kw in basic.demand_kw if kw]
    contract = max(basic.contract_kw, basic.floor_kva * Decimal("0.4"))
    highest, threshold = sum(basic.demand_kw, Decimal(0)), contract * Decimal("1.05")
    base, over = contract, Decimal(0)
    if highest > threshold:
        how = rule.get("demand_excess_rule", "C_plus_double_over_105")
        base = threshold if how == "105_plus_double_over_105" else contract
        over = highest - (contract if how == "C_plus_double_over_C" else threshold)
    lines = [("DEMAND", base, price, fen(base * price)), ("DEMAND_OVER", over, price * 2, fen(over * price * 2))]
    return [line for line in lines if line[1]]


def power_factor(active: Decimal, reactive: Decimal) -> Decimal | None:
    """P over the root of P² + Q², half-up to two places."""
    if not active:
        return None
    with localcontext() as context:
        context.prec = 60
        return (active / (active * active + reactive * reactive).sqrt()).quantize(Decimal("0.01"), ROUND_HALF_UP)


def adjustment_pct(table: Sequence[Mapping[str, Mapping[str, str]]], standard: str, factor: Decimal) -> Decimal:
    """The published percentage, row by row; below the last printed row each hundredth costs 2 more."""
    by_factor = {Decimal(str(row["pf"])): Decimal(row["pct"][standard]) for row in table}
    lowest = min(by_factor)
    if factor >= lowest:
        return by_factor[factor]
    return by_factor[lowest] + (lowest - factor) * 100 * 2


def charged_shares(
    kva: Sequence[Decimal],
    events: Sequence[tuple[date, str, Decimal]],
    start: date,
    end: date,
    *,
    owner: str,
    least_days: int,
    half: bool,
) -> dict[tuple[Decimal, bool], Decimal]:
    """Capacity and whether at half, to the sum of kVA x share; day by day and transformer by transformer."""
    shift = 0 if owner == "new" else 1
    states = ["running"] * len(kva)
    ignored: set[int] = set()
    for at, (on, kind, size) in enumerate(events):
        if kind != "resume":
            continue
        before = [
            n for n, (began, what, other) in enumerate(events[:at]) if what == "suspend" and other == size
            and n not in ignored
        ]  # fmt: skip
        if before and (on - events[before[-1]][0]).days < least_days:
            ignored |= {before[-1], at}
    days: list[dict[str, int]] = [{"running": 0, "suspended": 0, "gone": 0} for _ in kva]
    changed = [False] * len(kva)
    today = start
    while today < end:
        for n, (on, kind, size) in enumerate(events):
            if n in ignored or on + timedelta(days=shift) != today:
                continue
            wanted = {"suspend": "running", "resume": "suspended", "remove": "running"}[kind]
            place = next(i for i, other in enumerate(kva) if other == size and states[i] == wanted)
            states[place] = {"suspend": "suspended", "resume": "running", "remove": "gone"}[kind]
            changed[place] = True
        for place, state in enumerate(states):
            days[place][state] += 1
        today += timedelta(days=1)
    charged: dict[tuple[Decimal, bool], Decimal] = {}

    def add(size: Decimal, share: Decimal, *, at_half: bool) -> None:
        key = (size, at_half)
        charged[key] = charged.get(key, Decimal(0)) + share

    for place, size in enumerate(kva):
        if not changed[place]:
            add(size, Decimal(1), at_half=False)
            continue
        running, suspended = (min(days[place][name], 30) for name in ("running", "suspended"))
        if running:
            add(size, Decimal(running) / 30, at_half=False)
        if half and suspended:
            add(size, Decimal(suspended) / 60, at_half=True)
    return charged
