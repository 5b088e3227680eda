"""Random tariffs and usages for the property tests of rating."""

from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st

from cis.rating import Register, Usage
from tests.oracle.rating import Bill

PERIODS = ("sharp", "peak", "flat", "valley", "deep_valley")

prices = st.one_of(
    st.integers(0, 300_000_000).map(lambda e8: f"{Decimal(e8).scaleb(-8):f}"),
    st.sampled_from(["0.5", "0.05", "0.005", "0.538", "0.00000001", "1.14862175"]),
)
ratios = st.integers(0, 300).map(lambda e2: f"{Decimal(e2).scaleb(-2):f}")


@st.composite
def bounds_fields(draw: st.DrawFn, tiers: int) -> dict[str, Any]:
    """The tier bounds of a rule, monthly with seasons or annual, with or without larger households."""

    def rising() -> list[str]:
        values = draw(st.lists(st.integers(1, 6000), min_size=tiers - 1, max_size=tiers - 1, unique=True))
        return [str(value) for value in sorted(values)]

    fields: dict[str, Any] = {"period": draw(st.sampled_from(["month", "year"]))}
    if fields["period"] == "month" and draw(st.booleans()):
        summer = sorted(draw(st.sets(st.integers(1, 12), min_size=1, max_size=11)))
        rest = [month for month in range(1, 13) if month not in summer]
        fields["seasons"] = [
            {"name": "summer", "months": summer, "upper_kwh": rising()},
            {"name": "rest", "months": rest, "upper_kwh": draw(st.sampled_from([rising(), []]))},
        ]
    else:
        fields["upper_kwh"] = rising()
    if draw(st.booleans()):
        extra = str(draw(st.integers(0, 200)))
        fields["multi_person"] = {
            "min_people": draw(st.integers(2, 7)),
            "extra_kwh_per_month": [extra] * (tiers - 1),
        }
    return fields


@st.composite
def tier_rules(draw: st.DrawFn) -> dict[str, Any]:
    """A `tier` rule."""
    tiers = draw(st.integers(2, 3))
    rising = sorted(draw(st.lists(prices, min_size=tiers, max_size=tiers)), key=Decimal)
    return {"kind": "tier", "price_yuan": rising} | draw(bounds_fields(tiers))


period_sets = st.sets(st.sampled_from(PERIODS), min_size=1).map(lambda found: [p for p in PERIODS if p in found])


@st.composite
def tier_time_of_use_rules(draw: st.DrawFn) -> dict[str, Any]:
    """A `tier_time_of_use` rule."""
    tiers = draw(st.integers(2, 3))
    adds = ["0", *sorted(draw(st.lists(prices, min_size=tiers - 1, max_size=tiers - 1)), key=Decimal)]
    periods = draw(period_sets)
    rule: dict[str, Any] = {"kind": "tier_time_of_use", "tier_add_yuan": adds} | draw(bounds_fields(tiers))
    if draw(st.booleans()):
        return rule | {"price_yuan": {period: draw(prices) for period in periods}}
    winter = sorted(draw(st.sets(st.integers(1, 12), min_size=1, max_size=11)))
    months = {"winter": winter, "rest": [month for month in range(1, 13) if month not in winter]}
    seasons = [
        {"name": name, "months": named, "price_yuan": {period: draw(prices) for period in periods}}
        for name, named in months.items()
    ]
    return rule | {"price_seasons": seasons}


@st.composite
def compositions(draw: st.DrawFn, periods: list[str] | None) -> dict[str, Any]:
    """A `composition`."""
    parts: dict[str, Any] = {
        "floating_base_yuan": {"agent_purchase": draw(prices), "line_loss": draw(prices)},
        "fixed_yuan": {"transmission_distribution_energy": draw(prices), "system_operation": draw(prices)},
    }
    return parts if periods is None else parts | {"ratio": {period: draw(ratios) for period in periods}}


@st.composite
def time_of_use_rules(draw: st.DrawFn) -> dict[str, Any]:
    """A `time_of_use` rule, printed or composed."""
    periods = draw(period_sets)
    rule: dict[str, Any] = {"kind": "time_of_use"}
    if draw(st.booleans()):
        return rule | {"price_yuan": {period: draw(prices) for period in periods}}
    return rule | {"composition": draw(compositions(periods)), "price_places": draw(st.integers(2, 8))}


@st.composite
def flat_energy_rules(draw: st.DrawFn) -> dict[str, Any]:
    """A `flat_energy` rule, printed or composed."""
    if draw(st.booleans()):
        return {"kind": "flat_energy", "price_yuan": draw(prices)}
    return {"kind": "flat_energy", "composition": draw(compositions(None)), "price_places": draw(st.integers(2, 8))}


