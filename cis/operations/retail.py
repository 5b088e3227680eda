"""Retailers, their packages, and who buys by which: agreements decide an account's tariff by its contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.market import GROUNDS, read_package
from cis.models import MarketTariff, RetailAgreement, Retailer, RetailPackage, SupplyContract, Tariff
from cis.operations.contracts import move_to_tariff
from cis.operations.market_tariffs import (
    base_of,
    lock_market,
    make_market_versions,
    market_tariff,
    published_months,
    table_of,
)
from cis.rating import CannotPrice
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.periods import first_day, is_cycle


class RetailerRefused(BadInput):
    """A retailer or package lacks a code, a name or a source, or its terms cannot be read."""

    code = "retailer-refused"


class CodeIsTaken(Refused):
    """There is one with this code."""

    code = "code-is-taken"


class AgreementRefused(Refused):
    """The agreement does not fit the account: its class, its months, or one it has already."""

    code = "agreement-refused"


def add_retailer(*, code: str, name: str, name_en: str = "") -> int:
    """
    Register a retailer; its id.

    :raises RetailerRefused: no code or name
    :raises CodeIsTaken: there is one
    """
    code, name = code.strip(), name.strip()
    if not 0 < len(code) <= 16 or not name:
        text = _("请填写售电公司的编号（最多 16 位）和名称。")
        raise RetailerRefused(text, errors=[{"pointer": "/code", "detail": text}])
    try:
        with transaction.atomic():
            return Retailer.objects.create(code=code, name=name[:200], name_en=name_en.strip()[:200]).pk
    except IntegrityError as error:
        raise CodeIsTaken(_("已有编号为 %(code)s 的售电公司。") % {"code": code}) from error


def add_package(
    *,
    retailer_id: int,
    code: str,
    name: str,
    kind: str,
    terms: Mapping[str, Any],
    source: str,
    settled_later: bool = False,
) -> int:
    """
    Register a retail package; its id. Its terms never change: another price is another package.

    `settled_later`: its price of a month is known only with the trading centre's settlement; bills go by the terms
    until then, and what differs is cleared on a later bill.

    :raises RetailerRefused: no code, name or source, or terms that its kind does not know
    :raises CodeIsTaken: the retailer has one
    """
    code, name, source = code.strip(), name.strip(), source.strip()
    if not 0 < len(code) <= 16 or not name or not source:
        text = _("请填写套餐的编号（最多 16 位）、名称和出处。")
        raise RetailerRefused(text, errors=[{"pointer": "/code", "detail": text}])
    try:
        read_package(kind, terms)
    except CannotPrice as fault:
        text = _("套餐条款有误：%(why)s") % {"why": fault}
        raise RetailerRefused(text, errors=[{"pointer": "/terms", "detail": text}]) from fault
    try:
        with transaction.atomic():
            return RetailPackage.objects.create(
                retailer_id=retailer_id,
                code=code,
                name=name[:200],
                kind=kind,
                terms=dict(terms),
                settled_later=settled_later,
                source=source,
            ).pk
    except IntegrityError as error:
        raise CodeIsTaken(_("这家售电公司已有编号为 %(code)s 的套餐。") % {"code": code}) from error


def sign_agreement(
    *,
    account_id: int,
    package_id: int | None,
    ground: str = "",
    from_month: int,
    until_month: int | None,
    document: str,
    signed_by_id: int,
    at: datetime,
) -> int:
    """
    From a month on the account buys by a package, or (no package) pays a multiple on a ground; gives the agreement.

    `until_month` is the first month in which it no longer holds. The account's contract goes on at the tariff that
    follows, whose versions are made for the months that are published already.

    :raises AgreementRefused: not whole months, no document, a class that does not buy in the market, another agreement
    :raises CapacityRefused, AccountIsClosed, NotFound: what stands against changing the contract
    :raises CannotMake: a published month does not price the package
    """
    _check(package_id, ground, from_month, until_month, document)
    begins = first_day(from_month)
    with transaction.atomic():
        lock_market()
        package = None
        if package_id is not None:
            package = RetailPackage.objects.select_related("retailer").filter(pk=package_id).first()
            if package is None:
                raise NotFound(_("没有这个零售套餐。"))
        contract = _contract_on(account_id, begins)
        own = market_tariff(base_id=base_of(contract.tariff_id), package=package)
        moved = move_to_tariff(account_id=account_id, tariff_id=own.tariff_id, from_on=begins)
        try:
            with transaction.atomic():
                agreement = RetailAgreement.objects.create(
                    account_id=account_id,
                    package=package,
                    ground=ground,
                    valid=DateRange(begins, first_day(until_month) if until_month else None),
                    document=document.strip()[:200],
                    contract=moved,
                    signed_by_id=signed_by_id,
                    signed_at=at,
                )
        except IntegrityError as error:
            if "one_retail_agreement_at_a_time" not in str(error):
                raise
            raise AgreementRefused(_("这些月份已有购电约定，请先终止原来的约定，或从它结束后的月份起。")) from error
        months = published_months(province=own.base.province, since=begins)
        for month in months:
            if not month.versions.filter(version__tariff=own.tariff).exists():
                make_market_versions(month, table_of(month.values), [own])
        if until_month is not None and any(month.month >= until_month for month in months):
            _back(agreement)
    return agreement.pk


def end_agreement(*, agreement_id: int, until_month: int, ended_by_id: int, at: datetime) -> None:
    """
    The agreement holds no longer from a month on; the account then buys through the utility.

    :raises NotFound: there is none, or it is over
    :raises AgreementRefused: not a month after its first
    :raises CapacityRefused: the month is billed
    """
    with transaction.atomic():
        lock_market()
        agreement = RetailAgreement.objects.select_for_update().filter(pk=agreement_id, is_over=False).first()
        if agreement is None:
            raise NotFound(_("没有这份购电约定，或它已经结束。"))
        if not is_cycle(until_month) or first_day(until_month) <= (agreement.valid.lower or date.min):
            raise AgreementRefused(_("终止月份须在约定开始的月份之后。"))
        agreement.valid = DateRange(agreement.valid.lower, first_day(until_month))
        agreement.ended_by_id, agreement.ended_at = ended_by_id, at
        agreement.save(update_fields=["valid", "ended_by", "ended_at"])
        _back(agreement)


def end_lapsed(*, month: int) -> int:
    """Bring back to the utility's tariff whose agreement ended by the beginning of a month; gives how many."""
    lapsed = RetailAgreement.objects.select_for_update().filter(is_over=False, valid__endswith__lte=first_day(month))
    count = 0
    for agreement in lapsed.order_by("account_id", "pk"):
        _back(agreement)
        count += 1
    return count


