"""Pure: the lines of one part of a bill, by the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cis.previews.bill_request import Bill
from cis.previews.household import kwh_before, months_of, tier_months
from cis.previews.parts import Part
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

__all__ = ["rated", "usage_of"]


def usage_of(bill: Bill, part: Part, more: Mapping[str, Any]) -> Usage:
    request = bill.request
    return Usage.of(
        request.month,
        {register: energy for register, energy in part.energy_e2.items()},
        tier_kwh_e2_before=kwh_before(request),
        people=request.customer.scaled("people", 0, "1"),
        months=months_of(request),
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
    refused = int(rate(tariff, usage).refused[0])
    if refused:
        raise CannotPrice(Refusal(refused).name.lower(), "the kernel refuses these determinants")
    lines = explain(tariff, usage, 0)
    if not is_refund:
        return lines
    return [LineFacts(one.code, -one.quantity, one.price_e8, -one.amount_fen, one.share, one.facts) for one in lines]
