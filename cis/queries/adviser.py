"""
What an account would have paid in every other way it may choose: its last twelve months, rated again by the engine.

The way now in use must give the bills again to the fen; a bill it does not give again is named and left out of every
comparison. What nobody knows (a maximum demand, the hours of the day) is said and not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib import resources

from django.utils.translation import gettext as _

from cis.advising import Month, Terms, costs_fen, rank, read_terms, with_more_energy
from cis.models import SupplyContract
from cis.queries.adviser_levers import Levers, levers_of
from cis.queries.adviser_options import NOW, MonthlyValue, Offered, Option, by_month, offered_to
from cis.queries.billed_year import BilledYear, DemandFrom, LeftOutBill, billed_year
from cis.queries.market_advice import MarketAdvice, market_ways
from cis.rating import Register
from config.shared.calendar import add_working_days
from config.shared.errors import NotFound

__all__ = ["HOURS", "Advice", "Asked", "BilledMonth", "WhatIf", "advise"]

HOURS = ("any", "valley", "peak")
"""When more energy is used."""

_REGISTERS_OF = {
    "valley": (Register.VALLEY, Register.DEEP_VALLEY),
    "peak": (Register.PEAK, Register.SHARP),
    "any": (Register.FLAT, Register.PEAK),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to try beside the options."""

    shift_percent: int = 10
    transformers_kva: tuple[int, ...] = ()
    more_kwh: int = 0
    """more (less: negative) energy a month"""
    more_in: str = "any"
    """at what hours, of `HOURS`; counts under options with time of use"""
    plan: str = NOW
    """the key of the option under which it is reckoned"""


@dataclass(frozen=True, slots=True)
class BilledMonth:
    """One bill that is compared."""

    cycle: int
    months: int
    bill_no: str
    energy_kwh_e2: int
    total_fen: int
    demand_kw_e4: int | None
    demand_from: DemandFrom | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The months with other energy under an option, beside what was billed; `month_fen` empty where nobody knows."""

    plan: Option
    more_kwh: int
    more_in: str
    month_fen: tuple[int, ...]
    billed_fen: int

    @property
    def total_fen(self) -> int:
        """What the changed months come to."""
        return sum(self.month_fen)


@dataclass(frozen=True, slots=True)
class Advice:
    """Everything the adviser says about an account; money in fen over the months compared."""

    is_home: bool
    capacity_kva: int
    months: tuple[BilledMonth, ...]
    left_out: tuple[LeftOutBill, ...]
    terms: Terms
    kind_from: date
    """the first day from which another way could hold, applied for today"""
    value_from: date
    """the same of another contract value"""
    options: tuple[Option, ...] = ()
    """cheapest first; the way now in use is among them"""
    unknown: tuple[Option, ...] = ()
    """what could be chosen and cannot be reckoned"""
    by_month: tuple[MonthlyValue, ...] = ()
    """with a contract value of its own each month, of the cheapest tariff that is paid by contract demand"""
    levers: Levers | None = None
    what_if: WhatIf | None = None
    market: MarketAdvice | None = None
    """the ways of buying; None of homes and farms, and where no month's table is published"""
    has_changed: bool = False
    """whether the way of paying changed within the months: then "now" is each month as it was billed"""
    is_demonstration: bool = False
    correction_fen: int = 0
    """what rides on these bills from others; no part of any comparison"""

    @property
    def now(self) -> Option | None:
        """The way now in use; None without bills."""
        return next((option for option in self.options if option.is_now), None)

    @property
    def best(self) -> Option | None:
        """The cheapest way; None without bills."""
        return self.options[0] if self.options else None

    @property
    def saves_fen(self) -> int:
        """What the cheapest way would have saved."""
        return self.now.total_fen - self.best.total_fen if self.now is not None and self.best is not None else 0

    @property
    def months_covered(self) -> int:
        """How many months the bills are; a two-month bill is two."""
        return sum(month.months for month in self.months)


