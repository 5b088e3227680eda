"""
The ways in which an account may pay, each with its months as they would have been priced.

The first is the way now in use: the bills as they were. The others are the tariffs of the same province, voltage and
family that the account's size allows, each in every way its basic charge may be paid, by contract with the best value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Q
from psycopg2.extras import DateRange

from cis.advising import WAYS, Month, Terms, best_contract, in_way
from cis.models import MarketTariff, SupplyContract, Tariff, TariffVersion
from cis.queries.billed_year import BilledPeriod, BilledYear, PeriodsFrom, month_under
from cis.rating import CannotPrice, CompiledTariff, Switches, compile_rules
from cis.rating.rules.basic_charge import BasicChargeRule, DemandMode
from config.shared.languages import in_language

__all__ = ["NOW", "MonthlyValue", "Offered", "Option", "by_month", "offered_to"]

NOW = "now"
# Tariffs that stand for the same supply, so that a customer may change between them.
_FAMILIES = (
    ("residential_tiered", "residential_tiered_tou"),
    ("commercial_industrial", "commercial_industrial_no_tou"),
)
_KW_E4 = 10_000


@dataclass(frozen=True, slots=True)
class Option:
    """One way of paying, over the months compared; where it cannot be priced `month_fen` is empty."""

    key: str
    tariff_name: str
    is_two_part: bool
    has_periods: bool
    mode: int
    """a `DemandMode`; `NOT_AGREED` where only energy is paid"""
    contract_kw: int | None = None
    """the contract value by which it is reckoned: the one agreed where it is in use, else the best; None elsewhere"""
    is_now: bool = False
    periods_from: PeriodsFrom = PeriodsFrom.METER
    values_tried: int = 0
    month_fen: tuple[int, ...] = ()
    why_not: str = ""
    """no-demand, no-periods, no-version, not-priced"""
    missing: tuple[int, ...] = ()
    """the cycles for which it is not known or not priced"""

    @property
    def total_fen(self) -> int:
        """What all the months come to."""
        return sum(self.month_fen)


@dataclass(frozen=True, slots=True)
class MonthlyValue:
    """The contract value that would have been best for one month alone."""

    cycle: int
    demand_kw_e4: int
    kw: int
    fen: int


@dataclass(frozen=True)
class Offered:
    """The options that can be reckoned, by key, with their months; and those that cannot."""

    shown: dict[str, Option]
    months: dict[str, list[Month]]
    unknown: list[Option]


def offered_to(year: BilledYear, contract: SupplyContract, terms: Terms) -> Offered:
    """What the account may choose; two statements. The year must have a period."""
    return _Offers(year, contract, terms).found


def by_month(offered: Offered, options: Sequence[Option]) -> tuple[MonthlyValue, ...]:
    """The best contract value of each month alone, of the cheapest of the options that is paid by contract demand."""
    option = next((one for one in options if one.mode == DemandMode.CONTRACT), None)
    if option is None:
        return ()
    values = []
    for month in offered.months[option.key]:
        try:
            best = best_contract([month], lowest_kw=_lowest_kw([month]))
        except CannotPrice:
            return ()
        values.append(MonthlyValue(month.cycle, month.number("demand_kw_e4"), best.kw, best.total_fen))
    return tuple(values)


class _Offers:
    """The options of one account, gathered."""

    def __init__(self, year: BilledYear, contract: SupplyContract, terms: Terms) -> None:
        self.found = Offered({}, {}, [])
        self._year, self._contract, self._terms = year, contract, terms
        self._is_home = contract.price_class == SupplyContract.PriceClass.RESIDENTIAL
        last = year.periods[-1]
        self._own_tariff_id = last.version.tariff_id
        self._now = self._as_it_is(last)
        self._keep(self._now, list(year.as_billed))
        for tariff, versions in self._tariffs():
            self._add_tariff(tariff, versions)

    def _as_it_is(self, last: BilledPeriod) -> Option:
        kinds = _kinds_of(last.version)
        mode = last.basis.demand_mode if kinds.is_two_part and last.basis else int(DemandMode.NOT_AGREED)
        agreed = last.basis.contract_kw_e4 // _KW_E4 if last.basis and mode == DemandMode.CONTRACT else None
        return Option(
            NOW, _name_of(last.version.tariff), kinds.is_two_part, kinds.has_periods, mode, agreed, is_now=True
        )

    def _tariffs(self) -> list[tuple[Tariff, list[TariffVersion]]]:
        """The tariffs that the account may choose, its own among them, with their versions."""
        own = self._contract.tariff
        family = next((one for one in _FAMILIES if own.category in one), ())
        tariffs = list(
            Tariff.objects.filter(
                Q(pk__in=[own.pk, self._own_tariff_id])
                # From whom the energy is bought is another question: `cis.queries.market_advice`.
                | Q(province=own.province, voltage=own.voltage, category__in=family)
                & ~Q(pk__in=MarketTariff.objects.values("tariff"))
            ).order_by("pk")
        )
        first, last = self._year.periods[0].bill.period_start, self._year.periods[-1].bill.period_end
        versions: dict[int, list[TariffVersion]] = {}
        for version in TariffVersion.objects.filter(
            tariff__in=tariffs, valid__overlap=DateRange(first, last)
        ).select_related("windows"):
            versions.setdefault(version.tariff_id, []).append(version)
        found = [(tariff, versions.get(tariff.pk, [])) for tariff in tariffs]
        return [one for one in found if one[1] and (self._is_own(one[0]) or self._may_choose(one[1][-1]))]

    def _is_own(self, tariff: Tariff) -> bool:
        return tariff.pk == self._own_tariff_id

    def _may_choose(self, version: TariffVersion) -> bool:
        kinds, capacity = _kinds_of(version), self._contract.capacity_kva
        if not kinds.is_priced:
            return False
        may_leave = self._terms.may_leave_periods(capacity, is_home=self._is_home)
        if self._now.has_periods != kinds.has_periods and not may_leave and (self._is_home or self._now.has_periods):
            return False
        if self._is_home:
            return True
        if kinds.is_two_part:
            return self._terms.may_be_two_part(capacity)
        return self._terms.may_be_single(capacity, is_single=not self._now.is_two_part)

    def _add_tariff(self, tariff: Tariff, versions: Sequence[TariffVersion]) -> None:
        is_own, kinds = self._is_own(tariff), _kinds_of(versions[-1])
        if is_own and (not kinds.is_two_part or self._now.mode == DemandMode.EXEMPT):
            return
        months, worst, why_not, missing = self._under(versions)
        option = Option(
            str(tariff.pk),
            _name_of(tariff),
            kinds.is_two_part,
            kinds.has_periods,
            int(DemandMode.NOT_AGREED),
            periods_from=worst,
        )
        ways = [replace(option, key=f"{tariff.pk}-{int(mode)}", mode=int(mode)) for mode in kinds.modes]
        for one in ways if kinds.is_two_part else [option]:
            if is_own and one.mode == self._now.mode and one.mode != DemandMode.CONTRACT:
                continue
            if why_not:
                self.found.unknown.append(replace(one, why_not=why_not, missing=missing))
            elif kinds.is_two_part:
                self._add_way(one, months, is_own=is_own)
            else:
                self._keep(one, months)

    def _under(self, versions: Sequence[TariffVersion]) -> tuple[list[Month], PeriodsFrom, str, tuple[int, ...]]:
        """The periods under the versions of a tariff and where their hours are from; or why not, and the cycles."""
        compiled: dict[tuple[int, Switches, int], CompiledTariff | None] = {}
        months: list[Month] = []
        worst = PeriodsFrom.METER
        missing: dict[str, list[int]] = {}
        for period in self._year.periods:
            version = next((one for one in versions if _holds(one, period)), None)
            tariff = None
            if version is not None:
                key = (version.pk, period.switches, period.part.free_kwh_e2_per_month if period.part else 0)
                if key not in compiled:
                    compiled[key] = _compiled_for(period, version)
                tariff = compiled[key]
            if version is None or tariff is None:
                missing.setdefault("no-version" if version is None else "not-priced", []).append(period.cycle)
                continue
            seen = month_under(self._year, period, version, tariff)
            if seen is None:
                missing.setdefault("no-periods", []).append(period.cycle)
                continue
            months.append(seen[0])
            worst = max(worst, seen[1], key=list(PeriodsFrom).index)
        why_not = next(iter(missing), "")
        return months, worst, why_not, tuple(missing.get(why_not, ()))

    def _add_way(self, option: Option, months: Sequence[Month], *, is_own: bool) -> None:
        mode = DemandMode(option.mode)
        paid = [
            in_way(
                month,
                mode,
                capacity_kva_e2=(period.contract or self._contract).capacity_kva * 100,
                demand_kw_e4=period.demand_kw_e4,
            )
            for month, period in zip(months, self._year.periods, strict=True)
        ]
        known = [one for one in paid if one is not None]
        if len(known) < len(paid):
            cycles = tuple(month.cycle for month, one in zip(months, paid, strict=True) if one is None)
            self.found.unknown.append(replace(option, why_not="no-demand", missing=cycles))
            return
        if mode == DemandMode.CONTRACT:
            try:
                best = best_contract(known, lowest_kw=_lowest_kw(known))
            except CannotPrice:
                cycles = tuple(month.cycle for month in known)
                self.found.unknown.append(replace(option, why_not="not-priced", missing=cycles))
                return
            if is_own and self._now.contract_kw == best.kw:
                return  # It is what is agreed already.
            known = [one.given(contract_kw_e4=best.kw * _KW_E4) for one in known]
            option = replace(option, contract_kw=best.kw, values_tried=best.tried)
        self._keep(option, known)

    def _keep(self, option: Option, months: list[Month]) -> None:
        self.found.shown[option.key] = option
        self.found.months[option.key] = months


@dataclass(frozen=True, slots=True)
class _Kinds:
    """What sort of tariff a version is."""

    is_two_part: bool
    has_periods: bool
    is_priced: bool
    modes: tuple[DemandMode, ...] = ()


def _kinds_of(version: TariffVersion) -> _Kinds:
    tariff = _compiled(version)
    if tariff is None:
        return _Kinds(is_two_part=False, has_periods=False, is_priced=False)
    basic = next((rule for rule in tariff.rules if isinstance(rule, BasicChargeRule)), None)
    priced = {
        DemandMode.CAPACITY: basic is not None and basic.capacity_price_e8 is not None,
        DemandMode.CONTRACT: basic is not None and basic.demand_price_e8 is not None,
        DemandMode.ACTUAL: basic is not None and basic.demand_price_e8 is not None,
    }
    has_periods = any(rule.period_registers for rule in tariff.rules)
    return _Kinds(basic is not None, has_periods, is_priced=True, modes=tuple(one for one in WAYS if priced[one]))


def _compiled_for(period: BilledPeriod, version: TariffVersion) -> CompiledTariff | None:
    try:
        return period.tariff(version)
    except CannotPrice:
        return None


def _compiled(version: TariffVersion) -> CompiledTariff | None:
    try:
        return compile_rules(version.rules)
    except CannotPrice:
        return None


def _holds(version: TariffVersion, period: BilledPeriod) -> bool:
    """Whether the version holds on the period's last day."""
    lower, upper = version.valid.lower, version.valid.upper
    end = period.bill.period_end
    return (lower is None or lower < end) and (upper is None or upper >= end)


def _name_of(tariff: Tariff) -> str:
    return in_language(tariff.name, tariff.name_en)


def _lowest_kw(months: Sequence[Month]) -> int:
    """Below the least floor every value is lifted to it: whoever applies for less agrees on the floor."""
    floors = [
        month.number("floor_kva_e2") * rule.floor_pct // _KW_E4
        for month in months
        for rule in month.tariff.rules
        if isinstance(rule, BasicChargeRule)
    ]
    return max(min(floors, default=1), 1)
