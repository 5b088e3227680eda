"""
Cancel an issued bill and bill its period again: everything it booked is reversed, what was paid settles the new one.

The cancelled bill stays on record with nothing open; its next revision takes its place in the same transaction, so
that a period always has one bill that counts: the newest revision. Above `CORRECTION_LIMIT_FEN` a second person
approves first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.models import (
    AgreedBill,
    Bill,
    BillCancellation,
    BillCorrection,
    InstalmentAgreement,
    LateFeeCharge,
    LedgerTransfer,
    OpeningBill,
    WrittenOffBill,
)
from cis.models.ledger import TransferKind
from cis.operations import billing, collecting, ledger, settlement
from cis.operations.bill_corrections import ReasonMissing, Record, correct_followers
from cis.operations.ledger import Posting
from cis.queries.billing import bill_id_of
from cis.queries.correction_limits import alone_fen
from cis.queries.late_fees import late_fees_so_far, paid_late_fee
from config.shared import approvals
from config.shared.errors import NotFound, Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within

CANCEL_BILL = "cis.cancel-bill"


class NotTheNewest(Refused):
    """Another revision has taken this bill's place already."""

    code = "not-the-newest"


class DifferenceSettled(Refused):
    """A difference of this bill has been settled on a later bill: cancelling it would settle it twice."""

    code = "difference-settled"


class BoundElsewhere(Refused):
    """The debt is part of an agreement that is kept, was written off, or came from another system."""

    code = "bound-elsewhere"


class OfFormerSystem(Refused):
    """The bill came from another system as one amount: it cannot be rated again here."""

    code = "of-former-system"


class CreditSpent(Refused):
    """A credit that this bill left as prepayment has been used since."""

    code = "credit-spent"


class LateFeeRunning(Refused):
    """The bill is overdue and would become larger: the longer time to pay would drop the late fee that has run up."""

    code = "late-fee-running"


class NotOfAPeriod(Refused):
    """The bill asks differences only: there is no period to bill again."""

    code = "not-of-a-period"


class BillMoved(Refused):
    """The bill is not what it was when its cancellation was asked for."""

    code = "bill-moved"


@dataclass(frozen=True)
class Cancelled:
    """What came of it: the new bill's number, or the approval that must decide first."""

    bill_no: str
    new_total_fen: int
    approval_id: int | None = None
    paid_late_fee_fen: int = 0
    """late fee that was paid on the cancelled bill: it stays booked until two persons give it back"""


def preview(*, bill_no: str, at: datetime, within: Sequence[str] | None = None) -> Cancelled:
    """
    What the period would come to if the bill were cancelled now; nothing is kept.

    :raises: as `cancel_and_rebill`
    """
    with transaction.atomic():
        bill = _locked(bill_no, within)
        new = _cancel(bill, Record(_("试算"), None, at))
        transaction.set_rollback(True)
    return Cancelled("", new.total_fen, paid_late_fee_fen=paid_late_fee(bill.pk))