def terms_on(day: date) -> Terms:
    """Who may choose what on a day, with what notice."""
    return read_terms(_terms_text(), on=day)


@cache
def _terms_text() -> str:
    return resources.files("cis").joinpath("data", "advice.json").read_text(encoding="utf-8")


def advise(
    account_id: int,
    *,
    today: date,
    asked: Asked | None = None,
    within: tuple[date | None, date | None] = (None, None),
) -> Advice:
    """
    The options of an account by what its last twelve months would have cost; a fixed number of statements.

    `within`: the first and last day whose bills may be seen; None is open.

    :raises NotFound: the account has no contract today
    """
    asked = asked or Asked()
    contract = (
        SupplyContract.objects.select_related("tariff").filter(account_id=account_id, valid__contains=today).first()
    )
    if contract is None:
        raise NotFound(_("这个户号今天没有生效的供电合同，没有可以比较的电价。"))
    year, terms = billed_year(account_id, within=within), terms_on(today)
    advice = Advice(
        is_home=contract.price_class == SupplyContract.PriceClass.RESIDENTIAL,
        capacity_kva=contract.capacity_kva,
        months=tuple(
            BilledMonth(
                period.cycle,
                period.bill.months,
                str(period.bill),
                period.energy_kwh_e2,
                period.own_fen,
                sum(period.demand_kw_e4) if period.demand_kw_e4 is not None else None,
                period.demand_from,
            )
            for period in year.periods
        ),
        left_out=year.left_out,
        terms=terms,
        kind_from=add_working_days(today, terms.kind_working_days),
        value_from=add_working_days(today, terms.contract_value_working_days),
    )
    if not year.periods:
        return advice
    offered = offered_to(year, contract, terms)
    ranking = rank(offered.months)
    options = tuple(replace(offered.shown[one.key], month_fen=one.month_fen) for one in ranking.ranked)
    unpriced = [
        replace(offered.shown[key], why_not="not-priced", missing=cycles) for key, cycles in ranking.unpriced.items()
    ]
    return replace(
        advice,
        options=options,
        unknown=(*offered.unknown, *unpriced),
        by_month=by_month(offered, options),
        levers=levers_of(
            year, contract, terms, shift_percent=asked.shift_percent, transformers_kva=asked.transformers_kva
        ),
        what_if=_what_if(year, offered, options, asked),
        market=market_ways(year, contract, today=today),
        has_changed=_has_changed(year),
        correction_fen=sum(period.bill.correction_fen for period in year.periods),
        is_demonstration=any(period.version.is_demonstration for period in year.periods),
    )


def _has_changed(year: BilledYear) -> bool:
    ways = {
        (period.version.tariff_id, *((basis.demand_mode, basis.contract_kw_e4) if (basis := period.basis) else ()))
        for period in year.periods
    }
    return len(ways) > 1


def _what_if(year: BilledYear, offered: Offered, options: Sequence[Option], asked: Asked) -> WhatIf | None:
    """The months of an option with other energy; None where nothing was asked."""
    plan = next((option for option in options if option.key == asked.plan), None)
    if plan is None or (not asked.more_kwh and plan.is_now):
        return None
    months: Sequence[Month] | None = offered.months[plan.key]
    if asked.more_kwh and months:
        more = _more_of(months[-1], asked)
        months = with_more_energy(months, more) if more is not None else None
    costs = costs_fen(months) if months else [None]
    month_fen = () if None in costs else tuple(cost for cost in costs if cost is not None)
    return WhatIf(plan, asked.more_kwh, asked.more_in, month_fen, year.billed_fen)


def _more_of(month: Month, asked: Asked) -> dict[Register, int] | None:
    """Where more energy goes, by the registers that the option prices; None where it has no such hours."""
    registers = {register for rule in month.tariff.rules for register in rule.period_registers}
    if not registers:
        return {Register.TOTAL: asked.more_kwh * 100}
    chosen = next((one for one in _REGISTERS_OF[asked.more_in] if one in registers), None)
    return None if chosen is None else {chosen: asked.more_kwh * 100}
