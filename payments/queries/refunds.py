"""Prepayment given back: what may be, what was, to whom, who asked and who approved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from cis.queries import dues
from config.shared import approval_queries
from config.shared.approval_queries import ApprovalRow
from config.shared.errors import NotFound
from config.shared.models import User
from payments.channels import CHANNELS
from payments.models import Payment, Refund, Reversal
from payments.queries.paybacks import PaybackRow, paybacks_of
from payments.receipt_numbers import refund_id_in
from payments.words import METHODS

_WAYS = 10


@dataclass(frozen=True, slots=True)
class PaidWay:
    """A payment that money can go back to the way it came; `left_fen` is what has not gone back yet."""

    payment_id: int
    receipt_no: str
    method: str
    method_word: str
    paid_on: date
    left_fen: int


@dataclass(frozen=True, slots=True)
class RefundForm:
    """What the form that asks for a refund shows; `waiting` is the request that nobody has decided yet."""

    dues: dues.Dues
    ways: tuple[PaidWay, ...]
    waiting: ApprovalRow | None


@dataclass(frozen=True, slots=True)
class RefundRow:
    """
    One refund; `receipt_no` is of the payment that it went the way of, empty for cash.

    `payback`: how far it has come where a provider carries it out, else None.
    """

    refund_id: int
    refund_no: str
    account_id: int
    account_no: str
    masked_name: str
    amount_fen: int
    method: str
    method_word: str
    receipt_no: str
    reason: str
    hall: str
    asked_by: str
    asked_at: datetime
    approved_by: str
    refunded_at: datetime
    approval_id: int
    payback: PaybackRow | None


def refund_subject(account_id: int) -> str:
    """What a request for a refund is about: one at a time waits for an account."""
    return f"refund:{account_id}"


def refund_form(*, account_no: str, on: date) -> RefundForm:
    """
    What can be given back of this account's prepayment, and how; with what it owes on the day.

    :raises NotFound: there is no such account
    """
    owed = dues.get_dues(account_id=dues.account_id_of(account_no), on=on)
    about = approval_queries.list_about(refund_subject(owed.account_id), limit=1)
    return RefundForm(
        dues=owed,
        ways=ways_back(account_id=owed.account_id, on=on),
        waiting=next((row for row in about if row.state == "waiting"), None),
    )


def ways_back(*, account_id: int, on: date) -> tuple[PaidWay, ...]:
    """The account's newest payments that money can still go back to: not reversed, given back whole or too old."""
    payments = list(
        Payment.objects.filter(account_id=account_id)
        .exclude(method__in=Payment.NOT_BACK_ITS_WAY)
        .exclude(pk__in=Reversal.objects.filter(payment__account_id=account_id).values("payment_id"))
        .order_by("-id")[:_WAYS]
    )
    refunds = Refund.objects.filter(payment__in=payments).values_list("payment_id")
    gone = {
        payment_id: (fen, count)
        for payment_id, fen, count in refunds.annotate(fen=Sum("amount_fen"), count=Count("pk"))
    }
    return tuple(
        PaidWay(
            payment_id=payment.pk,
            receipt_no=str(payment),
            method=payment.method,
            method_word=str(METHODS[payment.method]),
            paid_on=payment.business_date,
            left_fen=payment.amount_fen - gone.get(payment.pk, (0, 0))[0],
        )
        for payment in payments
        if payment.amount_fen > gone.get(payment.pk, (0, 0))[0]
        and _is_taken_back(payment, count=gone.get(payment.pk, (0, 0))[1], on=on)
    )


def _is_taken_back(payment: Payment, *, count: int, on: date) -> bool:
    """Whether the payment's provider, where it has one, still gives something back."""
    channel = CHANNELS.get(payment.channel)
    terms = channel.refunds if channel is not None else None
    if terms is None:
        return True
    paid_on = payment.received_at.astimezone(settings.BILLING_TIME_ZONE).date()
    return on < paid_on + terms.within and not (terms.most and count >= terms.most)


def get_refund(refund_no: str) -> RefundRow:
    """
    One refund.

    :raises NotFound: there is none of this number
    """
    refund_id = refund_id_in(refund_no)
    found = list(_with_people(Refund.objects.filter(pk=refund_id))) if refund_id is not None else []
    if not found or str(found[0]) != refund_no:
        raise NotFound(_("没有找到这张退费单，请核对退费单号。"))
    return _rows(found)[0]


def list_refunds(*, account_id: int, limit: int = 20) -> tuple[RefundRow, ...]:
    """The account's newest refunds."""
    return _rows(list(_with_people(Refund.objects.filter(account_id=account_id).order_by("-id"))[:limit]))


def list_account_refunds(*, account_no: str) -> tuple[RefundRow, ...]:
    """
    The newest refunds of the account with this number.

    :raises NotFound: there is no such account
    """
    return list_refunds(account_id=dues.account_id_of(account_no))


def refunds_of_day(*, day: date, paths: Sequence[str], limit: int = 200) -> tuple[RefundRow, ...]:
    """What the halls under these organisation paths gave back on a business day, newest first."""
    inside = Q(pk__in=())
    for path in paths:
        inside |= Q(org_unit__path__startswith=path)
    return _rows(list(_with_people(Refund.objects.filter(inside, business_date=day).order_by("-id"))[:limit]))


def _with_people(refunds: QuerySet[Refund]) -> QuerySet[Refund]:
    return refunds.select_related("org_unit", "asked_by", "approved_by", "payment")


def _rows(refunds: list[Refund]) -> tuple[RefundRow, ...]:
    """The refunds as rows; two more statements, however many there are."""
    paybacks = paybacks_of([refund.pk for refund in refunds]) if refunds else {}
    names = dues.names_of([refund.account_id for refund in refunds]) if refunds else {}
    return tuple(
        RefundRow(
            refund_id=refund.pk,
            refund_no=str(refund),
            account_id=refund.account_id,
            account_no=names[refund.account_id][0],
            masked_name=names[refund.account_id][1],
            amount_fen=refund.amount_fen,
            method=refund.method,
            method_word=str(METHODS[refund.method]),
            receipt_no=str(refund.payment) if refund.payment else "",
            reason=refund.reason,
            hall=refund.org_unit.shown_name,
            asked_by=_name(refund.asked_by),
            asked_at=refund.asked_at,
            approved_by=_name(refund.approved_by),
            refunded_at=refund.refunded_at,
            approval_id=refund.approval_id,
            payback=paybacks.get(refund.pk),
        )
        for refund in refunds
    )


def _name(user: User) -> str:
    return user.display_name or user.username
