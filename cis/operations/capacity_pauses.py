"""Capacity that is sealed or replaced for some days by agreement: suspension, reduction, replacement."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.models import Account, CapacityPause, SupplyContract
from cis.operations.supply_terms import SupplyTermsRefused, open_account
from cis.queries.rating_switches import SwitchSets
from cis.rating.rules.basic_charge import DemandMode
from config.shared.errors import BadInput
from config.shared.periods import cycle_of, reading_date

KIND = CapacityPause.Kind


def agree_pause(
    *,
    account_id: int,
    kind: str,
    off_kva: int,
    on_kva: int,
    is_new_install: bool,
    from_on: date,
    until: date,
    source: str,
) -> int:
    """
    Let some of an account's capacity be sealed or replaced from the day of the seal until the day it runs again.

    `kind` is a `CapacityPause.Kind`; `on_kva` counts with a replacement only. `until` is the day from whose beginning
    the capacity runs again. Gives the pause's id. Suspensions shorter than `min_suspension_days` are kept, and charged
    in full. Source: billing-rules 2.3.

    :raises BadInput: no source, days or capacity that cannot be
    :raises SupplyTermsRefused: the day has been billed, more would be sealed than there is, or demand is charged and
        the days are not those of whole billing periods
    :raises AccountIsClosed: the account was closed
    :raises NotFound: there is no such account
    """
    is_replaced = kind == KIND.REPLACEMENT
    wrong = []
    if kind not in KIND.values:
        wrong.append({"pointer": "/kind", "detail": _("请选择暂停、减容或暂换。")})
    if off_kva <= 0:
        wrong.append({"pointer": "/off_kva", "detail": _("请填写停用的容量（kVA）。")})
    if is_replaced and on_kva <= 0:
        wrong.append({"pointer": "/on_kva", "detail": _("暂换的，请填写换上的容量（kVA）。")})
    if until <= from_on:
        wrong.append({"pointer": "/until", "detail": _("恢复日期须晚于停用日期。")})
    if not source.strip():
        wrong.append({"pointer": "/source", "detail": _("请写明依据，例如合同条款或证件编号。")})
    if wrong:
        raise BadInput(wrong[0]["detail"], errors=wrong)
    with transaction.atomic():
        account = open_account(account_id, from_on)
        _check_contract(account, off_kva, from_on, until)
        return CapacityPause.objects.create(
            account=account,
            kind=kind,
            off_kva=off_kva,
            on_kva=on_kva if is_replaced else 0,
            is_new_install=is_new_install and kind == KIND.SUSPENSION,
            source=source.strip(),
            valid=DateRange(from_on, until),
        ).pk


def least_days(account_id: int, *, on: date) -> int:
    """The days below which a suspension of the account is charged in full."""
    unit = Account.objects.values_list("org_unit_id", flat=True).get(pk=account_id)
    return SwitchSets().of_unit(unit, on).number("min_suspension_days")


def _check_contract(account: Account, off_kva: int, from_on: date, until: date) -> None:
    """:raises SupplyTermsRefused: the contract has less capacity on a day, or is charged by demand for other days"""
    days = DateRange(from_on, until)
    contracts = list(SupplyContract.objects.filter(account=account, valid__overlap=days))
    if not contracts:
        raise SupplyTermsRefused(_("这段时间没有有效的供用电合同，请先补录合同。"))
    # The database keeps both days of every pause.
    sealed = [
        (one.off_kva, one.valid.lower or from_on, one.valid.upper or until)
        for one in CapacityPause.objects.filter(account=account, valid__overlap=days)
    ]
    # The most that is off on any one day: it can only rise on the first day of one of them.
    begins = {from_on, *(max(first, from_on) for _off, first, _last in sealed)}
    most = max(off_kva + sum(off for off, first, last in sealed if first <= day < last) for day in begins)
    capacity = min(contract.capacity_kva for contract in contracts)
    if most > capacity:
        raise SupplyTermsRefused(
            _("合同容量是 %(kva)s kVA，这段时间停用的一共有 %(off)s kVA，请核对。") % {"kva": capacity, "off": most}
        )
    by_demand = any(one.demand_mode in (DemandMode.CONTRACT, DemandMode.ACTUAL) for one in contracts)
    if by_demand and not (_is_reading_day(account, from_on) and _is_reading_day(account, until)):
        raise SupplyTermsRefused(_("按需量计收的户只能按整个结算周期停用，请把两个日期都填成抄表例日。"))


def _is_reading_day(account: Account, day: date) -> bool:
    """Whether a billing period of the account begins on the day."""
    route = account.route
    cycles = {cycle_of(day), cycle_of(day - timedelta(days=1))}
    return any(
        reading_date(cycle, route.reading_day) == day and cycle % 100 % route.cycle_months == route.cycle_phase
        for cycle in cycles
    )


__all__ = ["agree_pause", "least_days"]
