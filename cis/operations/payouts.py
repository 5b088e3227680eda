"""Paying out feed-in: a batch asked for by one person and approved by another, the bank's file and its answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.feed_in import AnswerLine, BankFileRefused, PayoutOrder, read_answer, write_orders
from cis.models import FeedInPayment, PayoutBatch, PayoutLine
from cis.models.ledger import TransferKind
from cis.operations import ledger
from cis.operations.feed_in import NotInThatState, locked_payment, note_steps
from config.shared import approvals
from config.shared.display_formats import format_money
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.models import OrgUnit

PAY_OUT = "cis.pay-out-feed-in"
State = FeedInPayment.State
# What may be put into a batch: papers are there, or the bank gave the money back.
_PAYABLE = (State.PAPERED, State.FAILED, State.RETURNED)


class NothingToPay(Refused):
    """No payment waits."""

    code = "nothing-to-pay-out"


class SumsChanged(Refused):
    """Since it was asked for other payments wait, or for another sum."""

    code = "payout-sums-changed"


class AnswerRefused(BadInput):
    """The bank's answer is not one to this batch; `errors` names lines."""

    code = "payout-answer-refused"


class AlreadyAnswered(Refused):
    """The batch was answered, with another file."""

    code = "payout-already-answered"


def ask_payout(*, asked_by_id: int, at: datetime, payment_ids: list[int] | None = None) -> int:
    """
    Ask that all payments that wait (or these of them) be paid out; the approval's id.

    :raises NothingToPay: none waits
    :raises approvals.AlreadyAsked, NotAllowed: see there
    """
    waiting = FeedInPayment.objects.filter(state__in=_PAYABLE).order_by("pk")
    if payment_ids is not None:
        waiting = waiting.filter(pk__in=payment_ids)
    found = list(waiting.values_list("pk", "total_fen"))
    if not found:
        raise NothingToPay(_("没有等付款的上网电费：请先确认当月结算并取得发票。"))
    top = OrgUnit.objects.filter(parent=None).order_by("pk").values_list("pk", flat=True).first()
    if top is None:
        raise NotFound(_("还没有建立单位。"))
    return approvals.request(
        kind=PAY_OUT,
        payload={"payment_ids": [pk for pk, _fen in found], "total_fen": sum(fen for _pk, fen in found)},
        asked_by_id=asked_by_id,
        reason=_("上网电费付款 %(count)s 笔") % {"count": len(found)},
        at=at,
        org_unit_id=top,
        subject="feed-in-payout",
    )


def _words(payload: Mapping[str, Any]) -> str:
    return _("向 %(count)s 位业主的银行卡支付上网电费共 %(yuan)s 元。") % {
        "count": len(payload["payment_ids"]),
        "yuan": format_money(payload["total_fen"]),
    }


@approvals.carries_out(
    PAY_OUT,
    label=gettext_lazy("支付上网电费"),
    ask="cis.work_feed_in",
    decide="cis.approve_payouts",
    consequence=_words,
)
def _make_batch(act: approvals.Act) -> Mapping[str, Any]:
    payments = list(
        FeedInPayment.objects.select_for_update(of=("self",))
        .select_related("plant")
        .filter(pk__in=act.payload["payment_ids"], state__in=_PAYABLE)
        .order_by("pk")
    )
    total = sum(payment.total_fen for payment in payments)
    if len(payments) != len(act.payload["payment_ids"]) or total != act.payload["total_fen"]:
        raise SumsChanged(_("提出申请以后，待付款的上网电费有变化，请重新申请。"))
    batch = PayoutBatch.objects.create(
        count=len(payments),
        total_fen=total,
        approval_id=act.approval_id,
        asked_by_id=act.asked_by_id,
        approved_by_id=act.decided_by_id,
        made_at=act.at,
    )
    PayoutLine.objects.bulk_create(
        [
            PayoutLine(
                batch=batch,
                payment=payment,
                seq=seq,
                payee=payment.plant.payee,
                bank=payment.plant.bank,
                card_no=payment.plant.card_no,
                card_last4=payment.plant.card_last4,
                amount_fen=payment.total_fen,
            )
            for seq, payment in enumerate(payments, start=1)
        ],
        batch_size=1000,
    )
    FeedInPayment.objects.filter(pk__in=[p.pk for p in payments]).update(state=State.PAYING)
    note_steps(payments, by_id=act.decided_by_id, at=act.at, state=State.PAYING, note=batch.number)
    return {"batch": batch.number}


def orders_file(*, batch_id: int) -> tuple[str, str]:
    """
    Name and text of the file for the bank.

    :raises NotFound: no such batch
    """
    batch = PayoutBatch.objects.filter(pk=batch_id).first()
    if batch is None:
        raise NotFound(_("没有这个付款批次。"))
    return f"{batch.number}.csv", write_orders(batch.number, _orders(batch))


