"""
Give prepayment back: one person asks, another approves, and the approval pays, or lets the payment's provider pay.

What may be given back is looked at twice: when somebody asks, so that they hear at once, and under the account's lock
when somebody approves, because a bill may have used the prepayment in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger, notices, settlement
from cis.queries import dues
from config.shared import approvals
from config.shared.errors import NotFound, Refused
from config.shared.events import publish
from config.shared.languages import in_language
from config.shared.models import OrgUnit
from config.shared.money import yuan_from_fen
from payments.channels import CHANNELS
from payments.events import PrepaymentRefunded
from payments.messages import PREPAYMENT_GOES_BACK, PREPAYMENT_REFUNDED
from payments.models import DrawerEntry, Payback, Payment, Refund, Reversal, WebhookKind
from payments.operations.client_facts import tell_client
from payments.operations.drawers import note_cash
from payments.operations.paybacks import begin_payback, is_by_provider
from payments.operations.taking import CLEARING, next_id
from payments.queries.refunds import refund_subject
from payments.receipt_numbers import refund_number
from payments.words import METHODS

REFUND = "payments.refund"


class NoHall(Refused):
    """Whoever asks belongs to no hall whose drawer could pay."""

    code = "no-hall"


class WayNotOpen(Refused):
    """That much cannot go back the way of that payment."""

    code = "way-not-open"


def ask_refund(
    *,
    account_id: int,
    amount_fen: int,
    payment_id: int | None,
    reason: str,
    org_unit_id: int | None,
    asked_by_id: int,
    at: datetime,
) -> int:
    """
    Ask that prepayment is given back; the approval's id. Nothing moves before somebody else approves.

    `payment_id`: the payment whose way the money goes back, None for cash at `org_unit_id`, the asker's hall.

    :raises NotFound: there is no such account, or no such payment of it
    :raises AmountRefused, RefundTooLarge: nothing, or more than the prepayment
    :raises WayNotOpen: the payment was in cash, reversed, or smaller
    :raises NoHall: the asker belongs to no hall
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    with transaction.atomic():
        balances = ledger.lock_balances([account_id])
        if account_id not in balances:
            raise settlement.AccountHasNoLedger(_("没有找到这个户号。"))
        # What is owed comes first: it is paid out of the prepayment before any of it goes back.
        owed_fen = dues.to_pay_fen(account_id=account_id, on=at.astimezone(settings.BILLING_TIME_ZONE).date())
        settlement.check_refundable(amount_fen, prepayment_fen=max(balances[account_id][1] - owed_fen, 0))
        payment = _way(payment_id, account_id=account_id, amount_fen=amount_fen, at=at)
        if org_unit_id is None:
            raise NoHall(_("您没有所属的营业厅，不能申请退费。请联系管理员。"))
        unit = OrgUnit.objects.get(pk=org_unit_id)
        return approvals.request(
            kind=REFUND,
            payload={
                "account_id": account_id,
                "account_no": dues.names_of([account_id])[account_id][0],
                "amount_fen": amount_fen,
                "method": str(payment.method if payment else Payment.Method.CASH),
                "payment_id": payment.pk if payment else None,
                "receipt_no": str(payment) if payment else "",
                "unit": unit.name,
                "unit_en": unit.name_en,
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=unit.pk,
            subject=refund_subject(account_id),
        )


def _words_of_refund(payload: Mapping[str, Any]) -> str:
    words = {
        "no": payload["account_no"],
        "yuan": yuan_from_fen(payload["amount_fen"]),
        "unit": in_language(payload["unit"], payload["unit_en"]),
        "method": METHODS[payload["method"]],
        "receipt": payload["receipt_no"],
    }
    if payload["payment_id"] is None:
        return _("从户号 %(no)s 的预存电费里退 %(yuan)s 元，由%(unit)s付现金给客户。") % words
    return _("从户号 %(no)s 的预存电费里退 %(yuan)s 元，按收据 %(receipt)s 原路退回（%(method)s）。") % words


@approvals.carries_out(
    REFUND,
    label=gettext_lazy("退预存电费"),
    ask="payments.ask_refund",
    decide="payments.approve_refund",
    consequence=_words_of_refund,
)
def _refund(act: approvals.Act) -> dict[str, Any]:
    account_id, amount_fen = int(act.payload["account_id"]), int(act.payload["amount_fen"])
    ledger.lock_balances([account_id])
    payment = _way(act.payload["payment_id"], account_id=account_id, amount_fen=amount_fen, at=act.at)
    by_provider = payment is not None and is_by_provider(payment)
    method = str(payment.method if payment else Payment.Method.CASH)
    business_date = ledger.open_business_date(act.at)
    refund_id = next_id("payments_refund")
    settlement.apply_prepayment(account_id=account_id, at=act.at, actor_id=act.decided_by_id)
    settlement.refund_prepayment(
        account_id=account_id,
        amount_fen=amount_fen,
        refund_id=refund_id,
        clearing="REFUNDS_PAYABLE" if by_provider else CLEARING[method],
        at=act.at,
        business_date=business_date,
        actor_id=act.decided_by_id,
    )
    refund = Refund(
        id=refund_id,
        approval_id=act.approval_id,
        account_id=account_id,
        amount_fen=amount_fen,
        method=method,
        payment=payment,
        reason=act.reason,
        org_unit_id=act.org_unit_id,
        asked_by_id=act.asked_by_id,
        approved_by_id=act.decided_by_id,
        asked_at=act.asked_at,
        refunded_at=act.at,
        business_date=business_date,
    )
    refund.save(force_insert=True)
    if payment is not None and by_provider:
        begin_payback(refund, payment)
    if method == Payment.Method.CASH:
        note_cash(
            DrawerEntry.Kind.REFUND,
            document_id=refund_id,
            amount_fen=-amount_fen,
            user_id=act.asked_by_id,
            org_unit_id=act.org_unit_id,
            at=act.at,
        )
    publish(PrepaymentRefunded(account_id=account_id, refund_id=refund_id, amount_fen=amount_fen, method=method))
    if payment is not None:
        tell_client(payment.channel, WebhookKind.REFUND_DONE, account_id=account_id, document_id=refund_id)
    number = refund_number(refund_id, business_date)
    return {"refund_no": number, "url": reverse("payments:refund_done", args=[number])}


def tell_refunded(*, refund_id: int, at: datetime) -> None:
    """Send the customer a message that money went back, or is going; once, however often it is asked for."""
    refund = Refund.objects.get(pk=refund_id)
    goes = Payback.objects.filter(refund=refund).exists()
    way = {"way": str(METHODS[refund.method])} if goes else {}
    notices.tell_customer(
        account_id=refund.account_id,
        template=(PREPAYMENT_GOES_BACK if goes else PREPAYMENT_REFUNDED).code,
        parameters={"yuan": yuan_from_fen(refund.amount_fen), "refund": str(refund), **way},
        dedupe_key=f"refund:{refund_id}",
        happened_at=refund.refunded_at,
        at=at,
    )


def _way(payment_id: int | None, *, account_id: int, amount_fen: int, at: datetime) -> Payment | None:
    """The payment whose way the money goes back, None for cash; the account's balances are locked."""
    if payment_id is None:
        return None
    payment = Payment.objects.filter(pk=payment_id, account_id=account_id).first()
    if payment is None:
        raise NotFound(_("这个户号没有这笔收款，请重新选择退款方式。"))
    # What failed counts as well: the provider may still find a way.
    before = Refund.objects.filter(payment=payment).aggregate(fen=Sum("amount_fen"), count=Count("pk"))
    gone: int = before["fen"] or 0
    if payment.method in Payment.NOT_BACK_ITS_WAY or Reversal.objects.filter(payment=payment).exists():
        raise WayNotOpen(_("收据 %(no)s 不能原路退回，请改退现金。") % {"no": str(payment)})
    if gone + amount_fen > payment.amount_fen:
        raise WayNotOpen(
            _("按收据 %(no)s 原路最多还能退 %(yuan)s 元，请改小金额或改退现金。")
            % {"no": str(payment), "yuan": yuan_from_fen(payment.amount_fen - gone)}
        )
    _check_terms(payment, count=before["count"], at=at)
    return payment


def _check_terms(payment: Payment, *, count: int, at: datetime) -> None:
    """
    Whether the payment's provider would still give something back.

    :raises WayNotOpen: it was paid too long ago, or refunded too often
    """
    channel = CHANNELS.get(payment.channel)
    terms = channel.refunds if channel is not None else None
    if terms is None:
        return
    words = {"no": str(payment), "way": METHODS[payment.method], "most": terms.most}
    if at >= payment.received_at + terms.within:
        raise WayNotOpen(_("收据 %(no)s 是一年以前付的，%(way)s不再原路退回，请改退现金。") % words)
    if terms.most and count >= terms.most:
        raise WayNotOpen(_("收据 %(no)s 已经退过 %(most)s 次，%(way)s不能再退，请改退现金。") % words)
