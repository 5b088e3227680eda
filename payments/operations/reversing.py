"""
Take a payment back on its own business day: every transfer mirrored, the bills open again.

Whoever took the money takes it back alone; for anybody else it is an act of two persons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger, settlement
from cis.queries import dues
from config.shared import approvals
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.events import publish
from config.shared.money import yuan_from_fen
from payments.events import PaymentReversed
from payments.models import DrawerEntry, Payment, Refund, Reversal, WebhookKind
from payments.operations.client_facts import tell_client
from payments.operations.drawers import note_cash
from payments.operations.taking import CLEARING, COUNTER, next_id
from payments.words import METHODS

REVERSE = "payments.reverse"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """How a payment goes back: from which account, on which day, and under which serial of a client."""

    clearing: str | int
    business_date: date
    channel: str | None = None
    serial: str | None = None


class ReasonMissing(BadInput):
    """A reversal says why."""

    code = "reason-missing"


class AlreadyReversed(Refused):
    """The payment was taken back before."""

    code = "already-reversed"


class NotSameDay(Refused):
    """A payment is taken back on its own business day; afterwards it is a refund."""

    code = "not-same-day"


class GoneBack(Refused):
    """Some of the payment went back the way it came already."""

    code = "gone-back"


class WalletNotReversible(Refused):
    """Money that lies at a wallet goes back by a refund of the wallet."""

    code = "wallet-not-reversible"


class OtherHall(Refused):
    """The money lies in another hall's drawer."""

    code = "other-hall"


class NotTheTaker(Refused):
    """Somebody else took the money: taking it back needs a second person."""

    code = "not-the-taker"


@dataclass(frozen=True, slots=True)
class ReversedPayment:
    """A payment that was taken back."""

    reversal_id: int
    payment_id: int
    receipt_no: str
    amount_fen: int


