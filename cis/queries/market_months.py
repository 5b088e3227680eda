"""The month's published tables, retailers and packages, as the pages of the market show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from cis.market import PACKAGES
from cis.market import MarketMonth as Table
from cis.models import MarketMonth, MarketVersion, RetailAgreement, Retailer, RetailPackage
from cis.rating import CHARGES, ChargeCode
from config.shared.errors import NotFound
from config.shared.languages import in_language
from config.shared.models import Approval


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One revision of a month's table in a list; prices as the table says them, in yuan."""

    market_month_id: int
    province: str
    month: int
    revision: int
    state: str
    state_word: str
    agent_purchase: str
    line_loss: str
    system_operation: str
    source: str
    entered_by: str
    entered_at: datetime
    published_by: str
    approval_id: int | None


@dataclass(frozen=True, slots=True)
class MonthPage:
    """One table with all that it says, and what was made from it."""

    row: MonthRow
    parts: tuple[tuple[str, str], ...]
    parts_sum: str
    """of the parts of system operation; empty where it is the printed total"""
    funds: tuple[tuple[str, str], ...]
    ratios: tuple[tuple[str, str], ...]
    floats: tuple[str, ...]
    references: tuple[tuple[str, str], ...]
    multiple: str
    network: tuple[tuple[str, str, str, str, str, str], ...]
    """(voltage, structure, tariff, energy, capacity, demand)"""
    versions: int


@dataclass(frozen=True, slots=True)
class PackageRow:
    """A package with how many accounts buy by it now."""

    package_id: int
    code: str
    name: str
    kind_word: str
    terms: tuple[tuple[str, str], ...]
    source: str
    accounts: int
    is_provisional: bool
    """its price is known only with the trading centre's settlement"""


@dataclass(frozen=True, slots=True)
class RetailerRow:
    """A retailer with its packages."""

    retailer_id: int
    code: str
    name: str
    packages: tuple[PackageRow, ...]


def list_months(*, limit: int = 36) -> list[MonthRow]:
    """Every revision, newest month first."""
    rows = MarketMonth.objects.select_related("entered_by", "published_by", "approval")
    return [_row(row) for row in rows.order_by("-month", "province", "-revision")[:limit]]


def latest_values(province: str | None = None) -> tuple[str, int, Mapping[str, Any]] | None:
    """Province, month and values of the newest published table; the pattern that the next is entered over."""
    rows = MarketMonth.objects.filter(state=MarketMonth.State.PUBLISHED)
    row = (rows.filter(province=province) if province else rows).order_by("-month").first()
    return None if row is None else (row.province, row.month, row.values)


def get_month(market_month_id: int) -> MonthPage:
    """
    One table.

    :raises NotFound: there is none
    """
    row = (
        MarketMonth.objects.select_related("entered_by", "published_by", "approval").filter(pk=market_month_id).first()
    )
    if row is None:
        raise NotFound(_("没有这张电价表。"))
    table = Table.parse(row.values)
    total = sum(table.system_operation_parts.values(), Decimal(0))
    differs = bool(table.system_operation_parts) and total != table.system_operation
    words = component_words()
    return MonthPage(
        row=_row(row),
        parts=tuple((name, str(value)) for name, value in table.system_operation_parts.items()),
        parts_sum=str(total) if differs else "",
        funds=tuple((_charge(name), str(value)) for name, value in table.funds.items()),
        ratios=tuple((period_word(name), str(value)) for name, value in table.ratio.items()),
        floats=tuple(words[name] for name in table.floats),
        references=tuple((reference_word(name), str(value)) for name, value in table.references.items()),
        multiple=str(table.multiple or ""),
        network=tuple(
            (
                price.voltage,
                _("两部制") if price.structure == "two_part" else _("单一制"),
                price.tariff,
                str(price.energy),
                "" if price.capacity is None else str(price.capacity),
                "" if price.demand is None else str(price.demand),
            )
            for price in table.network
        ),
        versions=MarketVersion.objects.filter(month=row).count(),
    )


def component_words() -> dict[str, str]:
    """What the parts of an energy price are called."""
    return {
        "agent_purchase": _("代理购电价格"),
        "line_loss": _("上网环节线损费用"),
        "transmission_distribution_energy": _("电度输配电价"),
        "system_operation": _("系统运行费用"),
    }