def _orders(batch: PayoutBatch) -> list[PayoutOrder]:
    return [
        PayoutOrder(line.seq, f"{batch.number}-{line.payment_id}", line.payee, line.bank, line.card_no, line.amount_fen)
        for line in batch.lines.order_by("seq")
    ]


def take_answer(*, batch_id: int, text: str, by_id: int | None, at: datetime) -> int:
    """
    Take the bank's answer: what was paid is booked, what failed waits to be paid again; gives how many were paid.

    The same file again changes nothing.

    :raises NotFound: no such batch
    :raises AnswerRefused: the file is not an answer to every line of this batch; nothing is taken
    :raises AlreadyAnswered: another answer was taken before
    """
    digest = hashlib.sha256(text.encode()).digest()
    with transaction.atomic():
        batch = PayoutBatch.objects.select_for_update().filter(pk=batch_id).first()
        if batch is None:
            raise NotFound(_("没有这个付款批次。"))
        if batch.answer_digest is not None:
            if bytes(batch.answer_digest) == digest:
                return batch.lines.filter(state=PayoutLine.State.PAID).count()
            raise AlreadyAnswered(_("这个批次已经回盘，内容与这个文件不同，请向银行核实。"))
        try:
            answers = read_answer(text, batch_no=batch.number, orders=_orders(batch))
        except BankFileRefused as refused:
            raise AnswerRefused(
                _("回盘文件有 %(count)s 处不符，没有入账：%(first)s")
                % {"count": len(refused.faults), "first": refused.faults[0][1]},
                errors=[{"pointer": f"/lines/{line}", "detail": what} for line, what in refused.faults],
            ) from refused
        paid = _settle(batch, answers, by_id=by_id, at=at)
        batch.state, batch.answer_digest, batch.answered_at = PayoutBatch.State.ANSWERED, digest, at
        batch.save(update_fields=["state", "answer_digest", "answered_at"])
    return paid


def _settle(batch: PayoutBatch, answers: list[AnswerLine], *, by_id: int | None, at: datetime) -> int:
    lines = list(batch.lines.select_related("payment").order_by("seq"))
    paid: list[PayoutLine] = []
    failed: list[PayoutLine] = []
    for line, answer in zip(lines, answers, strict=True):
        line.state = PayoutLine.State.PAID if answer.is_paid else PayoutLine.State.FAILED
        line.reason = "" if answer.is_paid else answer.reason[:200]
        (paid if answer.is_paid else failed).append(line)
    PayoutLine.objects.bulk_update(lines, ["state", "reason"], batch_size=1000)
    for done, state in ((paid, State.PAID), (failed, State.FAILED)):
        FeedInPayment.objects.filter(pk__in=[line.payment_id for line in done]).update(state=state)
        note_steps([line.payment for line in done], by_id=by_id, at=at, state=state, note=batch.number)
    payable, clearing = ledger.control_id("FEED_IN_PAYABLE"), ledger.control_id("PAYOUT_CLEARING")
    ledger.post(
        [
            ledger.Posting(
                kind=TransferKind.FEED_IN_PAID,
                document_id=line.pk,
                leg=1,
                account_id=line.payment.account_id,
                debit_id=payable,
                credit_id=clearing,
                amount_fen=line.amount_fen,
            )
            for line in paid
        ],
        booked_at=at,
        business_date=ledger.open_business_date(at),
        actor_id=by_id,
    )
    return len(paid)


def note_return(*, payment_id: int, reason: str, by_id: int, at: datetime) -> None:
    """
    The bank gave a paid sum back: it is owed again and waits for the next batch.

    :raises NotFound: no such payment
    :raises NotInThatState: it was not paid
    :raises AnswerRefused: no reason
    """
    if not reason.strip():
        text = _("请写明银行退回的原因。")
        raise AnswerRefused(text, errors=[{"pointer": "/reason", "detail": text}])
    with transaction.atomic():
        payment = locked_payment(payment_id)
        line = PayoutLine.objects.select_for_update().filter(payment=payment, state=PayoutLine.State.PAID).first()
        if payment.state != State.PAID or line is None:
            raise NotInThatState(_("这笔上网电费没有付出去，不能登记退回。"))
        line.state, line.reason = PayoutLine.State.RETURNED, reason.strip()[:200]
        line.save(update_fields=["state", "reason"])
        payment.state = State.RETURNED
        payment.save(update_fields=["state"])
        note_steps([payment], by_id=by_id, at=at, note=reason.strip())
        ledger.post(
            [
                ledger.Posting(
                    kind=TransferKind.FEED_IN_RETURNED,
                    document_id=line.pk,
                    leg=1,
                    account_id=payment.account_id,
                    debit_id=ledger.control_id("PAYOUT_CLEARING"),
                    credit_id=ledger.control_id("FEED_IN_PAYABLE"),
                    amount_fen=line.amount_fen,
                )
            ],
            booked_at=at,
            business_date=ledger.open_business_date(at),
            actor_id=by_id,
        )
