"""
What a payment does to an account: late fees and bills by the rule in force, the surplus ahead; and the way back.

The late fee of a bill is charged with the payment that pays on the bill, up to and including that day. The payment
itself belongs to the payments app; it calls these inside its own transaction. The account's two balance rows are the
lock: two payments of one account take turns, payments of different accounts never meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from cis.collecting.allocation import OpenDebt, allocate
from cis.models import Bill, LedgerTransfer
from cis.models.ledger import TransferKind
from cis.operations import bad_debts, late_fees, ledger
from cis.operations.ledger import Posting
from cis.queries.agreements import NOT_AGREED
from cis.queries.bad_debts import written_off_debts
from cis.queries.late_fees import OpenDebts, allocation_rule, open_debts
from config.shared.errors import NotFound, Refused
from config.shared.money import MAX_FEN, yuan_from_fen


class AmountRefused(Refused):
    """The amount is zero, negative or beyond what one act may carry."""

    code = "amount-refused"


class AccountHasNoLedger(NotFound):
    """There is no such account, or it was never opened in the ledger."""

    code = "account-not-found"


class BillCorrected(Refused):
    """A bill of this payment has been corrected since; the correction must be undone or settled first."""

    code = "bill-corrected"


class PrepaymentSpent(Refused):
    """What the payment left as prepayment has been used for later bills."""

    code = "prepayment-spent"


class BillNotOpen(Refused):
    """A bill that the payer chose is paid, or is none of the account's."""

    code = "bill-not-open"


class RefundTooLarge(Refused):
    """More than what lies on the prepayment balance at this moment."""

    code = "refund-too-large"


@dataclass(frozen=True, slots=True)
class AllocatedBill:
    """So much of a payment went to this bill; `fee_fen` of it to its late fee."""

    bill_id: int
    bill_no: str
    amount_fen: int
    fee_fen: int = 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """Where a payment went; the parts add up to it."""

    allocations: tuple[AllocatedBill, ...]
    prepaid_fen: int


def settle(
    *,
    account_id: int,
    amount_fen: int,
    payment_id: int,
    clearing: str | int,
    at: datetime,
    business_date: date,
    actor_id: int | None,
    chosen: Sequence[int] = (),
    is_wish: bool = False,
) -> Settlement:
    """
    Apply an amount to the account's open bills and their late fees by the rule in force, the rest to prepayment.

    `clearing`: where the money lies, see `ledger.clearing_id`.

    `chosen`: bills that the payer named; they come first, in that order; with `is_wish` only those still open. Leg 0
    is the prepayment, leg n the n-th bill with its late fee. Runs inside the caller's transaction.

    :raises AmountRefused: not between 1 fen and 10^11 fen
    :raises AccountHasNoLedger: there is no such account
    :raises BillNotOpen: nothing is to be paid on a chosen bill
    :raises DayIsClosed: the business day was closed
    """
    if amount_fen <= 0:
        raise AmountRefused(_("收款金额必须大于 0，请重新输入。"))
    if amount_fen > MAX_FEN:
        raise AmountRefused(_("单笔收款不能超过 %(yuan)s 元，请分笔收取。") % {"yuan": yuan_from_fen(MAX_FEN)})
    if account_id not in ledger.lock_balances([account_id]):
        raise AccountHasNoLedger(_("没有找到这个户号，请核对后再收款。"))
    owed = _owed(account_id, at=at)
    if is_wish:
        chosen = [bill_id for bill_id in dict.fromkeys(chosen) if bill_id in owed.bills]
    if len(set(chosen)) != len(chosen) or not set(chosen) <= owed.bills.keys():
        raise BillNotOpen(_("选中的账单已经交清或不属于这个户号，请刷新页面重新选择。"))
    left, parts = _apply(
        owed,
        amount_fen,
        account_id=account_id,
        chosen=chosen,
        at=at,
        business_date=business_date,
        actor_id=actor_id,
    )
    # What was written off is paid before anything is paid ahead: the debt comes back and is settled at once.
    for back in bad_debts.recover(
        written_off_debts(account_id) if left else (),
        left,
        account_id=account_id,
        payment_id=payment_id,
        at=at,
        business_date=business_date,
        actor_id=actor_id,
    ):
        fen = back.principal_fen + back.fee_fen
        before = parts.get(back.bill_id, AllocatedBill(back.bill_id, back.bill_no, 0))
        parts[back.bill_id] = replace(before, amount_fen=before.amount_fen + fen, fee_fen=before.fee_fen + back.fee_fen)
        left -= fen
    allocations = tuple(parts.values())
    receivable, prepayment = ledger.receivable_id(account_id), ledger.prepayment_id(account_id)
    source = ledger.clearing_id(clearing)
    kind = int(TransferKind.PAYMENT_RECEIVED)
    postings = [
        Posting(kind, payment_id, leg, account_id, source, receivable, a.amount_fen)
        for leg, a in enumerate(allocations, start=1)
    ]
    if left:
        postings.append(Posting(kind, payment_id, 0, account_id, source, prepayment, left))
    ledger.post(postings, booked_at=at, business_date=business_date, actor_id=actor_id)
    return Settlement(allocations, left)


