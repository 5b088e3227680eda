"""What a contract agrees beside tariff and capacity: losses, parts at other prices, free energy of a household."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.models import (
    Account,
    AccountPoint,
    Bill,
    FreeEnergyRight,
    SupplyContract,
    SupplyLoss,
    SupplyPart,
    TariffVersion,
)
from cis.operations.customers import AccountIsClosed
from cis.queries.customers import no_account
from cis.queries.supply_terms import MODELS, TermKind
from config.shared.errors import BadInput, NotFound, Refused

# A part is priced by itself: what is charged by the month or counted over a year belongs to the whole connection.
_OF_THE_WHOLE = ("basic_charge", "power_factor", "free_energy")


class SupplyTermsRefused(Refused):
    """The day has been billed, something else is agreed for then, or the price cannot be that of a part."""

    code = "supply-terms-refused"


def agree_loss(
    *,
    account_id: int,
    method: str,
    month_kwh: Decimal,
    month_kvarh: Decimal,
    iron_kw: Decimal,
    iron_kvar: Decimal,
    coefficient: Decimal,
    coefficient_k: Decimal,
    line_loss_pct: Decimal,
    source: str,
    from_on: date,
) -> int:
    """
    Let losses of transformer and line be the customer's from a day on, in place of what was agreed; gives its id.

    `method` is a `SupplyLoss.Method`; the others are of the month (kWh, kvarh), of iron (kW, kvar), shares of what is
    read (active, reactive) and of both in percent. What the method does not use is not kept.

    :raises BadInput: no source, or figures that cannot be
    :raises SupplyTermsRefused: the day has been billed
    :raises AccountIsClosed: the account was closed
    :raises NotFound: there is no such account
    """
    by_table, by_formula = method == SupplyLoss.Method.TABLE, method == SupplyLoss.Method.FORMULA
    figures = {
        "month_kwh_e2": month_kwh * 100 if by_table else Decimal(),
        "month_kvarh_e2": month_kvarh * 100 if by_table else Decimal(),
        "iron_w": iron_kw * 1000 if by_formula else Decimal(),
        "iron_var": iron_kvar * 1000 if by_formula else Decimal(),
        "coefficient_e6": coefficient * 1_000_000 if by_formula else Decimal(),
        "coefficient_k_e6": coefficient_k * 1_000_000 if by_formula else Decimal(),
        "line_loss_e6": line_loss_pct * 10_000,
    }
    wrong = []
    if method not in SupplyLoss.Method.values:
        wrong.append({"pointer": "/method", "detail": _("请选择变压器损耗怎样计算。")})
    if any(value < 0 or value % 1 for value in figures.values()):
        wrong.append({"pointer": "/month_kwh", "detail": _("损耗数值不能为负，小数位数也请核对。")})
    if by_table and not month_kwh:
        wrong.append({"pointer": "/month_kwh", "detail": _("按查表计的，请填写每月的有功损耗。")})
    if by_formula and not iron_kw:
        wrong.append({"pointer": "/iron_kw", "detail": _("按公式计的，请填写铁损。")})
    if not 0 <= line_loss_pct < 100:
        wrong.append({"pointer": "/line_loss_pct", "detail": _("线损率须在 0 至 100 之间。")})
    if method == SupplyLoss.Method.NONE and not line_loss_pct:
        wrong.append({"pointer": "/line_loss_pct", "detail": _("不计变损的，请填写线损率；都不计的请终止原约定。")})
    _need_source(source, wrong)
    with transaction.atomic():
        account = open_account(account_id, from_on)
        _end(SupplyLoss.objects.filter(account=account), from_on)
        return SupplyLoss.objects.create(
            account=account,
            method=method,
            source=source.strip(),
            valid=DateRange(from_on, None),
            **{name: int(value) for name, value in figures.items()},
        ).pk


def agree_part(
    *,
    account_id: int,
    kind: int,
    point_no: str,
    month_kwh: int,
    ratio_pct: Decimal,
    tariff_id: int,
    price_class: int,
    source: str,
    from_on: date,
) -> int:
    """
    Let a part of an account's energy have a price of its own from a day on; gives its id.

    `kind` is a `SupplyPart.Kind` and says which of point, kWh a month and percent counts. A fixed quantity or share
    takes the place of the one before, a sub-meter that of the same point.

    :raises BadInput: what the kind needs is missing, or no source
    :raises SupplyTermsRefused: the day has been billed, or the tariff charges more than energy
    :raises NotFound: there is no such account, or no such metering point of it
    """
    wrong = []
    if kind not in SupplyPart.Kind.values:
        wrong.append({"pointer": "/kind", "detail": _("请选择这部分电量怎样确定。")})
    if kind == SupplyPart.Kind.FIXED and month_kwh <= 0:
        wrong.append({"pointer": "/month_kwh", "detail": _("请填写每月的定量。")})
    if kind == SupplyPart.Kind.RATIO and (not 0 < ratio_pct < 100 or (ratio_pct * 10_000) % 1):
        wrong.append({"pointer": "/ratio_pct", "detail": _("请填写 0 至 100 之间的定比，最多四位小数。")})
    if kind == SupplyPart.Kind.SUB_METER and not point_no.strip():
        wrong.append({"pointer": "/point_no", "detail": _("请填写分表的计量点编号。")})
    if price_class not in SupplyContract.PriceClass.values:
        wrong.append({"pointer": "/price_class", "detail": _("请选择用电类别。")})
    _need_source(source, wrong)
    with transaction.atomic():
        account = open_account(account_id, from_on)
        _check_price(tariff_id, from_on)
        same = SupplyPart.objects.filter(account=account, kind=kind)
        point = None
        if kind == SupplyPart.Kind.SUB_METER:
            served = AccountPoint.objects.filter(account=account, point__point_no=point_no.strip()).first()
            if served is None:
                raise NotFound(_("这个户没有编号为 %(no)s 的计量点，请先把分表挂到这个户。") % {"no": point_no})
            point = served.point
            same = same.filter(point=point)
        _end(same, from_on)
        return SupplyPart.objects.create(
            account=account,
            kind=kind,
            point=point,
            month_kwh=month_kwh if kind == SupplyPart.Kind.FIXED else 0,
            ratio_e6=int(ratio_pct * 10_000) if kind == SupplyPart.Kind.RATIO else 0,
            tariff_id=tariff_id,
            price_class=price_class,
            source=source.strip(),
            valid=DateRange(from_on, None),
        ).pk


def give_free_energy(*, account_id: int, kwh_per_month: int, document: str, from_on: date, until: date | None) -> int:
    """
    Give a household on minimum income some energy free each month from a day on, until the paper ends; gives its id.

    :raises BadInput: nothing free, no document, or an end before the beginning
    :raises SupplyTermsRefused: the day has been billed
    :raises NotFound: there is no such account
    """
    wrong = []
    if kwh_per_month <= 0:
        wrong.append({"pointer": "/kwh_per_month", "detail": _("请填写每月免费的电量。")})
    if until is not None and until <= from_on:
        wrong.append({"pointer": "/until", "detail": _("截止日期须晚于开始日期。")})
    _need_source(document, wrong)
    with transaction.atomic():
        account = open_account(account_id, from_on)
        _end(FreeEnergyRight.objects.filter(account=account), from_on)
        return FreeEnergyRight.objects.create(
            account=account,
            kwh_per_month=kwh_per_month,
            document=document.strip(),
            valid=DateRange(from_on, until),
        ).pk


def end_term(*, account_id: int, kind: TermKind, term_id: int, from_on: date) -> None:
    """
    Let something that was agreed hold no more from a day on.

    :raises SupplyTermsRefused: the day has been billed, or it has ended
    :raises NotFound: the account has no such agreement
    """
    with transaction.atomic():
        account = open_account(account_id, from_on)
        rows = MODELS[kind].objects.filter(account=account, pk=term_id)
        if not rows.exists():
            raise NotFound(_("这个户没有这条约定。"))
        if not _end(rows, from_on):
            raise SupplyTermsRefused(_("这条约定在这一天已经不再执行。"))


def _need_source(source: str, wrong: list[dict[str, str]]) -> None:
    """:raises BadInput: something is wrong, the missing source included"""
    if not source.strip():
        wrong.append({"pointer": "/source", "detail": _("请写明依据，例如合同条款或证件编号。")})
    if wrong:
        raise BadInput(wrong[0]["detail"], errors=wrong)


def open_account(account_id: int, from_on: date) -> Account:
    """
    The account, locked, if something may be agreed for it from a day on.

    :raises SupplyTermsRefused: the day has been billed
    :raises AccountIsClosed: the account was closed
    :raises NotFound: there is no such account
    """
    account = Account.objects.select_for_update().filter(pk=account_id).first()
    if account is None:
        raise no_account()
    if account.state == Account.State.CLOSED:
        raise AccountIsClosed(_("户号 %(no)s 已经销户，不能再改约定。") % {"no": account.account_no})
    billed = Bill.objects.filter(account_id=account_id, period_end__gt=from_on).order_by("-period_end").first()
    if billed is not None:
        raise SupplyTermsRefused(
            _("%(day)s 之前的电费已经发行，执行日期不能早于这一天。") % {"day": billed.period_end.isoformat()}
        )
    return account


def _end(rows: models.QuerySet[Any], from_on: date) -> int:
    """End what holds on a day or later; gives how many were ended. What would never have held is taken back."""
    ended = 0
    for row in rows.filter(valid__overlap=DateRange(from_on, None)).select_for_update().order_by("pk"):
        ended += 1
        if row.valid.lower is not None and row.valid.lower >= from_on:
            row.delete()
            continue
        row.valid = DateRange(row.valid.lower, from_on)
        row.save(update_fields=["valid"])
    return ended


def _check_price(tariff_id: int, from_on: date) -> None:
    """:raises SupplyTermsRefused: the tariff has no version then, or charges more than energy"""
    version = TariffVersion.objects.filter(tariff_id=tariff_id, valid__contains=from_on).first()
    if version is None:
        raise SupplyTermsRefused(_("这个电价在执行日期没有有效版本，请先维护电价。"))
    kinds = {str(rule.get("kind")) for rule in version.rules}
    by_year = any(rule.get("period") == "year" for rule in version.rules)
    if kinds & set(_OF_THE_WHOLE) or by_year:
        raise SupplyTermsRefused(_("分表、定量、定比的部分只能用单一的电度电价，例如居民合表电价。"))
