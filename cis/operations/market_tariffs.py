"""Tariff versions made from a month's published table: the utility's own, the multiples, and every package in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.market import WITHOUT_PERIODS, NetworkPrice, agent_rules, multiple_rules, read_package, retail_rules
from cis.market import MarketMonth as Table
from cis.models import Bill, MarketMonth, MarketTariff, MarketVersion, RetailPackage, Tariff, TariffVersion, TouWindows
from cis.rating import CannotPrice, Register, Rule, Usage, compile_rules, explain
from config.shared.errors import Refused
from config.shared.periods import add_months, first_day

# Two who make versions take turns.
MARKET_LOCK = 20_021
_TITLES = {"single_part": "工商业单一制", "two_part": "工商业两部制"}
_ENGLISH = {"single_part": "single-part", "two_part": "two-part"}


class MonthIsBilled(Refused):
    """Somebody was billed by the month's prices: they stand."""

    code = "market-month-is-billed"


class MonthHasOtherPrices(Refused):
    """The tariff has a version for these days that was not made from a month's table."""

    code = "market-month-has-other-prices"


class CannotMake(Refused):
    """The table and the package do not make a price; the message says what is missing."""

    code = "market-price-cannot-be-made"
    status = 422


def lock_market() -> None:
    """Take the turn until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MARKET_LOCK])


def days_of_month(month: int) -> tuple[date, date]:
    """The days of a month such as 202602, half-open."""
    return first_day(month), first_day(add_months(month, 1))


def base_of(tariff_id: int) -> int:
    """The utility's tariff that a market tariff stands for; itself where it is one."""
    return MarketTariff.objects.filter(tariff_id=tariff_id).values_list("base_id", flat=True).first() or tariff_id


def market_tariff(*, base_id: int, package: RetailPackage | None) -> MarketTariff:
    """The tariff of this way of buying, made where nobody bought so before."""
    known = MarketTariff.objects.filter(base_id=base_id, package=package).first()
    if known is not None:
        return known
    base = Tariff.objects.get(pk=base_id)
    if package is None:
        code, name, name_en = "X", "按倍数执行代理购电价格", "multiple of the agent purchase price"
    else:
        code = f"{package.retailer.code}-{package.code}"
        name = f"{package.retailer.name} {package.name}"
        name_en = f"{package.retailer.name_en} {package.code}" if package.retailer.name_en else ""
    tariff = Tariff.objects.create(
        code=f"{base.code}@{code}"[:64],
        name=f"{base.name} · {name}"[:200],
        name_en=f"{base.name_en} · {name_en}"[:200] if base.name_en and name_en else "",
        province=base.province,
        category=base.category,
        voltage=base.voltage,
    )
    return MarketTariff.objects.create(base=base, package=package, tariff=tariff)


def make_versions(row: MarketMonth) -> int:
    """
    Make or remake every version of the month; gives how many. The market's lock is held.

    :raises MonthIsBilled, MonthHasOtherPrices, CannotMake: see there; nothing is made then
    """
    table = table_of(row.values)
    earlier = MarketVersion.objects.filter(month__province=row.province, month__month=row.month)
    if Bill.objects.filter(tariff_version__in=earlier.values("version")).exists():
        raise MonthIsBilled(_("%(month)s 的价格已经用来发行电费，不能再改；差额请走电费更正。") % {"month": row.month})
    earlier.exclude(month=row).update(month=row)
    made = 0
    tariffs: list[int] = []
    for price in table.network:
        for by_period in (True, False):
            tariff = _base_tariff(row.province, price, by_period=by_period)
            tariffs.append(tariff.pk)
            rules = agent_rules(table, price, by_period=by_period)
            _put(row, table, tariff, rules, by_period=by_period, sources=(row.source,))
            made += 1
    return made + make_market_versions(
        row, table, MarketTariff.objects.filter(base__in=tariffs).select_related("base", "package__retailer", "tariff")
    )


def make_market_versions(row: MarketMonth, table: Table, wanted: Iterable[MarketTariff]) -> int:
    """The month's versions of these market tariffs; gives how many."""
    made = 0
    for one in wanted:
        price = table.network_of(one.base.code)
        if price is None:
            raise CannotMake(
                _("%(month)s 的电价表没有 %(code)s 的输配电价，请先补全。")
                % {"month": row.month, "code": one.base.code}
            )
        by_period = not one.base.code.endswith(WITHOUT_PERIODS)
        try:
            if one.package is None:
                rules = multiple_rules(table, price, by_period=by_period)
                sources: tuple[str, ...] = (row.source,)
            else:
                package = read_package(one.package.kind, one.package.terms)
                rules = retail_rules(table, price, package, by_period=by_period)
                sources = (row.source, one.package.source)
        except CannotPrice as fault:
            raise CannotMake(
                _("%(name)s 在 %(month)s 定不出价：%(why)s")
                % {"name": one.tariff.name, "month": row.month, "why": fault}
            ) from fault
        _put(row, table, one.tariff, rules, by_period=by_period, sources=sources)
        made += 1
    return made


