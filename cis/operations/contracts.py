"""Contracts: a change of capacity or terms ends one row of an account's tariff history and begins the next."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.events import CapacityChanged
from cis.models import Account, Bill, CapacityChange, SupplyContract, TermsChange
from cis.operations.customers import AccountIsClosed
from cis.queries.customers import no_account
from cis.rating.power_factors import STANDARDS_E2
from cis.rating.rules.basic_charge import DemandMode
from config.shared.errors import BadInput, Refused
from config.shared.events import publish

MOST_KVA = 10_000_000


class CapacityRefused(Refused):
    """The day does not fit the contract or the bills that are there, or nothing would change."""

    code = "capacity-refused"


class TermsRefused(Refused):
    """Nothing would change."""

    code = "terms-refused"


def change_capacity(
    *, account_id: int, capacity_kva: int, from_on: date, reason: str, changed_by_id: int, at: datetime
) -> int:
    """
    Let an account's contract capacity be `capacity_kva` (kVA) from 00:00 of `from_on`; gives the new contract's id.

    Tariff, class, voltage and household stay. Others hear of it by `CapacityChanged`.

    :raises BadInput: no reason, or a capacity that cannot be
    :raises CapacityRefused: nothing would change, the day has been billed, or the contract began later
    :raises AccountIsClosed: the account was closed
    :raises NotFound: there is no such account
    """
    wrong = []
    if not 0 < capacity_kva <= MOST_KVA:
        wrong.append({"pointer": "/capacity_kva", "detail": _("请填写 1 到 10000000 之间的容量（kVA）。")})
    if not reason.strip():
        wrong.append({"pointer": "/reason", "detail": _("请写明变更原因，例如增容工单号。")})
    if wrong:
        raise BadInput(wrong[0]["detail"], errors=wrong)
    with transaction.atomic():
        account = Account.objects.select_for_update().filter(pk=account_id).first()
        if account is None:
            raise no_account()
        if account.state == Account.State.CLOSED:
            raise AccountIsClosed(_("户号 %(no)s 已经销户，不能再变更容量。") % {"no": account.account_no})
        old = _contract_to_end(account_id, from_on)
        if old.capacity_kva == capacity_kva:
            raise CapacityRefused(_("合同容量已经是 %(kva)s kVA，没有变更。") % {"kva": capacity_kva})
        new = _followed_by(old, from_on, capacity_kva=capacity_kva)
        change = CapacityChange.objects.create(
            account=account,
            before=old,
            after=new,
            from_kva=old.capacity_kva,
            to_kva=capacity_kva,
            from_on=from_on,
            reason=reason.strip(),
            changed_by_id=changed_by_id,
            changed_at=at,
        )
        publish(
            CapacityChanged(
                account_id=account_id,
                capacity_kva=capacity_kva,
                from_on=from_on.isoformat(),
                change_id=change.pk,
            )
        )
        return new.pk


def change_terms(
    *,
    account_id: int,
    demand_mode: int,
    contract_demand_kw: int,
    pf_standard_e2: int,
    from_on: date,
    reason: str,
    changed_by_id: int,
    at: datetime,
) -> int:
    """
    Let an account be charged another way from 00:00 of `from_on`; gives the new contract's id.

    `demand_mode` is a `DemandMode`, `contract_demand_kw` counts with the contract mode only, `pf_standard_e2` is 0, 80,
    85 or 90. Tariff, class, voltage, capacity and household stay.

    :raises BadInput: no reason, an unknown way or standard, or a contract demand that is missing
    :raises TermsRefused: nothing would change
    :raises CapacityRefused: the day has been billed, or the contract began later
    :raises AccountIsClosed: the account was closed
    :raises NotFound: there is no such account
    """
    is_contract = demand_mode == DemandMode.CONTRACT
    wrong = []
    if demand_mode not in {int(mode) for mode in DemandMode}:
        wrong.append({"pointer": "/demand_mode", "detail": _("请选择基本电费的计收方式。")})
    if is_contract and not 0 < contract_demand_kw <= MOST_KVA:
        wrong.append({"pointer": "/contract_demand_kw", "detail": _("按合同需量计收的，请填写合同最大需量（kW）。")})
    if pf_standard_e2 not in (0, *STANDARDS_E2):
        wrong.append({"pointer": "/pf_standard_e2", "detail": _("请选择功率因数标准。")})
    if not reason.strip():
        wrong.append({"pointer": "/reason", "detail": _("请写明变更原因，例如申请的编号。")})
    if wrong:
        raise BadInput(wrong[0]["detail"], errors=wrong)
    agreed = {
        "demand_mode": demand_mode,
        "contract_demand_kw": contract_demand_kw if is_contract else 0,
        "pf_standard_e2": pf_standard_e2,
    }
    with transaction.atomic():
        account = Account.objects.select_for_update().filter(pk=account_id).first()
        if account is None:
            raise no_account()
        if account.state == Account.State.CLOSED:
            raise AccountIsClosed(_("户号 %(no)s 已经销户，不能再变更计费方式。") % {"no": account.account_no})
        old = _contract_to_end(account_id, from_on)
        if all(getattr(old, name) == value for name, value in agreed.items()):
            raise TermsRefused(_("计费方式与现行合同一样，没有变更。"))
        new = _followed_by(old, from_on, **agreed)
        TermsChange.objects.create(
            account=account,
            before=old,
            after=new,
            from_on=from_on,
            reason=reason.strip(),
            changed_by_id=changed_by_id,
            changed_at=at,
        )
        return new.pk


def move_to_tariff(*, account_id: int, tariff_id: int, from_on: date) -> SupplyContract:
    """
    In the caller's transaction: go on with the account's contract at another tariff from a day on; gives the row.

    A contract that begins on that very day and was never billed gets the tariff itself.

    :raises CapacityRefused: there is no contract then, it begins later, or the day is billed
    :raises AccountIsClosed: the account is closed
    :raises NotFound: no such account
    """
    account = Account.objects.select_for_update().filter(pk=account_id).first()
    if account is None:
        raise no_account()
    if account.state == Account.State.CLOSED:
        raise AccountIsClosed(_("户号 %(no)s 已经销户，不能再变更购电方式。") % {"no": account.account_no})
    begins = SupplyContract.objects.select_for_update().filter(account_id=account_id, valid__startswith=from_on).first()
    if begins is not None and not Bill.objects.filter(account_id=account_id, period_end__gt=from_on).exists():
        begins.tariff_id = tariff_id
        begins.version += 1
        begins.save(update_fields=["tariff", "version"])
        return begins
    return _followed_by(_contract_to_end(account_id, from_on), from_on, tariff_id=tariff_id)


def _followed_by(old: SupplyContract, from_on: date, **changed: int) -> SupplyContract:
    """End a contract and begin the next, which differs in what is named."""
    until = old.valid.upper
    old.valid = DateRange(old.valid.lower, from_on)
    old.version += 1
    old.save(update_fields=["valid", "version"])
    kept = {
        name: getattr(old, name)
        for name in (
            "account_id", "tariff_id", "price_class", "voltage", "capacity_kva", "people", "demand_mode",
            "contract_demand_kw", "pf_standard_e2",
        )
    }  # fmt: skip
    return SupplyContract.objects.create(**kept | changed, valid=DateRange(from_on, until))


def _contract_to_end(account_id: int, from_on: date) -> SupplyContract:
    newest = SupplyContract.objects.select_for_update().filter(account_id=account_id).order_by("-valid").first()
    if newest is None or (newest.valid.upper is not None and newest.valid.upper <= from_on):
        raise CapacityRefused(_("这个户在当日没有有效的供电合同，请先补录合同。"))
    if newest.valid.lower is not None and newest.valid.lower >= from_on:
        raise CapacityRefused(
            _("现行合同从 %(day)s 起执行，变更日期须在此之后。") % {"day": newest.valid.lower.isoformat()}
        )
    billed = Bill.objects.filter(account_id=account_id, period_end__gt=from_on).order_by("-period_end").first()
    if billed is not None:
        raise CapacityRefused(
            _("%(day)s 之前的电费已经发行，变更日期不能早于这一天。") % {"day": billed.period_end.isoformat()}
        )
    return newest