def cancel_and_rebill(
    *, bill_no: str, reason: str, by_id: int, at: datetime, within: Sequence[str] | None = None
) -> Cancelled:
    """
    Cancel a bill and bill its period again from today's readings; above the limit ask a second person first.

    :raises ReasonMissing: no reason was given
    :raises NotFound: no such bill of an account `within` these organisation paths
    :raises NotTheNewest, DifferenceSettled, BoundElsewhere, CreditSpent, OfFormerSystem, NotOfAPeriod, LateFeeRunning:
        it can not be cancelled now
    :raises billing.CannotBill: the period cannot be billed now; the message says why
    :raises CannotRerate: a later bill of the tier year cannot be rated again
    :raises approvals.AlreadyAsked: somebody has asked for it already
    """
    if not reason.strip():
        raise ReasonMissing(_("请填写作废原因。"))
    with transaction.atomic():
        bill = _locked(bill_no, within)
        before_fen = alone_fen([bill.account_id], at=at)
        with transaction.atomic():
            new = _cancel(bill, Record(reason.strip(), by_id, at))
            limit = settings.CORRECTION_LIMIT_FEN
            moved_fen = abs(bill.total_fen - new.total_fen)
            waits = max(bill.total_fen, new.total_fen) > limit or moved_fen + before_fen > limit
            if waits:
                transaction.set_rollback(True)
        if not waits:
            return Cancelled(str(new), new.total_fen, paid_late_fee_fen=paid_late_fee(bill.pk))
        approval_id = approvals.request(
            kind=CANCEL_BILL,
            payload={
                "bill_no": str(bill),
                "account_no": bill.account.account_no,
                "total_fen": bill.total_fen,
                "new_total_fen": new.total_fen,
            },
            asked_by_id=by_id,
            reason=reason,
            at=at,
            org_unit_id=bill.account.org_unit_id,
            subject=f"cancel-bill:{bill.pk}",
        )
    return Cancelled("", new.total_fen, approval_id)


def _words(payload: Mapping[str, Any]) -> str:
    return _("作废户号 %(no)s 的账单 %(bill)s（%(yuan)s 元），按现在的示数重开为 %(new)s 元。") % {
        "no": payload["account_no"],
        "bill": payload["bill_no"],
        "yuan": yuan_from_fen(payload["total_fen"]),
        "new": yuan_from_fen(payload["new_total_fen"]),
    }


@approvals.carries_out(
    CANCEL_BILL,
    label=gettext_lazy("作废并重开账单"),
    ask="cis.correct_bills",
    decide="cis.approve_corrections",
    consequence=_words,
)
def _carry_out(act: approvals.Act) -> dict[str, Any]:
    bill = _locked(act.payload["bill_no"], None)
    new = _cancel(bill, Record(act.reason, act.asked_by_id, act.at, act))
    if (bill.total_fen, new.total_fen) != (act.payload["total_fen"], act.payload["new_total_fen"]):
        raise BillMoved(_("重开的金额与申请时不同，示数在申请后变过。请驳回，由申请人重新提出。"))
    return {"bill_no": str(new), "total_fen": new.total_fen, "paid_late_fee_fen": paid_late_fee(bill.pk)}


def _locked(bill_no: str, within: Sequence[str] | None) -> Bill:
    """The bill, after its account's money."""
    found = Bill.objects.select_related("account__org_unit").filter(pk=bill_id_of(bill_no)).first()
    if (
        found is None
        or str(found) != bill_no.strip()
        or (within is not None and not is_within(found.account.org_unit.path, within))
    ):
        raise NotFound(_("没有这张账单，请核对账单编号。"))
    ledger.lock_balances([found.account_id])
    return Bill.objects.select_related("account").select_for_update(of=("self",)).get(pk=found.pk)