def table_of(values: Mapping[str, Any]) -> Table:
    """
    The month's table, checked; its windows must be known.

    :raises CannotMake: what is wrong with it
    """
    try:
        table = Table.parse(values)
    except CannotPrice as fault:
        raise CannotMake(_("电价表有误：%(why)s") % {"why": fault}) from fault
    if not TouWindows.objects.filter(code=table.windows).exists():
        raise CannotMake(_("没有编号为 %(code)s 的峰谷时段，请先维护时段。") % {"code": table.windows})
    return table


def _base_tariff(province: str, price: NetworkPrice, *, by_period: bool) -> Tariff:
    title = _TITLES[price.structure] + ("分时电价" if by_period else "不分时电价")
    tou = "time of use" if by_period else "no time of use"
    found, _made = Tariff.objects.get_or_create(
        code=price.tariff + ("" if by_period else WITHOUT_PERIODS),
        defaults={
            "name": f"{province}{title}（{price.voltage}）",
            "name_en": f"{province} commercial and industrial, {_ENGLISH[price.structure]}, {tou}, {price.voltage}",
            "province": province,
            "category": "commercial_industrial" if by_period else "commercial_industrial_no_tou",
            "voltage": price.voltage,
        },
    )
    return found


def _put(
    row: MarketMonth,
    table: Table,
    tariff: Tariff,
    rules: list[dict[str, Any]],
    *,
    by_period: bool,
    sources: tuple[str, ...],
) -> None:
    """The version of a tariff for the month's days: remade, taken over where it says the same, or made."""
    begins, ends = days_of_month(row.month)
    days = DateRange(begins, ends)
    values = {
        "rules": rules,
        "windows": TouWindows.objects.filter(code=table.windows, valid__contains=begins).first() if by_period else None,
        "source": "；".join(sources),
        "confidence": "published table, entered and checked by two persons",
        "note": "",
        "is_demonstration": row.is_demonstration,
    }
    mine = MarketVersion.objects.filter(month=row, version__tariff=tariff).select_related("version").first()
    if mine is not None:
        TariffVersion.objects.filter(pk=mine.version_id).update(**values)
        return
    for other in tariff.versions.select_for_update().filter(valid__overlap=days).order_by("pk"):
        if other.valid == days and not other.is_demonstration:
            if _prices(other.rules) != _prices(rules):
                raise _has_other(tariff, begins)
            MarketVersion.objects.create(month=row, version=other)
            return
        if not other.is_demonstration:
            raise _has_other(tariff, begins)
        if row.is_demonstration and _is_billed(other, begins, ends) and _prices(other.rules) == _prices(rules):
            return  # One demonstration after another, of the same figures: what was billed by stays.
        _make_room(other, begins, ends)
    version = TariffVersion.objects.create(tariff=tariff, valid=days, **values)
    MarketVersion.objects.create(month=row, version=version)


def _is_billed(version: TariffVersion, begins: date, ends: date) -> bool:
    return Bill.objects.filter(tariff_version=version, period_end__gt=begins, period_start__lt=ends).exists()


def _make_room(version: TariffVersion, begins: date, ends: date) -> None:
    """Take the days out of a demonstration's version, which carried other figures over."""
    if _is_billed(version, begins, ends):
        raise MonthIsBilled(_("这个月已经按演示电价发行过电费，不能再改。"))
    lower, upper = version.valid.lower, version.valid.upper
    before, after = DateRange(lower, begins), DateRange(ends, upper)
    has_before, has_after = lower is None or lower < begins, upper is None or upper > ends
    kept = {
        name: getattr(version, name)
        for name in ("tariff", "rules", "windows", "source", "confidence", "note", "is_demonstration")
    }
    if not has_before and not has_after:
        version.delete()
        return
    version.valid = before if has_before else after
    version.save(update_fields=["valid"])
    if has_before and has_after:
        TariffVersion.objects.create(**kept, valid=after)


def _has_other(tariff: Tariff, begins: date) -> MonthHasOtherPrices:
    return MonthHasOtherPrices(
        _("电价 %(code)s 在 %(day)s 起的月份已有另外录入的价格，与电价表不一致，请先核对。")
        % {"code": tariff.code, "day": begins}
    )


def _prices(rules: list[dict[str, Any]]) -> list[tuple[int, int] | Rule]:
    """What a kWh costs by each charge, and how the basic charge is made: equal where two versions charge the same."""
    parts = [rule for rule in rules if rule["kind"] != "basic_charge"]
    basic = [rule for rule in rules if rule["kind"] == "basic_charge"]
    tariff = compile_rules(parts)
    priced = {register for rule in tariff.rules for register in rule.period_registers} or {Register.TOTAL}
    usage = Usage.of(1, {register: 1_000_00 for register in sorted(priced)})
    kept: list[tuple[int, int] | Rule] = [(int(line.code), line.price_e8) for line in explain(tariff, usage, 0)]
    return kept + list(compile_rules(basic, prices_energy=False).rules if basic else ())


def published_months(*, province: str, since: date) -> list[MarketMonth]:
    """The published months from a day on, oldest first."""
    return list(
        MarketMonth.objects.filter(
            province=province,
            state=MarketMonth.State.PUBLISHED,
            month__gte=since.year * 100 + since.month,
        ).order_by("month")
    )