def settle_from(
    *,
    account_id: int,
    amount_fen: int,
    kind: TransferKind,
    document_id: int,
    source_id: int,
    at: datetime,
    business_date: date,
    actor_id: int | None,
) -> None:
    """
    Pay what an account owes out of another ledger account of its own, by the rule for payments; no more than it owes.

    Leg n is the n-th bill with its late fee. Runs inside the caller's transaction, the balances are locked.
    """
    owed = _owed(account_id, at=at)
    left, parts = _apply(
        owed, amount_fen, account_id=account_id, chosen=(), at=at, business_date=business_date, actor_id=actor_id
    )
    if left:
        raise AmountRefused(_("没有这么多欠费，请按现有欠费金额办理。"))
    receivable = ledger.receivable_id(account_id)
    ledger.post(
        [
            Posting(int(kind), document_id, leg, account_id, source_id, receivable, part.amount_fen)
            for leg, part in enumerate(parts.values(), start=1)
        ],
        booked_at=at,
        business_date=business_date,
        actor_id=actor_id,
    )


def apply_prepayment(*, account_id: int, at: datetime, actor_id: int | None) -> int:
    """
    Pay what an account owes out of what it has paid ahead, by the rule for payments; fen applied.

    For whatever books into the prepayment without looking at bills that are open. Runs inside the caller's transaction.
    """
    prepaid_fen = ledger.lock_balances([account_id])[account_id][1]
    owed = _owed(account_id, at=at)
    amount_fen = min(prepaid_fen, sum(bill.open_fen for bill in owed.bills.values()) + owed.late_fees.fee_fen)
    if amount_fen <= 0:
        return 0
    business_date = ledger.open_business_date(at)
    _left, parts = _apply(
        owed, amount_fen, account_id=account_id, chosen=(), at=at, business_date=business_date, actor_id=actor_id
    )
    kind = int(TransferKind.PREPAYMENT_APPLIED)
    # The first leg of a bill is what its own issue took.
    booked = LedgerTransfer.objects.filter(kind=kind, document_id__in=list(parts)).values_list("document_id")
    last = dict(booked.annotate(last=Max("leg")))
    source, receivable = ledger.prepayment_id(account_id), ledger.receivable_id(account_id)
    ledger.post(
        [
            Posting(kind, bill_id, last.get(bill_id, 1) + 1, account_id, source, receivable, part.amount_fen)
            for bill_id, part in parts.items()
        ],
        booked_at=at,
        business_date=business_date,
        actor_id=actor_id,
    )
    return amount_fen