def _back(agreement: RetailAgreement) -> None:
    """Go on at the utility's own tariff where the agreement's tariff still stands in the contract."""
    ends = agreement.valid.upper or date.max
    contract = _contract_on(agreement.account_id, ends)
    own = MarketTariff.objects.filter(tariff_id=contract.tariff_id, package=agreement.package).first()
    if own is not None and (contract.valid.lower or date.min) < ends:
        move_to_tariff(account_id=agreement.account_id, tariff_id=own.base_id, from_on=ends)
    agreement.is_over = True
    agreement.save(update_fields=["is_over"])


def _check(package_id: int | None, ground: str, from_month: int, until_month: int | None, document: str) -> None:
    if (package_id is None) == (ground not in GROUNDS) or (package_id is not None and ground):
        if package_id is None:
            raise AgreementRefused(_("请选择零售套餐，或选择按倍数执行的原因。"))
        raise AgreementRefused(_("参加市场交易的户不按倍数执行，请只选一种。"))
    if not is_cycle(from_month) or (until_month is not None and not is_cycle(until_month)):
        raise AgreementRefused(_("购电约定按整月执行，月份请写成 202602 这样的六位数字。"))
    if until_month is not None and until_month <= from_month:
        raise AgreementRefused(_("结束月份须在开始月份之后。"))
    if not document.strip():
        raise AgreementRefused(_("请写明依据，例如零售合同编号或交易中心的通知。"))


def _contract_on(account_id: int, day: date) -> SupplyContract:
    contract = (
        SupplyContract.objects.select_related("tariff").filter(account_id=account_id, valid__contains=day).first()
    )
    if contract is None:
        raise AgreementRefused(_("这个户在当日没有有效的供电合同，请先补录合同。"))
    if not _buys_in_market(contract.tariff):
        raise AgreementRefused(_("只有工商业用户参加市场交易；居民和农业用电由电网保障供应。"))
    return contract


def _buys_in_market(tariff: Tariff) -> bool:
    return tariff.category.startswith("commercial_industrial")


__all__ = [
    "AgreementRefused",
    "CodeIsTaken",
    "RetailerRefused",
    "add_package",
    "add_retailer",
    "end_agreement",
    "end_lapsed",
    "sign_agreement",
]
