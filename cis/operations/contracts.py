"""Contracts: a change of capacity ends one row of an account's tariff history and begins the next."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.events import CapacityChanged
from cis.models import Account, Bill, CapacityChange, SupplyContract
from cis.operations.customers import AccountIsClosed
from cis.queries.customers import no_account
from config.shared.errors import BadInput, Refused
from config.shared.events import publish

MOST_KVA = 10_000_000


class CapacityRefused(Refused):
    """The day does not fit the contract or the bills that are there, or nothing would change."""

    code = "capacity-refused"


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
        old = _contract_to_end(account_id, capacity_kva, from_on)
        until = old.valid.upper
        old.valid = DateRange(old.valid.lower, from_on)
        old.version += 1
        old.save(update_fields=["valid", "version"])
        new = SupplyContract.objects.create(
            account_id=account_id,
            tariff_id=old.tariff_id,
            price_class=old.price_class,
            voltage=old.voltage,
            capacity_kva=capacity_kva,
            people=old.people,
            demand_mode=old.demand_mode,
            contract_demand_kw=old.contract_demand_kw,
            pf_standard_e2=old.pf_standard_e2,
            valid=DateRange(from_on, until),
        )
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


def _contract_to_end(account_id: int, capacity_kva: int, from_on: date) -> SupplyContract:
    newest = SupplyContract.objects.select_for_update().filter(account_id=account_id).order_by("-valid").first()
    if newest is None or (newest.valid.upper is not None and newest.valid.upper <= from_on):
        raise CapacityRefused(_("这个户在当日没有有效的供电合同，请先补录合同。"))
    if newest.valid.lower is not None and newest.valid.lower >= from_on:
        raise CapacityRefused(
            _("现行合同从 %(day)s 起执行，变更日期须在此之后。") % {"day": newest.valid.lower.isoformat()}
        )
    if newest.capacity_kva == capacity_kva:
        raise CapacityRefused(_("合同容量已经是 %(kva)s kVA，没有变更。") % {"kva": capacity_kva})
    billed = Bill.objects.filter(account_id=account_id, period_end__gt=from_on).order_by("-period_end").first()
    if billed is not None:
        raise CapacityRefused(
            _("%(day)s 之前的电费已经发行，变更日期不能早于这一天。") % {"day": billed.period_end.isoformat()}
        )
    return newest
