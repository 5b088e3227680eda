"""What other hours, compensation, suspension or a larger household would have saved under the way now in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from cis.advising import (
    CompensationStep,
    Month,
    Suspension,
    SuspensionLimits,
    Terms,
    best_suspension,
    compensation_steps,
    costs_fen,
    shifted,
)
from cis.advising.idle_capacity import MOST_TRANSFORMERS
from cis.models import SupplyContract
from cis.queries.billed_year import BilledPeriod, BilledYear
from cis.rating.rules.basic_charge import BasicChargeRule, DemandMode
from cis.rating.rules.tier import TierRule
from cis.rating.rules.tier_time_of_use import TierTimeOfUseRule

__all__ = ["Levers", "levers_of"]


@dataclass(frozen=True, slots=True)
class Levers:
    """Money in fen over the months compared."""

    compensation: tuple[CompensationStep, ...]
    is_by_demand: bool
    """whether compensation is reckoned for the maximum demand, and not for the mean power"""
    worst_factor_e2: int | None
    """the lowest power factor of a month; None where none is looked at"""
    fen_per_kvar: int
    idle_kva: int | None
    """what stood idle even in the month that needed most; None where it is not paid for or nobody knows the demand"""
    kva_month_fen: int
    is_suspension_asked: bool
    """whether the transformers were named, and are together the capacity of the contract"""
    suspension: Suspension | None
    shift_percent: int
    shift_saves_fen: int | None
    """None where no register tells peak from valley"""
    household_people: int
    """from how many persons on the tiers are wider; 0 where they are not, or the household has as many"""
    household_saves_fen: int


def levers_of(
    year: BilledYear,
    contract: SupplyContract,
    terms: Terms,
    *,
    shift_percent: int,
    transformers_kva: Sequence[int],
) -> Levers:
    """Everything that can be done about the way now in use; no statement of its own."""
    months = list(year.as_billed)
    is_by_demand = all(period.demand_kw_e4 is not None for period in year.periods)
    power = [
        # Hundredths of a kWh in an hour are 0.01 kW.
        sum(period.demand_kw_e4 or ()) if is_by_demand else period.energy_kwh_e2 * 100 // period.hours
        for period in year.periods
    ]
    factors = [month.number("power_factor_e2", -1) for month in months if month.number("pf_standard_e2")]
    needed = [_needed_kva_e2(month, period) for month, period in zip(months, year.periods, strict=True)]
    price_e8 = _capacity_price_e8(months[-1])
    pays_capacity = price_e8 and contract.demand_mode == DemandMode.CAPACITY
    sizes = list(transformers_kva)[:MOST_TRANSFORMERS]
    is_asked = bool(pays_capacity) and is_by_demand and len(sizes) > 1 and sum(sizes) == contract.capacity_kva
    people, household_saves = _larger_household(months)
    return Levers(
        compensation=tuple(compensation_steps(months, power_kw_e4=power, fen_per_kvar=settings.ADVISER_FEN_PER_KVAR)),
        is_by_demand=is_by_demand,
        worst_factor_e2=min((factor for factor in factors if factor >= 0), default=None),
        fen_per_kvar=settings.ADVISER_FEN_PER_KVAR,
        idle_kva=max(contract.capacity_kva - -(-max(needed) // 100), 0) if pays_capacity and is_by_demand else None,
        kva_month_fen=(price_e8 + 500_000) // 1_000_000,
        is_suspension_asked=is_asked,
        suspension=best_suspension(
            months,
            transformers_kva_e2=[size * 100 for size in sizes],
            needed_kva_e2=needed,
            limits=SuspensionLimits(terms.suspensions_a_year, terms.suspended_months_a_year),
        )
        if is_asked
        else None,
        shift_percent=shift_percent,
        shift_saves_fen=_shift_saves(months, shift_percent),
        household_people=people,
        household_saves_fen=household_saves,
    )


def _capacity_price_e8(month: Month) -> int:
    rule = next((one for one in month.tariff.rules if isinstance(one, BasicChargeRule)), None)
    return rule.capacity_price_e8 or 0 if rule is not None else 0


def _needed_kva_e2(month: Month, period: BilledPeriod) -> int:
    """What has to stay in service: the demand at its power factor, and room above it."""
    factor = month.number("power_factor_e2", -1)
    if factor <= 0:
        factor = settings.ADVISER_USUAL_POWER_FACTOR_E2
    demand = sum(period.demand_kw_e4 or ())
    return -(-demand * 100 // (factor * settings.ADVISER_TRANSFORMER_LOAD_PERCENT))


def _shift_saves(months: Sequence[Month], percent: int) -> int | None:
    moved = [shifted(month, percent) for month in months]
    known = [one for one in moved if one is not None]
    return _saved(months, known) if len(known) == len(months) else None


def _saved(months: Sequence[Month], others: Sequence[Month]) -> int | None:
    """What the others save; None where one of them cannot be priced."""
    before, after = costs_fen(months), costs_fen(others)
    if None in before or None in after:
        return None
    return sum(one or 0 for one in before) - sum(one or 0 for one in after)


def _larger_household(months: Sequence[Month]) -> tuple[int, int]:
    """From how many persons on the tiers are wider, and what that saves a home that has fewer registered."""
    least = max(
        (
            rule.bounds.min_people or 0
            for month in months
            for rule in month.tariff.rules
            if isinstance(rule, TierRule | TierTimeOfUseRule)
        ),
        default=0,
    )
    if not least or all(int(month.usage.people[0]) >= least for month in months):
        return 0, 0
    saves = _saved(months, [month.with_people(least) for month in months])
    return (0, 0) if saves is None else (least, saves)