shared_meter_rules = st.builds(lambda price: {"kind": "shared_meter", "price_yuan": price}, prices)


@st.composite
def funds_rules(draw: st.DrawFn) -> dict[str, Any]:
    """A `funds` rule."""
    charges = draw(
        st.lists(st.sampled_from(["FUND_RURAL", "FUND_RESERVOIR", "FUND_RENEWABLE"]), min_size=1, unique=True)
    )
    return {"kind": "funds", "items": [{"charge": charge, "price_yuan": draw(prices)} for charge in charges]}


@st.composite
def market_parts(draw: st.DrawFn, periods: list[str] | None) -> dict[str, Any]:
    """One part of a `market_energy` rule: one price, or a price for each period."""
    if periods is None or draw(st.booleans()):
        return {"price_yuan": draw(prices)}
    if draw(st.booleans()):
        return {"price_yuan": {period: draw(prices) for period in periods}}
    ratio = {"ratio": {period: draw(ratios) for period in periods}}
    floating = {"floating_base_yuan": {"retail_purchase": draw(prices)}}
    fixed = {"fixed_yuan": {"green_premium": draw(prices)}} if draw(st.booleans()) else {}
    return {"composition": floating | fixed | ratio, "price_places": draw(st.integers(2, 8))}


@st.composite
def market_energy_rules(draw: st.DrawFn) -> dict[str, Any]:
    """A `market_energy` rule, with or without time of use."""
    periods = draw(st.one_of(st.none(), period_sets))
    names = ("retail", "line_loss", "network", "system_operation")
    return {"kind": "market_energy"} | {name: draw(market_parts(periods)) for name in names}


ENERGY_RULES = {
    "market_energy": market_energy_rules(),
    "tier": tier_rules(),
    "tier_time_of_use": tier_time_of_use_rules(),
    "time_of_use": time_of_use_rules(),
    "flat_energy": flat_energy_rules(),
    "shared_meter": shared_meter_rules,
}
tariffs = st.one_of(*ENERGY_RULES.values()).flatmap(
    lambda rule: st.one_of(st.just([rule]), funds_rules().map(lambda funds: [rule, funds]))
)


def registers_of(rules: list[dict[str, Any]]) -> list[str]:
    """The registers a usage of this tariff needs."""
    rule = rules[0]
    if rule["kind"] == "market_energy":
        named: set[str] = set()
        for part in rule.values():
            if isinstance(part, dict):
                printed = part.get("price_yuan")
                named |= set(part.get("composition", {}).get("ratio", printed if isinstance(printed, dict) else ()))
        return [period for period in PERIODS if period in named] or ["total"]
    if rule["kind"] not in ("tier_time_of_use", "time_of_use"):
        return ["total"]
    season = rule["price_seasons"][0] if "price_seasons" in rule else rule
    return list(season["composition"]["ratio"] if "composition" in season else season["price_yuan"])


energies = st.one_of(
    st.integers(0, 100).map(lambda hundred: hundred * 100),
    st.integers(0, 9_000).map(lambda kwh: kwh * 100),
    st.integers(0, 1_000_000),
    st.integers(0, 100_000_000_00),
)


@st.composite
def usages(draw: st.DrawFn, rules: list[dict[str, Any]], rows: int | None = None) -> Usage:
    """A usage of 1 to 6 accounts that fits the tariff."""
    count = rows or draw(st.integers(1, 6))

    def column(values: st.SearchStrategy[int]) -> list[int]:
        return draw(st.lists(values, min_size=count, max_size=count))

    return Usage.of(
        draw(st.integers(1, 12)),
        {Register[name.upper()]: column(energies) for name in registers_of(rules)},
        tier_kwh_e2_before=column(energies),
        people=column(st.integers(0, 9)),
        months=column(st.integers(1, 2)),
        tier_months=column(st.integers(1, 12)),
    )


@st.composite
def rated_cases(draw: st.DrawFn) -> tuple[list[dict[str, Any]], Usage]:
    """A tariff and a usage that fits it."""
    rules = draw(tariffs)
    return rules, draw(usages(rules))


def bill_of(usage: Usage, row: int) -> Bill:
    """The row as the oracle takes it."""
    return Bill(
        usage.bill_month,
        {
            register.name.lower(): Decimal(int(np.asarray(usage.energy_kwh_e2)[row, column])).scaleb(-2)
            for column, register in enumerate(usage.registers)
        },
        Decimal(int(usage.tier_kwh_e2_before[row])).scaleb(-2),
        int(usage.people[row]),
        int(usage.months[row]),
        int(usage.tier_months[row]),
    )
