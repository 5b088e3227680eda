"""
Pure: the difference between two bills split into effects that add up to it to the fen.

One walks from the earlier bill to the later one and changes one thing at a time, in a fixed order (`STEPS`); after
each change the kernel that bills rates the whole bill again, and what a step moves is its effect. So whatever the
tariff's rules are, the effects add up, and anybody can check one with a single rating. The order is fixed and not
averaged over all orders (Shapley): an average is fairer between effects but no single rating gives it again.

What dearer tiers cost is an effect of its own: where a step brings more energy, the step carries it at the price of
the first tier, and what it costs beyond that is the effect of the tiers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

import numpy as np

from cis.rating import (
    PERIOD_REGISTERS,
    CannotPrice,
    ChargeCode,
    CompiledTariff,
    Rated,
    Refusal,
    Register,
    Usage,
    rate,
)

__all__ = ["STEPS", "TIER_OF_CHARGE", "BillInputs", "Difference", "Effect", "split"]


class Effect(StrEnum):
    """What makes a bill another one than the bill before."""

    HOUSEHOLD = "household"
    """how many people are registered"""
    DAYS = "days"
    """more or fewer days, and months"""
    WEATHER = "weather"
    """what the weather made the customer use, as a regression on their own days says"""
    USAGE = "usage"
    """the rest of the energy used"""
    PERIODS = "periods"
    """how the energy lies in the periods of the day; reactive energy too"""
    TIERS = "tiers"
    """what energy costs beyond the price of the first tier"""
    SEASON = "season"
    """prices or bounds of another season"""
    TERMS = "terms"
    """everything else a bill is computed from, such as capacity and demand"""
    PRICE = "price"
    """another price or another tariff"""
    OTHER = "other"
    """what stands on a bill and does not follow from its own inputs, such as corrections"""


STEPS = (
    Effect.HOUSEHOLD,
    Effect.DAYS,
    Effect.WEATHER,
    Effect.USAGE,
    Effect.PERIODS,
    Effect.TIERS,
    Effect.SEASON,
    Effect.TERMS,
    Effect.PRICE,
    Effect.OTHER,
)
"""The order in which the bill is changed; published to customers."""


@dataclass(frozen=True)
class BillInputs:
    """One bill: its tariff, its determinants (a usage of one row), its days, and what stands on it in fen."""

    tariff: CompiledTariff
    usage: Usage
    days: int
    total_fen: int

    def __post_init__(self) -> None:
        if len(self.usage) != 1:
            raise ValueError("a bill is a usage of one row")
        if self.days < 1:
            raise ValueError("a bill has at least one day")


@dataclass(frozen=True)
class Difference:
    """What each effect comes to in fen; only those that are not 0. The sum is the later bill less the earlier one."""

    total_fen: int
    effects: Mapping[Effect, int]
    left_to_price: frozenset[Effect]
    """steps that the earlier tariff could not rate: what they move stands under PRICE"""

    def largest_first(self) -> list[tuple[Effect, int]]:
        """Effects by size, those of the same size in the order of the steps."""
        return sorted(self.effects.items(), key=lambda one: (-abs(one[1]), STEPS.index(one[0])))


# Energy that grows and shrinks with what is used; demand is a maximum and energy fed in is not use.
_SCALED = frozenset({Register.TOTAL, *PERIOD_REGISTERS, Register.REACTIVE_IMPORT, Register.REACTIVE_EXPORT})
_NAMED_FIELDS = frozenset(
    {"registers", "energy_kwh_e2", "tier_kwh_e2_before", "people", "months", "bill_month", "tier_months"}
)
TIER_OF_CHARGE: dict[int, int] = {
    ChargeCode.ENERGY_T1: 1,
    ChargeCode.ENERGY_T2: 2,
    ChargeCode.ENERGY_T3: 3,
    ChargeCode.TIER2_ADD: 2,
    ChargeCode.TIER3_ADD: 3,
}
"""Which tier a line is about."""
_UPPER_TIERS = (ChargeCode.ENERGY_T2, ChargeCode.ENERGY_T3)
_TIER_SURCHARGES = (ChargeCode.TIER2_ADD, ChargeCode.TIER3_ADD)
# Steps that change how much energy there is: of what they move, the tiers' part is the tiers'.
_ENERGY_STEPS = frozenset({Effect.DAYS, Effect.WEATHER, Effect.USAGE, Effect.PERIODS})


def split(before: BillInputs, now: BillInputs, *, weather_kwh_e2: int = 0) -> Difference:
    """
    Split `now.total_fen - before.total_fen`.

    `weather_kwh_e2` is what the weather made the later bill's energy more (or less), in 0.01 kWh; 0 where nothing is
    known of it. Raises CannotPrice when the kernel refuses one of the two bills themselves.
    """
    usage, rated = before.usage, _rated(before.tariff, before.usage)
    last = _rated(now.tariff, now.usage)
    if rated is None or last is None:
        raise CannotPrice("row_refused", "one of the two bills cannot be rated")
    first_fen = int(rated.total_fen[0])
    premium = _tier_premium_fen(before.tariff, usage, rated)
    effects = dict.fromkeys(STEPS, 0)
    left: set[Effect] = set()
    for step, change in _changes(before, now, weather_kwh_e2):
        changed = change(usage)
        rated_then = _rated(before.tariff, changed)
        if rated_then is None:
            left.add(step)
            continue
        moved = int(rated_then.total_fen[0]) - int(rated.total_fen[0])
        premium_then = _tier_premium_fen(before.tariff, changed, rated_then)
        if step in _ENERGY_STEPS:
            effects[Effect.TIERS] += premium_then - premium
            moved -= premium_then - premium
        effects[step] += moved
        usage, rated, premium = changed, rated_then, premium_then
    effects[Effect.PRICE] += int(last.total_fen[0]) - int(rated.total_fen[0])
    effects[Effect.OTHER] = (now.total_fen - int(last.total_fen[0])) - (before.total_fen - first_fen)
    return Difference(
        total_fen=now.total_fen - before.total_fen,
        effects={effect: fen for effect, fen in effects.items() if fen},
        left_to_price=frozenset(left),
    )


def _changes(before: BillInputs, now: BillInputs, weather_kwh_e2: int) -> list[tuple[Effect, Callable[[Usage], Usage]]]:
    """The steps between the first and the last, each a change of the usage it is given."""
    to = now.usage
    wanted = _used(to)

    def of_weather(usage: Usage) -> Usage:
        used = _used(usage)
        return _scaled(usage, max(used + weather_kwh_e2, 0), used) if used else usage

    def of_usage(usage: Usage) -> Usage:
        used = _used(usage)
        if used:
            return _scaled(usage, wanted, used)
        return replace(usage, energy_kwh_e2=to.energy_kwh_e2) if usage.registers == to.registers else usage

    others = {one.name: getattr(to, one.name) for one in fields(Usage) if one.name not in _NAMED_FIELDS}
    return [
        (Effect.HOUSEHOLD, lambda usage: replace(usage, people=to.people)),
        (Effect.DAYS, lambda usage: replace(_scaled(usage, now.days, before.days), months=to.months)),
        (Effect.WEATHER, of_weather),
        (Effect.USAGE, of_usage),
        (
            Effect.PERIODS,
            lambda usage: replace(usage, registers=to.registers, energy_kwh_e2=to.energy_kwh_e2),
        ),
        (
            Effect.TIERS,
            lambda usage: replace(usage, tier_kwh_e2_before=to.tier_kwh_e2_before, tier_months=to.tier_months),
        ),
        (Effect.SEASON, lambda usage: replace(usage, bill_month=to.bill_month)),
        *([(Effect.TERMS, lambda usage: replace(usage, **others))] if others else []),
    ]


def _used(usage: Usage) -> int:
    """Imported energy of the one row in 0.01 kWh; 0 where the usage has none."""
    try:
        return int(usage.import_energy()[0])
    except CannotPrice:
        return 0


def _scaled(usage: Usage, numerator: int, denominator: int) -> Usage:
    """All energy that is use times numerator / denominator, rounded half-up; a total stays the sum of its periods."""
    energy = usage.energy_kwh_e2.copy()
    for place, register in enumerate(usage.registers):
        if register in _SCALED:
            energy[0, place] = (2 * int(energy[0, place]) * numerator + denominator) // (2 * denominator)
    periods = [usage.registers.index(register) for register in usage.period_registers]
    if Register.TOTAL in usage.registers and periods:
        total = usage.registers.index(Register.TOTAL)
        was_sum = int(usage.energy_kwh_e2[0, total]) == int(usage.energy_kwh_e2[0, periods].sum())
        if was_sum:
            energy[0, total] = energy[0, periods].sum()
    return replace(usage, energy_kwh_e2=energy)


def _rated(tariff: CompiledTariff, usage: Usage) -> Rated | None:
    """The rating of the one row; None where the kernel refuses it."""
    try:
        rated = rate(tariff, usage)
    except CannotPrice:
        return None
    return rated if int(rated.refused[0]) == Refusal.NONE else None


def _tier_premium_fen(tariff: CompiledTariff, usage: Usage, rated: Rated) -> int:
    """What the bill costs beyond all its energy at the price of the first tier, in fen."""
    lines: list[tuple[int, int, int]] = [
        (int(code), int(price), int(amount))
        for code, price, amount in zip(rated.lines.code, rated.lines.price_e8, rated.lines.amount_fen, strict=True)
    ]
    premium = sum(amount for code, _price, amount in lines if code in _TIER_SURCHARGES)
    upper = [(price, amount) for code, price, amount in lines if code in _UPPER_TIERS and price > 0]
    if not upper:
        return premium
    first = next((price for code, price, _amount in lines if code == ChargeCode.ENERGY_T1), None)
    if first is None:
        first = _first_tier_price_e8(tariff, usage)
    if first is None:
        return premium
    return premium + sum((2 * amount * (price - first) + price) // (2 * price) for price, amount in upper)


def _first_tier_price_e8(tariff: CompiledTariff, usage: Usage) -> int | None:
    """The price of the first tier, of a bill that is beyond it: asked of the kernel with the least energy there is."""
    energy: Any = np.zeros_like(usage.energy_kwh_e2)
    register = Register.TOTAL if Register.TOTAL in usage.registers else next(iter(usage.period_registers), None)
    if register is None:
        return None
    energy[0, usage.registers.index(register)] = 1
    rated = _rated(tariff, replace(usage, energy_kwh_e2=energy, tier_kwh_e2_before=np.zeros(1, dtype=np.int64)))
    if rated is None:
        return None
    at = np.flatnonzero(rated.lines.code == ChargeCode.ENERGY_T1)
    return int(rated.lines.price_e8[at[0]]) if len(at) else None
