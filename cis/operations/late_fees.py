"""
Late fees in the ledger: charged when a payment or a decision comes, waived by two persons.

The account's balance rows are the lock, as of all its money; whoever calls the first two of these holds them. One
stretch of a bill is charged once for ever: the bill and its last day are the key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.models import Bill, LateFeeCharge, LateFeeWaiver
from cis.models.ledger import TransferKind
from cis.operations import collecting, ledger
from cis.operations.ledger import Posting
from cis.queries.late_fees import BillLateFee, LateFeesSoFar, late_fees_so_far, paid_late_fee
from config.shared import approvals
from config.shared.errors import NotFound, Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within

WAIVE = "cis.waive_late_fee"
GIVE_BACK = "cis.give_back_late_fee"


class NoLateFee(Refused):
    """There is no late fee to waive on this bill, or less than what was asked for."""

    code = "no-late-fee"


def charge(
    found: LateFeesSoFar,
    *,
    account_id: int,
    bill_ids: Collection[int],
    through_on: date,
    at: datetime,
    business_date: date,
    actor_id: int | None,
) -> None:
    """
    Charge what the late fees of these bills have run to since they were charged last; as read for `through_on`.

    A bill that costs nothing more is noted too, for what was open on it; one that was noted for the day or a later one
    is left alone. The account's balances are locked.
    """
    overdue = [fee for fee in found.bills if fee.bill_id in bill_ids and fee.open_fen and fee.due_on < through_on]
    if not overdue:
        return
    noted = set(
        LateFeeCharge.objects.filter(
            bill_id__in=[fee.bill_id for fee in overdue], through_on__gte=through_on
        ).values_list("bill_id", flat=True)
    )
    made = LateFeeCharge.objects.bulk_create(
        LateFeeCharge(
            account_id=account_id,
            bill_id=fee.bill_id,
            through_on=through_on,
            base_fen=fee.base_fen,
            fee_fen=fee.to_charge_fen,
            open_fen=fee.to_charge_fen,
            rule=found.rule,
            charged_at=at,
            business_date=business_date,
        )
        for fee in overdue
        if fee.bill_id not in noted
    )
    ledger.post(
        [
            Posting(
                int(TransferKind.LATE_FEE_CHARGED),
                row.pk,
                1,
                account_id,
                ledger.receivable_id(account_id),
                ledger.control_id("LATE_FEES"),
                row.fee_fen,
            )
            for row in made
            if row.fee_fen
        ],
        booked_at=at,
        business_date=business_date,
        actor_id=actor_id,
    )


def change_open(changes: Mapping[int, int]) -> None:
    """
    Add so many fen to what is open of each bill's late fees: paid from the oldest stretch, opened from the newest.

    The account's balances are locked; what is asked for is there.
    """
    if not changes:
        return
    rows = list(LateFeeCharge.objects.filter(bill_id__in=list(changes)).order_by("bill_id", "through_on"))
    left = dict(changes)
    for row in rows:
        if left[row.bill_id] < 0:
            part = min(row.open_fen, -left[row.bill_id])
            row.open_fen -= part
            left[row.bill_id] += part
    for row in reversed(rows):
        if left[row.bill_id] > 0:
            part = min(row.fee_fen - row.open_fen, left[row.bill_id])
            row.open_fen += part
            left[row.bill_id] -= part
    if any(left.values()):
        raise AssertionError(f"late fees of bills {[bill_id for bill_id, fen in left.items() if fen]} do not add up")
    LateFeeCharge.objects.bulk_update(rows, ["open_fen"])


def change_open_bills(changes: Mapping[int, int]) -> None:
    """Add so many fen to what is open on each bill, locking the bills in id order."""
    if not changes:
        return
    ids = sorted(changes)
    with connection.cursor() as cursor:
        if len(ids) > 1:
            cursor.execute("SELECT 1 FROM cis_bill WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [ids])
        cursor.execute(
            "UPDATE cis_bill b SET open_fen = b.open_fen + c.change "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS c(id, change) WHERE b.id = c.id",
            [ids, [changes[bill_id] for bill_id in ids]],
        )


def ask_waiver(
    *,
    bill_id: int,
    amount_fen: int | None,
    reason: str,
    asked_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> int:
    """
    Ask that the late fee of a bill up to today is waived, all of it or `amount_fen`; the approval's id.

    :raises NotFound: there is no such bill within the organisation paths
    :raises NoLateFee: nothing has run up, or less than the amount
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    with transaction.atomic():
        bill = Bill.objects.select_related("account__org_unit").filter(pk=bill_id).first()
        if bill is None or (within is not None and not is_within(bill.account.org_unit.path, within)):
            raise NotFound(_("没有找到这张账单，请核对账单编号。"))
        ledger.lock_balances([bill.account_id])
        through_on = at.astimezone(settings.BILLING_TIME_ZONE).date()
        fee = _fee_in(late_fees_so_far(bill.account_id, on=through_on), bill)
        wanted = fee.due_fen if amount_fen is None else amount_fen
        if wanted <= 0 or wanted > fee.due_fen:
            raise NoLateFee(
                _("这张账单现在的违约金是 %(yuan)s 元，减免金额要在它以内。") % {"yuan": yuan_from_fen(fee.due_fen)}
            )
        return approvals.request(
            kind=WAIVE,
            payload={
                "bill_id": bill.pk,
                "bill_no": str(bill),
                "account_no": bill.account.account_no,
                "amount_fen": wanted,
                "through_on": through_on.isoformat(),
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=bill.account.org_unit_id,
            subject=f"late-fee:{bill.pk}",
        )


def _words_of_waiver(payload: Mapping[str, Any]) -> str:
    return _("户号 %(no)s 的账单 %(bill)s，减免算到 %(day)s 的违约金 %(yuan)s 元；电费本身不变。") % {
        "no": payload["account_no"],
        "bill": payload["bill_no"],
        "day": payload["through_on"],
        "yuan": yuan_from_fen(payload["amount_fen"]),
    }


@approvals.carries_out(
    WAIVE,
    label=gettext_lazy("减免违约金"),
    ask="cis.collect_arrears",
    decide="cis.approve_debt_relief",
    consequence=_words_of_waiver,
)
def _waive(act: approvals.Act) -> dict[str, Any]:
    bill = Bill.objects.get(pk=act.payload["bill_id"])
    ledger.lock_balances([bill.account_id])
    through_on = date.fromisoformat(act.payload["through_on"])
    business_date, left = ledger.open_business_date(act.at), int(act.payload["amount_fen"])
    found = late_fees_so_far(bill.account_id, on=through_on)
    fee = _fee_in(found, bill)
    if fee.due_fen < left:
        raise NoLateFee(
            _("申请之后客户已经交了一部分，违约金只剩 %(yuan)s 元，请按现在的金额重新申请。")
            % {"yuan": yuan_from_fen(fee.due_fen)}
        )
    charge(
        found,
        account_id=bill.account_id,
        bill_ids=[bill.pk],
        through_on=through_on,
        at=act.at,
        business_date=business_date,
        actor_id=act.decided_by_id,
    )
    waivers = []
    for row in LateFeeCharge.objects.filter(bill=bill, open_fen__gt=0).order_by("through_on"):
        part = min(left, row.open_fen)
        if part:
            waivers.append(
                LateFeeWaiver(
                    approval_id=act.approval_id,
                    charge=row,
                    amount_fen=part,
                    reason=act.reason,
                    asked_by_id=act.asked_by_id,
                    approved_by_id=act.decided_by_id,
                    at=act.at,
                    business_date=business_date,
                )
            )
        left -= part
    change_open({bill.pk: -sum(waiver.amount_fen for waiver in waivers)})
    ledger.post(
        [
            Posting(
                int(TransferKind.LATE_FEE_WAIVED),
                waiver.pk,
                1,
                bill.account_id,
                ledger.control_id("LATE_FEES"),
                ledger.receivable_id(bill.account_id),
                waiver.amount_fen,
            )
            for waiver in LateFeeWaiver.objects.bulk_create(waivers)
        ],
        booked_at=act.at,
        business_date=business_date,
        actor_id=act.decided_by_id,
    )
    # As after a payment: where nothing is owed any more, supply that is away comes back.
    collecting.look_again(account_id=bill.account_id, at=act.at)
    return {"waived_fen": sum(waiver.amount_fen for waiver in waivers)}


def ask_give_back(
    *, bill_id: int, reason: str, asked_by_id: int, at: datetime, within: Sequence[str] | None = None
) -> int:
    """
    Ask that the late fee which was paid on a bill, wrongly as it turned out, becomes prepayment; the approval's id.

    :raises NotFound: there is no such bill within the organisation paths
    :raises NoLateFee: none of it was paid, or it was given back
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    with transaction.atomic():
        bill = Bill.objects.select_related("account__org_unit").filter(pk=bill_id).first()
        if bill is None or (within is not None and not is_within(bill.account.org_unit.path, within)):
            raise NotFound(_("没有找到这张账单，请核对账单编号。"))
        ledger.lock_balances([bill.account_id])
        paid = paid_late_fee(bill.pk)
        if not paid:
            raise NoLateFee(_("这张账单没有交过违约金，或者已经退过，没有可以退的。"))
        return approvals.request(
            kind=GIVE_BACK,
            payload={
                "bill_id": bill.pk,
                "bill_no": str(bill),
                "account_no": bill.account.account_no,
                "amount_fen": paid,
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=bill.account.org_unit_id,
            subject=f"late-fee:{bill.pk}",
        )


def _words_of_giving_back(payload: Mapping[str, Any]) -> str:
    return _("户号 %(no)s 的账单 %(bill)s，已交的违约金 %(yuan)s 元退入预存；电费本身不变。") % {
        "no": payload["account_no"],
        "bill": payload["bill_no"],
        "yuan": yuan_from_fen(payload["amount_fen"]),
    }


@approvals.carries_out(
    GIVE_BACK,
    label=gettext_lazy("退已交的违约金"),
    ask="cis.collect_arrears",
    decide="cis.approve_debt_relief",
    consequence=_words_of_giving_back,
)
def _give_back(act: approvals.Act) -> dict[str, Any]:
    bill = Bill.objects.get(pk=act.payload["bill_id"])
    ledger.lock_balances([bill.account_id])
    left = int(act.payload["amount_fen"])
    if paid_late_fee(bill.pk) != left:
        raise NoLateFee(_("申请之后这张账单的违约金有变动，请驳回，按现在的金额重新申请。"))
    business_date, waivers = ledger.open_business_date(act.at), []
    waived = LateFeeWaiver.objects.filter(charge__bill=bill).values_list("charge").annotate(fen=Sum("amount_fen"))
    waived_of: dict[int, int] = dict(waived)
    for row in LateFeeCharge.objects.filter(bill=bill).order_by("through_on"):
        part = min(left, row.fee_fen - row.open_fen - waived_of.get(row.pk, 0))
        if part > 0:
            waivers.append(
                LateFeeWaiver(
                    approval_id=act.approval_id,
                    charge=row,
                    amount_fen=part,
                    reason=act.reason,
                    asked_by_id=act.asked_by_id,
                    approved_by_id=act.decided_by_id,
                    at=act.at,
                    business_date=business_date,
                )
            )
            left -= part
    ledger.post(
        [
            # On a leg of its own: what was waived lowers what is owed, what was paid is prepayment now.
            Posting(
                int(TransferKind.LATE_FEE_WAIVED),
                waiver.pk,
                2,
                bill.account_id,
                ledger.control_id("LATE_FEES"),
                ledger.prepayment_id(bill.account_id),
                waiver.amount_fen,
            )
            for waiver in LateFeeWaiver.objects.bulk_create(waivers)
        ],
        booked_at=act.at,
        business_date=business_date,
        actor_id=act.decided_by_id,
    )
    # What was paid of the fee is in hand now and may cover what supply was stopped for.
    collecting.look_again(account_id=bill.account_id, at=act.at)
    return {"given_back_fen": sum(waiver.amount_fen for waiver in waivers)}


def _fee_in(found: LateFeesSoFar, bill: Bill) -> BillLateFee:
    """
    The bill's late fee among those of its account.

    :raises NoLateFee: there is none
    """
    fee = next((fee for fee in found.bills if fee.bill_id == bill.pk), None)
    if fee is None:
        raise NoLateFee(_("这张账单没有违约金，不用减免。"))
    return fee