def _cancel(bill: Bill, record: Record) -> Bill:
    """Reverse the bill, issue its next revision, settle what later bills differ by; gives the new bill."""
    later = Bill.objects.filter(account_id=bill.account_id, period_start=bill.period_start, revision__gt=bill.revision)
    if later.exists():
        raise NotTheNewest(_("这张账单已经作废重开，请打开最新的那一张。"))
    if bill.months == 0:
        raise NotOfAPeriod(
            _("这张账单只列退补的差额，没有可以重开的用电期间。请更正引起差额的示数，新的差额会另列一张账单。")
        )
    if (
        WrittenOffBill.objects.filter(bill=bill).exists()
        or AgreedBill.objects.filter(bill=bill, agreement__state=InstalmentAgreement.State.KEPT).exists()
    ):
        raise BoundElsewhere(_("这张账单在分期协议里或已核销，不能作废。请先终止协议，或更正示数。"))
    if OpeningBill.objects.filter(bill=bill).exists():
        raise OfFormerSystem(_("这张账单是从原系统转入的，不能在这里重开；多收少收的请用电费退补更正。"))
    if LateFeeCharge.objects.filter(bill=bill, open_fen__gt=0).exists():
        raise BoundElsewhere(_("这张账单已计收的违约金还没有交清，请先办违约金减免，再作废重开。"))
    on = record.at.astimezone(settings.BILLING_TIME_ZONE).date()
    running_fen = sum(fee.due_fen for fee in late_fees_so_far(bill.account_id, on=on).bills if fee.bill_id == bill.pk)
    own = BillCorrection.objects.filter(bill=bill)
    if own.filter(state=BillCorrection.State.TAKEN).exists():
        raise DifferenceSettled(_("这张账单的差额已经列入后来的账单，不能再作废。还有错的，请更正示数。"))
    # Its differences are in the new bill; what it had taken from other bills waits again, for the new one.
    waiting = own.filter(state__in=(BillCorrection.State.STANDING, BillCorrection.State.NOTHING))
    waiting.update(state=BillCorrection.State.VOID, void_reason=_("账单已作废重开"))
    BillCorrection.objects.filter(taken_by=bill).update(
        state=BillCorrection.State.STANDING, taken_by=None, taken_at=None
    )
    business_date = ledger.open_business_date(record.at)
    released = bill.total_fen - bill.open_fen
    _reverse(bill, released, record, business_date)
    Bill.objects.filter(pk=bill.pk).update(open_fen=0)
    new = Bill.objects.get(pk=billing.issue_again(bill=bill, issued_by_id=record.asked_by_id, at=record.at))
    if running_fen and new.due_on > bill.due_on:
        raise LateFeeRunning(
            _(
                "这张账单已经逾期，违约金 %(yuan)s 元。重开后金额变大，会重新给交费期限，违约金就没有了："
                "请改用更正示数，差额列入下期账单；或者先办违约金减免。"
            )
            % {"yuan": yuan_from_fen(running_fen)}
        )
    BillCancellation.objects.create(
        bill=bill,
        replaced_by=new,
        reason=record.reason,
        released_fen=released,
        asked_by_id=record.asked_by_id,
        approval_id=record.act.approval_id if record.act else None,
        approved_by_id=record.act.decided_by_id if record.act else None,
        cancelled_at=record.at,
    )
    correct_followers(account_id=bill.account_id, from_day=bill.period_end + timedelta(days=1), record=record)
    settlement.apply_prepayment(account_id=bill.account_id, at=record.at, actor_id=record.asked_by_id)
    collecting.look_again(account_id=bill.account_id, at=record.at)
    return new


def _reverse(bill: Bill, released_fen: int, record: Record, business_date: date) -> None:
    """Book the mirror of everything the bill's issue booked; what was paid of it becomes prepayment."""
    kinds = (TransferKind.BILL_ISSUED, TransferKind.BILL_CORRECTED)
    booked = LedgerTransfer.objects.filter(kind__in=kinds, document_id=bill.pk).order_by("pk")
    cancelled, account = int(TransferKind.BILL_CANCELLED), bill.account_id
    owes, ahead = ledger.receivable_id(account), ledger.prepayment_id(account)
    postings = [
        Posting(cancelled, bill.pk, leg, account, one.credit_id, one.debit_id, one.amount_fen)
        for leg, one in enumerate(booked, start=1)
    ]
    if released_fen:
        postings.append(Posting(cancelled, bill.pk, len(postings) + 1, account, owes, ahead, released_fen))
    taken_back = sum(one.amount_fen for one in postings if one.debit_id == ahead) - released_fen
    if taken_back > ledger.lock_balances([account])[account][1]:
        raise CreditSpent(_("这张账单退还的余额已经用掉，不能作废。还有错的，请更正示数。"))
    ledger.post(postings, booked_at=record.at, business_date=business_date, actor_id=record.asked_by_id)
