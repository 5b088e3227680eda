"""
What an account of commerce or industry would have paid under the utility's purchase and under every retail package.

Its billed months are priced by the rules that billing makes from the month's published table. A month without a table
of its own is reckoned by the nearest one, and said to be: the newest before it, else the first after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from cis.advising import Month, rank
from cis.market import PACKAGES, WITHOUT_PERIODS, NetworkPrice, agent_rules, multiple_rules, read_package, retail_rules
from cis.market import MarketMonth as Table
from cis.models import (
    MarketMonth,
    MarketTariff,
    RetailAgreement,
    RetailPackage,
    SupplyContract,
    TariffVersion,
    TouWindows,
)
from cis.queries.billed_year import BilledPeriod, BilledYear, month_under
from cis.rating import CannotPrice
from config.shared.languages import in_language
from config.shared.periods import first_day

__all__ = ["MarketAdvice", "MarketWay", "market_ways"]

AGENT = "agent"

Rules = list[dict[str, Any]]
_MakeRules = Callable[[Table, NetworkPrice, bool], Rules]


@dataclass(frozen=True, slots=True)
class MarketWay:
    """One way of buying, over the months compared; where it cannot be priced `month_fen` is empty."""

    key: str
    """now, agent, or the package's id"""
    seller: str
    name: str
    kind: str
    is_now: bool = False
    is_provisional: bool = False
    """its price is known only with the settlement: reckoned by its terms"""
    month_fen: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    """the cycles it does not price"""

    @property
    def total_fen(self) -> int:
        """What all the months come to."""
        return sum(self.month_fen)


@dataclass(frozen=True, slots=True)
class MarketAdvice:
    """The ways of buying, cheapest first, the months as billed among them; in fen over the months compared."""

    cycles: tuple[int, ...]
    ways: tuple[MarketWay, ...]
    unknown: tuple[MarketWay, ...]
    assumed: tuple[tuple[int, int], ...]
    """(cycle without a table of its own, the month whose table it is reckoned by)"""

    @property
    def now(self) -> MarketWay:
        """The months as they were billed."""
        return next(way for way in self.ways if way.is_now)


def market_ways(year: BilledYear, contract: SupplyContract, *, today: date) -> MarketAdvice | None:
    """
    The ways of an account to buy; five statements. None of homes and farms, and where no published table
    prices its tariff.

    :param year: with at least one period
    """
    if not contract.tariff.category.startswith("commercial_industrial"):
        return None
    tables = {
        row.month: Table.parse(row.values)
        for row in MarketMonth.objects.filter(
            province=contract.tariff.province, state=MarketMonth.State.PUBLISHED
        ).order_by("month")
    }
    if not tables:
        return None
    advice = _Ways(year, contract, tables, today).advice()
    # Tables without the account's own tariff compare nothing.
    return advice if len(advice.ways) > 1 else None