def reference_word(name: str) -> str:
    """What a price that packages refer to is called: its own name where the month's table brings a new one."""
    words = {"agent_purchase": _("代理购电价格"), "monthly_auction": _("月度集中竞价出清均价")}
    return words.get(name, name)


def period_word(name: str) -> str:
    """What a period of the day is called."""
    return {
        "sharp": _("尖峰"),
        "peak": _("高峰"),
        "flat": _("平段"),
        "valley": _("低谷"),
        "deep_valley": _("深谷"),
    }[name]


def list_retailers(*, today: date) -> list[RetailerRow]:
    """Every retailer with its packages and how many buy by each today."""
    bought = dict(
        RetailAgreement.objects.filter(valid__contains=today, package__isnull=False)
        .values_list("package")
        .annotate(n=Count("pk"))
    )
    packages: dict[int, list[PackageRow]] = {}
    for package in RetailPackage.objects.order_by("code"):
        packages.setdefault(package.retailer_id, []).append(
            PackageRow(
                package.pk,
                package.code,
                package.name,
                in_language(*PACKAGES[package.kind].names),
                tuple(terms_in_words(package.terms)),
                package.source,
                bought.get(package.pk, 0),
                package.settled_later,
            )
        )
    return [
        RetailerRow(row.pk, row.code, in_language(row.name, row.name_en or row.name), tuple(packages.get(row.pk, ())))
        for row in Retailer.objects.order_by("code")
    ]


def choices_of_packages() -> list[tuple[int, str]]:
    """Package id and name with its retailer."""
    rows = RetailPackage.objects.select_related("retailer").order_by("retailer__code", "code")
    return [(row.pk, f"{row.retailer.name} · {row.name}") for row in rows]


def terms_in_words(terms: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each term, nested ones in line."""
    words = {
        "price_yuan": _("电价（元/度）"),
        "floats": _("随时段浮动"),
        "reference": _("参考价"),
        "spread_yuan": _("价差（元/度）"),
        "base_yuan": _("基准价（元/度）"),
        "customer_share_pct": _("客户分成（%）"),
        "shares_losses": _("参考价高于基准时也分担"),
        "premium_yuan": _("环境价值（元/度）"),
        "green_share_pct": _("绿电比例（%）"),
    }
    found: list[tuple[str, str]] = []
    for name, value in terms.items():
        if name == "prices_yuan":
            found += [(period_word(period), str(price)) for period, price in value.items()]
        elif name == "energy":
            found += terms_in_words({key: more for key, more in value.items() if key != "kind"})
        elif isinstance(value, bool):
            found.append((words.get(name, name), _("是") if value else _("否")))
        elif name == "reference":
            found.append((words[name], reference_word(str(value))))
        else:
            found.append((words.get(name, name), str(value)))
    return found


def _charge(name: str) -> str:
    charge = CHARGES[ChargeCode[name]]
    return in_language(charge.name_zh, charge.name_en)


def _row(row: MarketMonth) -> MonthRow:
    state, word = row.state, _(MarketMonth.State(row.state).label)
    if state == MarketMonth.State.WAITING and row.approval and row.approval.state != Approval.State.WAITING:
        state, word = "dropped", _(Approval.State(row.approval.state).label)
    return MonthRow(
        market_month_id=row.pk,
        province=row.province,
        month=row.month,
        revision=row.revision,
        state=state,
        state_word=word,
        agent_purchase=row.values["agent_purchase_yuan"],
        line_loss=row.values["line_loss_yuan"],
        system_operation=row.values["system_operation_yuan"],
        source=row.source,
        entered_by=row.entered_by.display_name,
        entered_at=row.entered_at,
        published_by=row.published_by.display_name if row.published_by else "",
        approval_id=row.approval_id if state == MarketMonth.State.WAITING else None,
    )


__all__ = [
    "MonthPage",
    "MonthRow",
    "PackageRow",
    "RetailerRow",
    "choices_of_packages",
    "component_words",
    "get_month",
    "latest_values",
    "list_months",
    "list_retailers",
    "period_word",
    "terms_in_words",
]
