"""Pure: the lines of one part of a bill, by the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cis.previews.bill_request import Bill
from cis.previews.household import kwh_before
from cis.previews.parts import Part
from cis.previews.periods import cycle_months, months_of, tier_months
from cis.previews.tariffs import ENERGY_KINDS
from cis.rating import (
    CannotPrice,
    CompiledTariff,
    LineFacts,
    Refusal,
    Register,
    Usage,
    compile_rules,
    explain,
    rate,
)
from cis.rating.rules.basic_charge import DemandMode

__all__ = ["rated", "usage_of"]


def usage_of(bill: Bill, part: Part, more: Mapping[str, Any], rules: Sequence[dict[str, Any]]) -> Usage:
    """The determinants of a part under its rules; raises CannotPrice where one is missing."""
    request = bill.request
    cycle_months(request)  # an unknown cycle is refused, whether or not this part reads it
    if not part.energy_e2:
        raise CannotPrice("missing_field", f"inputs.meters: a register of the active energy of {part.label}")
    is_monthly = not request.inputs.has("tier_bounds_applied") and any(
        rule["kind"] in ("tier", "tier_time_of_use") and rule.get("period") != "year" for rule in rules
    )
    return Usage.of(
        request.month,
        {register: energy for register, energy in part.energy_e2.items()},
        tier_kwh_e2_before=kwh_before(request, rules),
        people=request.customer.scaled("people", 0, "1"),
        months=months_of(request) if is_monthly else 1,
        tier_months=tier_months(request),
        more=more,
    )


def _with_unmeasured_periods(tariff: CompiledTariff, usage: Usage) -> Usage:
    """Sharp and deep-valley hours that the meter has no register for hold nothing: all energy stands in the others."""
    priced = {register for rule in tariff.rules for register in rule.period_registers}
    absent = priced - set(usage.registers)
    # Sharp and deep valley hours are not those of every month; the others every meter has.
    missing = sorted(absent & {Register.SHARP, Register.DEEP_VALLEY}) if usage.period_registers else []
    if not missing:
        return usage
    empty = np.zeros((len(usage), len(missing)), dtype=np.int64)
    return replace(
        usage,
        registers=(*usage.registers, *missing),
        energy_kwh_e2=np.hstack([usage.energy_kwh_e2, empty]),
    )


def rated(rules: list[dict[str, Any]], usage: Usage) -> list[LineFacts]:
    """The lines of one row; energy given back is rated as the energy it takes off the tier year."""
    tariff = compile_rules(rules, prices_energy=any(rule["kind"] in ENERGY_KINDS for rule in rules))
    usage = _with_unmeasured_periods(tariff, usage)
    energy = usage.energy_kwh_e2
    is_refund = bool((energy <= 0).all() and (energy < 0).any())
    if is_refund:
        before = usage.tier_kwh_e2_before + energy.sum(axis=1)
        if all(rule.get("period") != "year" for rule in rules):
            before = np.maximum(before, 0)
        usage = Usage(
            usage.registers, -energy, before, usage.people, usage.months,
            usage.bill_month, usage.tier_months, usage.more,
        )  # fmt: skip
    refused = Refusal(int(rate(tariff, usage).refused[0]))
    if refused:
        raise CannotPrice(refused.name.lower(), _why(refused, tariff, usage))
    lines = explain(tariff, usage, 0)
    if not is_refund:
        return lines
    return [LineFacts(one.code, -one.quantity, one.price_e8, -one.amount_fen, one.share, one.facts) for one in lines]


def _why(refused: Refusal, tariff: CompiledTariff, usage: Usage) -> str:
    """What it is in the request that the kernel refuses."""
    energy = {one: int(usage.energy_of(one)[0]) for one in usage.registers}
    priced = {register for rule in tariff.rules for register in rule.period_registers}
    if refused == Refusal.NEGATIVE_ENERGY:
        names = [one.name.lower() for one, kwh in energy.items() if kwh < 0]
        return f"inputs: the energy of {' and '.join(names)} is negative, and that of others is not"
    if refused == Refusal.UNPRICED_REGISTER:
        names = [one.name.lower() for one in usage.period_registers if one not in priced and energy[one]]
        return f"the tariff has no price for {' and '.join(names)}"
    if refused == Refusal.UNPRICED_MODE:
        is_capacity = int(usage.more["demand_mode"][0]) == DemandMode.CAPACITY
        name = "capacity" if is_capacity else "demand"
        return f"{name}_price: the tariff has no price of the {name}, by which the basic charge is paid"
    if refused == Refusal.REGISTERS_DISAGREE:
        return "inputs: the periods do not add up to the total"
    if refused == Refusal.OVERFLOW:
        return "inputs: an amount is larger than any bill"
    return "inputs.tier_year_kwh_before: less than nothing is left of the tier year"