class _Ways:
    """The ways of one account, gathered."""

    def __init__(self, year: BilledYear, contract: SupplyContract, tables: Mapping[int, Table], today: date) -> None:
        self._year, self._tables = year, tables
        tariffs = {period.version.tariff_id for period in year.periods}
        self._base = {
            row.tariff_id: row.base.code
            for row in MarketTariff.objects.select_related("base").filter(tariff__in=tariffs)
        }
        self._windows: dict[str, list[TouWindows]] = {}
        for one in TouWindows.objects.filter(code__in={table.windows for table in tables.values()}):
            self._windows.setdefault(one.code, []).append(one)
        self._pays_multiple = RetailAgreement.objects.filter(
            account_id=contract.account_id, package=None, valid__contains=today
        ).exists()
        self._table_of = {period.cycle: _nearest(list(tables), _month_of(period)) for period in year.periods}

    def advice(self) -> MarketAdvice:
        """All of it."""
        shown = {"now": MarketWay("now", _("现在的方式"), _("按实际账单"), "", is_now=True)}
        months: dict[str, list[Month]] = {"now": list(self._year.as_billed)}
        unknown: list[MarketWay] = []
        for way, make in self._offered():
            found, missing = self._under(make)
            if missing:
                unknown.append(replace(way, missing=missing))
            else:
                shown[way.key], months[way.key] = way, found
        ranking = rank(months)
        unknown += [replace(shown[key], missing=cycles) for key, cycles in ranking.unpriced.items()]
        return MarketAdvice(
            cycles=tuple(period.cycle for period in self._year.periods),
            ways=tuple(replace(shown[one.key], month_fen=one.month_fen) for one in ranking.ranked),
            unknown=tuple(unknown),
            assumed=tuple(
                (period.cycle, self._table_of[period.cycle])
                for period in self._year.periods
                if self._table_of[period.cycle] != _month_of(period)
            ),
        )

    def _offered(self) -> list[tuple[MarketWay, _MakeRules]]:
        agent = MarketWay(AGENT, _("电网企业代理购电"), _("代理购电价格"), "")
        if self._pays_multiple:
            agent = replace(agent, name=_("代理购电价格，按规定倍数"))
        offered: list[tuple[MarketWay, _MakeRules]] = [
            (agent, _by_multiple if self._pays_multiple else _by_agent),
        ]
        for row in RetailPackage.objects.select_related("retailer").order_by("retailer__code", "code"):
            package = read_package(row.kind, row.terms)

            def by_package(table: Table, price: NetworkPrice, by_period: bool, package: Any = package) -> Rules:
                return retail_rules(table, price, package, by_period=by_period)

            seller = in_language(row.retailer.name, row.retailer.name_en or row.retailer.name)
            kind = in_language(*PACKAGES[row.kind].names)
            offered.append(
                (MarketWay(str(row.pk), seller, row.name, kind, is_provisional=row.settled_later), by_package)
            )
        return offered

    def _under(self, make: _MakeRules) -> tuple[list[Month], tuple[int, ...]]:
        """The periods under the rules of each one's table, and the cycles that those do not price."""
        months: list[Month] = []
        missing: list[int] = []
        for period in self._year.periods:
            month = self._priced(period, make)
            if month is None:
                missing.append(period.cycle)
            else:
                months.append(month)
        return months, tuple(missing)

    def _priced(self, period: BilledPeriod, make: _MakeRules) -> Month | None:
        number = self._table_of[period.cycle]
        table = self._tables[number]
        code = self._base.get(period.version.tariff_id, period.version.tariff.code)
        price, by_period = table.network_of(code), not code.endswith(WITHOUT_PERIODS)
        if price is None:
            return None
        try:
            rules = make(table, price, by_period)
            version = TariffVersion(
                tariff=period.version.tariff,
                rules=rules,
                windows=self._windows_of(table, number) if by_period else None,
            )
            found = month_under(self._year, period, version, period.tariff(version))
        except CannotPrice:
            return None
        return found[0] if found else None

    def _windows_of(self, table: Table, month: int) -> TouWindows | None:
        day = first_day(month)
        return next(
            (
                one
                for one in self._windows.get(table.windows, [])
                if (one.valid.lower or date.min) <= day < (one.valid.upper or date.max)
            ),
            None,
        )


def _by_agent(table: Table, price: NetworkPrice, by_period: bool) -> Rules:
    return agent_rules(table, price, by_period=by_period)


def _by_multiple(table: Table, price: NetworkPrice, by_period: bool) -> Rules:
    return multiple_rules(table, price, by_period=by_period)


def _month_of(period: BilledPeriod) -> int:
    """The month whose prices hold on the period's last day."""
    last = period.bill.period_end - timedelta(days=1)
    return last.year * 100 + last.month


def _nearest(months: Sequence[int], wanted: int) -> int:
    """The newest of the months up to the one wanted, else the first; the months ascend."""
    before = [month for month in months if month <= wanted]
    return before[-1] if before else months[0]
