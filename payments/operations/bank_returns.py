"""
Send unidentified money back to whoever sent it: asked for by one, approved by another.

From the approval on it is owed as a refund; it is paid when the bank's statement shows that it left.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger
from config.shared import approvals
from config.shared.errors import NotFound, Refused
from config.shared.models import OrgUnit
from config.shared.money import yuan_from_fen
from payments.models import BankLine, BankReturn

SEND_BACK = "payments.send_back"


class LineNotOpen(Refused):
    """Somebody claimed the line's money, or it goes back."""

    code = "line-not-open"


class NotItsPayment(Refused):
    """The movement that is said to have paid a return does not fit it."""

    code = "not-its-payment"
    status = 422


def root_unit_id() -> int:
    """The books of the whole utility: whoever decides on unidentified money answers for all of it."""
    return OrgUnit.objects.order_by("path").values_list("pk", flat=True)[0]


def lock_open_line(line_id: int) -> BankLine:
    """
    The line under its lock, while its money is nobody's.

    :raises NotFound: no such money came in
    :raises LineNotOpen: it is somebody's, or goes back
    """
    line = BankLine.objects.select_for_update().filter(pk=line_id, amount_fen__gt=0).first()
    if line is None:
        raise NotFound(_("没有这笔到账。"))
    if line.state != BankLine.State.OPEN:
        raise LineNotOpen(
            _("这笔到账现在是“%(state)s”，不能再办。请刷新页面核对。") % {"state": _(BankLine.State(line.state).label)}
        )
    return line


def ask_to_send_back(*, line_id: int, reason: str, asked_by_id: int, at: datetime) -> int:
    """
    Ask that a line's money goes back to its sender; the approval's id.

    :raises NotFound, LineNotOpen: see `lock_open_line`
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    with transaction.atomic():
        line = lock_open_line(line_id)
        return approvals.request(
            kind=SEND_BACK,
            payload={"line_id": line.pk, "serial": line.serial, "amount_fen": line.amount_fen},
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=root_unit_id(),
            subject=f"bank-line:{line.pk}",
        )


def _words(payload: Mapping[str, Any]) -> str:
    return _("银行流水 %(serial)s 到账的 %(yuan)s 元退回汇款人，由财务从银行付出。") % {
        "serial": payload["serial"],
        "yuan": yuan_from_fen(payload["amount_fen"]),
    }


@approvals.carries_out(
    SEND_BACK,
    label=gettext_lazy("到账退回汇款人"),
    ask="payments.work_transfers",
    decide="payments.approve_transfers",
    consequence=_words,
)
def _carry_out(act: approvals.Act) -> dict[str, Any]:
    line = lock_open_line(int(act.payload["line_id"]))
    ledger.post(
        [_posting(line, 1, ("UNIDENTIFIED", "REFUNDS_PAYABLE"))],
        booked_at=act.at,
        business_date=ledger.open_business_date(act.at),
        actor_id=act.decided_by_id,
    )
    BankReturn.objects.create(
        line=line,
        approval_id=act.approval_id,
        reason=act.reason,
        asked_by_id=act.asked_by_id,
        approved_by_id=act.decided_by_id,
        approved_at=act.at,
    )
    line.state = BankLine.State.RETURNED
    line.save(update_fields=["state"])
    return {"url": reverse("payments:transfer", args=[line.pk])}


def note_paid(*, line_id: int, out_line_id: int, by_id: int, at: datetime) -> None:
    """
    Say which movement on the bank account paid the return of a line.

    :raises NotFound: nothing of the line goes back
    :raises NotItsPayment: it was paid, or the movement has another amount or account, or paid another
    """
    with transaction.atomic():
        owed = BankReturn.objects.select_for_update().filter(line_id=line_id).first()
        if owed is None:
            raise NotFound(_("这笔到账没有要退回的款。"))
        out = BankLine.objects.select_for_update().filter(pk=out_line_id, amount_fen=-owed.line.amount_fen).first()
        is_free = out is not None and not BankReturn.objects.filter(out_line=out).exists()
        if out is None or owed.out_line_id is not None or not is_free:
            raise NotItsPayment(_("这笔转出和要退的款对不上，或已经用过。请从列出的转出中选择。"))
        pay_return(owed, out, by_id=by_id, at=at)


def pay_return(owed: BankReturn, out: BankLine, *, by_id: int, at: datetime) -> None:
    """Book that a return, which is locked and not paid, left the bank as this movement of the same amount."""
    ledger.post(
        [_posting(owed.line, 2, ("REFUNDS_PAYABLE", "BANK_DEPOSIT"))],
        booked_at=at,
        business_date=ledger.open_business_date(at),
        actor_id=by_id,
    )
    owed.out_line, owed.paid_at = out, at
    owed.save(update_fields=["out_line", "paid_at"])


def _posting(line: BankLine, leg: int, accounts: tuple[str, str]) -> ledger.Posting:
    debit, credit = accounts
    return ledger.Posting(
        kind=ledger.TransferKind.MONEY_SENT_BACK,
        document_id=line.pk,
        leg=leg,
        account_id=0,
        debit_id=ledger.control_id(debit),
        credit_id=ledger.control_id(credit),
        amount_fen=line.amount_fen,
    )