def reverse_payment(
    *,
    payment_id: int,
    reason: str,
    reversed_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> ReversedPayment:
    """
    Take back a counter payment that one took oneself, on its own business day.

    `within`: the organisation paths whose drawers the actor may open; None where anybody's.

    :raises NotFound: there is no such payment
    :raises ReasonMissing: no reason was given
    :raises OtherHall: the money was taken in a hall outside `within`
    :raises AlreadyReversed, GoneBack, NotSameDay, WalletNotReversible: it cannot be taken back any more, or not so
    :raises NotTheTaker: somebody else took it; see `ask_to_reverse`
    :raises BillCorrected, PrepaymentSpent: what it paid has changed since
    """
    reason = _reason(reason)
    with transaction.atomic():
        payment = _lock_reversible(payment_id, at=at, within=within)
        if payment.received_by_id != reversed_by_id:
            raise NotTheTaker(_("这笔款是别人收的，要由另一人审批才能冲正，请在收据页面提出冲正申请。"))
        return book_reversal(payment, _at_counter(payment), reason=reason, reversed_by_id=reversed_by_id, at=at)


def ask_to_reverse(
    *, payment_id: int, reason: str, asked_by_id: int, at: datetime, within: Sequence[str] | None = None
) -> int:
    """
    Ask that a payment somebody else took is taken back; the approval's id. Nothing moves before somebody approves.

    :raises NotFound, ReasonMissing, OtherHall, AlreadyReversed, GoneBack, NotSameDay, WalletNotReversible: as above
    :raises approvals.AlreadyAsked, NotAllowed: see there
    """
    reason = _reason(reason)
    with transaction.atomic():
        payment = _lock_reversible(payment_id, at=at, within=within)
        if payment.org_unit_id is None:
            raise OtherHall(_("这笔款不是营业厅收的，不能在柜台冲正，请改办退费。"))
        return approvals.request(
            kind=REVERSE,
            payload={
                "payment_id": payment.pk,
                "receipt_no": str(payment),
                "account_no": dues.names_of([payment.account_id])[payment.account_id][0],
                "amount_fen": payment.amount_fen,
                "method": str(payment.method),
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=payment.org_unit_id,
            subject=f"reversal:{payment.pk}",
        )


def _words_of_reversal(payload: Mapping[str, Any]) -> str:
    return _("户号 %(no)s 的收据 %(receipt)s 冲正：%(method)s %(yuan)s 元全部退回，对应账单重新变为未交清。") % {
        "no": payload["account_no"],
        "receipt": payload["receipt_no"],
        "method": METHODS[payload["method"]],
        "yuan": yuan_from_fen(payload["amount_fen"]),
    }


@approvals.carries_out(
    REVERSE,
    label=gettext_lazy("冲正别人收的款"),
    ask="payments.reverse_payment",
    decide="payments.approve_reversal",
    consequence=_words_of_reversal,
    waits_for=timedelta(days=1),
)
def _carry_out(act: approvals.Act) -> dict[str, Any]:
    payment = _lock_reversible(int(act.payload["payment_id"]), at=act.at, within=None)
    book_reversal(
        payment,
        _at_counter(payment),
        reason=act.reason,
        reversed_by_id=act.asked_by_id,
        approved_by_id=act.decided_by_id,
        at=act.at,
    )
    return {"url": reverse("payments:payment", args=[str(payment)])}


def _reason(text: str) -> str:
    if not text.strip():
        raise ReasonMissing(_("请写明冲正原因，例如“金额录错”。"))
    return text.strip()[:500]


def _lock_reversible(payment_id: int, *, at: datetime, within: Sequence[str] | None) -> Payment:
    """The payment with its account's balances locked, if nothing stands against taking it back."""
    payment = Payment.objects.select_related("org_unit").filter(pk=payment_id).first()
    if payment is None:
        raise NotFound(_("没有找到这笔收款，请核对收据号。"))
    ledger.lock_balances([payment.account_id])
    _check_reversible(payment, at=at, within=within)
    return payment


def check_not_gone(payment: Payment) -> None:
    """
    Whether the money is still here, whichever way it came; the account's balances are locked.

    :raises AlreadyReversed, GoneBack: it was taken back, or went back by a refund
    """
    if Reversal.objects.filter(payment=payment).exists():
        raise AlreadyReversed(_("收据 %(no)s 已经冲正过，不能再冲。") % {"no": str(payment)})
    if Refund.objects.filter(payment=payment).exists():
        raise GoneBack(
            _("收据 %(no)s 的钱已经原路退过，再冲正就退了两次。还要退的，请另办退费。") % {"no": str(payment)}
        )


def _check_reversible(payment: Payment, *, at: datetime, within: Sequence[str] | None) -> None:
    """Raises what stands against it at a counter, whoever takes it back; the account's balances are locked."""
    check_not_gone(payment)
    if payment.method in (Payment.Method.BANK, Payment.Method.AGENT):
        raise WalletNotReversible(_("这笔款是银行或代收点收的，由它们冲正；客户要退，请改办退费。"))
    if payment.method == Payment.Method.CHEQUE:
        raise WalletNotReversible(_("支票收的款在“支票台账”页退票，不能在这里冲正。"))
    if payment.channel != COUNTER:
        raise WalletNotReversible(
            _("这笔款的收款方式是%(method)s，柜台不能冲正，请改办退费。") % {"method": METHODS[payment.method]}
        )
    if within is not None and payment.org_unit is not None:
        if not any(payment.org_unit.path.startswith(path) for path in within):
            raise OtherHall(_("这笔款收在%(hall)s，请联系该营业厅冲正。") % {"hall": payment.org_unit.name})
    if ledger.open_business_date(at) != payment.business_date:
        raise NotSameDay(
            _("只能在收款当日（%(day)s）冲正。这笔款已经过了日，请改办退费。") % {"day": payment.business_date}
        )


def _at_counter(payment: Payment) -> TakenBack:
    return TakenBack(clearing=CLEARING[payment.method], business_date=payment.business_date)


def book_reversal(
    payment: Payment,
    back: TakenBack,
    *,
    reason: str,
    reversed_by_id: int | None,
    approved_by_id: int | None = None,
    at: datetime,
) -> ReversedPayment:
    """
    Book the reversal of a payment of any channel; the account's balances are locked, everything else is checked.

    :raises BillCorrected, PrepaymentSpent: what it paid has changed since
    :raises ledger.DayIsClosed: the day of the reversal is closed
    """
    reversal_id = next_id("payments_reversal")
    settlement.unsettle(
        account_id=payment.account_id,
        payment_id=payment.pk,
        reversal_id=reversal_id,
        allocations=list(payment.allocations.order_by("seq").values_list("bill_id", "amount_fen", "fee_fen")),
        prepaid_fen=payment.prepaid_fen,
        clearing=back.clearing,
        at=at,
        business_date=back.business_date,
        actor_id=approved_by_id or reversed_by_id,
    )
    Reversal(
        id=reversal_id,
        payment_id=payment.pk,
        reason=reason,
        reversed_at=at,
        reversed_by_id=reversed_by_id,
        approved_by_id=approved_by_id,
        business_date=back.business_date,
        channel=back.channel,
        serial=back.serial,
    ).save(force_insert=True)
    if payment.channel == COUNTER and payment.method == Payment.Method.CASH:
        note_cash(
            DrawerEntry.Kind.REVERSAL,
            document_id=reversal_id,
            amount_fen=-payment.amount_fen,
            user_id=reversed_by_id,
            org_unit_id=payment.org_unit_id,
            at=at,
        )
    publish(
        PaymentReversed(
            account_id=payment.account_id,
            payment_id=payment.pk,
            reversal_id=reversal_id,
            amount_fen=payment.amount_fen,
        )
    )
    tell_client(payment.channel, WebhookKind.PAYMENT_REVERSED, account_id=payment.account_id, document_id=reversal_id)
    return ReversedPayment(reversal_id, payment.pk, str(payment), payment.amount_fen)