def apply_all(*, at: datetime) -> int:
    """Do so for every account that has both, one after the other; how many. Repeated, it finds nothing to do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT b.account_id FROM cis_bill b JOIN cis_ledger_balance l "
            "ON l.ledger_account_id = b.account_id * 10 + 2 AND l.credit_fen > l.debit_fen "
            "WHERE b.open_fen > 0 ORDER BY 1"
        )
        ids = [row[0] for row in cursor.fetchall()]
    for account_id in ids:
        with transaction.atomic():
            apply_prepayment(account_id=account_id, at=at, actor_id=None)
    return len(ids)


def _owed(account_id: int, *, at: datetime) -> OpenDebts:
    return open_debts([account_id], on=at.astimezone(settings.BILLING_TIME_ZONE).date())[account_id]


def _apply(
    owed: OpenDebts,
    amount_fen: int,
    *,
    account_id: int,
    chosen: Sequence[int],
    at: datetime,
    business_date: date,
    actor_id: int | None,
) -> tuple[int, dict[int, AllocatedBill]]:
    """Charge and lower what is open, by the rule in force; what is left of the amount, and the parts in their order."""
    fees = {fee.bill_id: fee.due_fen for fee in owed.late_fees.bills}
    shared = allocate(
        amount_fen,
        [
            OpenDebt(
                bill.pk,
                owed.agreed.get(bill.pk, NOT_AGREED).next_due_on or bill.due_on,
                bill.open_fen,
                fees.get(bill.pk, 0),
            )
            for bill in owed.bills.values()
        ],
        allocation_rule(on=owed.on),
        chosen=chosen,
    )
    late_fees.charge(
        owed.late_fees,
        account_id=account_id,
        bill_ids={share.bill_id for share in shared.shares},
        through_on=owed.on,
        at=at,
        business_date=business_date,
        actor_id=actor_id,
    )
    late_fees.change_open({share.bill_id: -share.fee_fen for share in shared.shares if share.fee_fen})
    late_fees.change_open_bills({share.bill_id: -share.principal_fen for share in shared.shares if share.principal_fen})
    return shared.prepaid_fen, {
        share.bill_id: AllocatedBill(
            share.bill_id, str(owed.bills[share.bill_id]), share.principal_fen + share.fee_fen, share.fee_fen
        )
        for share in shared.shares
    }


def unsettle(
    *,
    account_id: int,
    payment_id: int,
    reversal_id: int,
    allocations: Sequence[tuple[int, int, int]],
    prepaid_fen: int,
    clearing: str | int,
    at: datetime,
    business_date: date,
    actor_id: int | None,
) -> None:
    """
    Take a payment back: every transfer of it mirrored, bills and late fees open again; a fee once charged stays.

    `allocations`: (bill id, fen, of it late fee) as settled.

    :raises PrepaymentSpent: the prepayment it left has been used since
    :raises BillCorrected: one of its bills has been replaced by a corrected one since
    :raises AccountHasNoLedger: there is no such account
    """
    balances = ledger.lock_balances([account_id])
    if account_id not in balances:
        raise AccountHasNoLedger(_("没有找到这个户号。"))
    if balances[account_id][1] < prepaid_fen:
        raise PrepaymentSpent(
            _("这笔收款转入的预收 %(yuan)s 元已经抵扣了后来的电费，不能冲正；请改办退费。")
            % {"yuan": yuan_from_fen(prepaid_fen)}
        )
    bills = {bill.pk: bill for bill in Bill.objects.filter(pk__in=[bill_id for bill_id, _fen, _fee in allocations])}
    for bill_id, _fen, _fee in allocations:
        bill = bills[bill_id]
        newer = Bill.objects.filter(
            account_id=account_id, period_start=bill.period_start, revision__gt=bill.revision
        ).exists()
        if newer:
            raise BillCorrected(
                _("账单 %(no)s 在收款之后已经更正，不能直接冲正；请先处理更正后的账单。")
                % {"no": bill_number(bill.cycle, bill.pk)}
            )
    late_fees.change_open({bill_id: fee for bill_id, _fen, fee in allocations if fee})
    late_fees.change_open_bills({bill_id: fen - fee for bill_id, fen, fee in allocations if fen > fee})
    receivable, prepayment = ledger.receivable_id(account_id), ledger.prepayment_id(account_id)
    target = ledger.clearing_id(clearing)
    kind = int(TransferKind.PAYMENT_REVERSED)
    postings = [
        Posting(kind, reversal_id, leg, account_id, receivable, target, fen)
        for leg, (_bill_id, fen, _fee) in enumerate(allocations, start=1)
    ]
    if prepaid_fen:
        postings.append(Posting(kind, reversal_id, 0, account_id, prepayment, target, prepaid_fen))
    ledger.post(postings, booked_at=at, business_date=business_date, actor_id=actor_id)


def refund_prepayment(
    *,
    account_id: int,
    amount_fen: int,
    refund_id: int,
    clearing: str | int,
    at: datetime,
    business_date: date,
    actor_id: int | None,
) -> None:
    """
    Give prepayment back: from the account's balance to where the money is paid from. No bill is touched.

    Runs inside the caller's transaction.

    :raises AmountRefused, RefundTooLarge: nothing, or more than the account has paid ahead and not used, as of now
    :raises AccountHasNoLedger: there is no such account
    :raises DayIsClosed: the business day was closed
    """
    balances = ledger.lock_balances([account_id])
    if account_id not in balances:
        raise AccountHasNoLedger(_("没有找到这个户号。"))
    check_refundable(amount_fen, prepayment_fen=balances[account_id][1])
    posting = Posting(
        int(TransferKind.PREPAYMENT_REFUNDED),
        refund_id,
        0,
        account_id,
        ledger.prepayment_id(account_id),
        ledger.clearing_id(clearing),
        amount_fen,
    )
    ledger.post([posting], booked_at=at, business_date=business_date, actor_id=actor_id)


def check_refundable(amount_fen: int, *, prepayment_fen: int) -> None:
    """
    Whether so much can be given back of such a prepayment.

    :raises AmountRefused: it is nothing, less, or beyond what one act may carry
    :raises RefundTooLarge: it is more
    """
    if amount_fen <= 0:
        raise AmountRefused(_("退费金额必须大于 0，请重新输入。"))
    if amount_fen > MAX_FEN:
        raise AmountRefused(_("单笔退费不能超过 %(yuan)s 元，请分笔退。") % {"yuan": yuan_from_fen(MAX_FEN)})
    if amount_fen > prepayment_fen:
        raise RefundTooLarge(
            _("抵交欠费以后，预存电费现在只有 %(yuan)s 元，不够退 %(wanted)s 元。请按现有预存重新申请。")
            % {"yuan": yuan_from_fen(prepayment_fen), "wanted": yuan_from_fen(amount_fen)}
        )


def bill_number(cycle: int, bill_id: int) -> str:
    """The number printed on a bill: its cycle and its id."""
    return f"{cycle}{bill_id:010d}"
