"""What was taken, from whom, where, and where it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from cis.queries import dues, ledger
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.languages import in_language
from payments.models import ChannelClient, Payment, PaymentOrder, Reversal, WalletNotice
from payments.models.channels import OWN_CHANNELS
from payments.receipt_numbers import payment_id_in
from payments.words import METHODS


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment in a list."""

    payment_id: int
    receipt_no: str
    account_no: str
    masked_name: str
    amount_fen: int
    prepaid_fen: int
    method: str
    method_word: str
    reference: str
    received_at: datetime
    business_date: date
    hall: str
    clerk: str
    clerk_id: int | None
    is_reversed: bool
    reversal_reason: str


@dataclass(frozen=True, slots=True)
class ReceiptPart:
    """So much went to this bill, `fee_fen` of it to its late fee."""

    bill_no: str
    cycle: str
    amount_fen: int
    fee_fen: int = 0

    @property
    def principal_fen(self) -> int:
        """What went to the energy charges."""
        return self.amount_fen - self.fee_fen


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment as its receipt shows it."""

    payment: PaymentRow
    account_id: int
    name: str
    address: str
    parts: tuple[ReceiptPart, ...]
    dues: dues.Dues | None = None
    """what the account owes now, for the page beside the receipt"""


@dataclass(frozen=True, slots=True)
class MethodTotal:
    """What one method brought in on a day; `fen` counts what was not taken back, `net_fen` takes refunds off."""

    method: str
    method_word: str
    count: int
    fen: int
    reversed_count: int
    reversed_fen: int
    refunded_count: int
    refunded_fen: int
    net_fen: int


@dataclass(frozen=True, slots=True)
class DayTotals:
    """What halls took and gave back on one day, by method; `total_fen` is what is left of it."""

    day: date
    totals: tuple[MethodTotal, ...]
    whole: MethodTotal
    """all methods together"""
    total_count: int
    total_fen: int
    closed_at: datetime | None = None
    """when the day was closed; None while it is open"""


PAYMENT_ORDERS = {
    "no": Order((SortKey("payment_id", int, "pk"),)),
    "amount": Order((SortKey("amount_fen", int), SortKey("payment_id", int, "pk"))),
}


@dataclass(frozen=True, slots=True)
class OrderPage:
    """How far an order at a wallet is; `is_waiting` while a notice is kept that is not booked."""

    out_trade_no: str
    account_id: int
    amount_fen: int
    channel_word: str
    state: str
    expires_at: datetime
    receipt_no: str
    is_waiting: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class PayForm:
    """What the form for taking money shows; `taken_receipt_no` when its key has made a payment already."""

    dues: dues.Dues
    taken_receipt_no: str


def pay_form(*, account_no: str, form_key: str, on: date) -> PayForm:
    """
    Who pays, what is owed on the day, and whether this form was already used.

    :raises NotFound: there is no such account
    """
    taken = Payment.objects.filter(channel="counter", serial=form_key).first()
    return PayForm(
        dues=dues.get_dues(account_id=dues.account_id_of(account_no), on=on),
        taken_receipt_no=str(taken) if taken else "",
    )


def payment_id_of(receipt_no: str) -> int:
    """
    The payment behind a receipt number.

    :raises NotFound: there is no such receipt
    """
    payment_id = payment_id_in(receipt_no)
    payment = Payment.objects.filter(pk=payment_id).first() if payment_id is not None else None
    if payment is None or str(payment) != receipt_no:
        raise NotFound(_("没有找到这张收据，请核对收据号。"))
    return payment.pk


def find_receipt(receipt_no: str) -> PaymentRow | None:
    """The payment of this receipt number as a row, None where there is none; three statements at most."""
    payment_id = payment_id_in(receipt_no)
    payment = _with_places(Payment.objects.filter(pk=payment_id)).first() if payment_id is not None else None
    return _rows([payment])[0] if payment is not None and str(payment) == receipt_no else None


def get_receipt(
    receipt_no: str,
    *,
    on: date,
    account_ids: Sequence[int] | None = None,
    of_all: Sequence[int] = (),
    payer_id: int | None = None,
) -> Receipt:
    """
    One payment with where it went, and what is owed on a day; with `account_ids`, only if it is of one of them.

    With `payer_id` only what that user paid themselves, but for accounts `of_all`, whose payments are all shown.

    :raises NotFound: there is no such receipt, or it is somebody else's
    """
    payment = _with_places(Payment.objects.filter(pk=payment_id_of(receipt_no))).get()
    if account_ids is not None and payment.account_id not in account_ids:
        raise NotFound(_("没有找到这张收据，请核对收据号。"))
    if payer_id is not None and payment.account_id not in of_all and not _is_paid_by(payment, payer_id):
        raise NotFound(_("没有找到这张收据，请核对收据号。"))
    owed = dues.get_dues(account_id=payment.account_id, on=on)
    return Receipt(
        payment=_rows([payment])[0],
        account_id=payment.account_id,
        name=owed.name,
        address=owed.address,
        parts=tuple(
            ReceiptPart(part.bill_no, f"{part.bill_no[:4]}-{part.bill_no[4:6]}", part.amount_fen, part.fee_fen)
            for part in payment.allocations.order_by("seq")
        ),
        dues=owed,
    )


def _is_paid_by(payment: Payment, user_id: int) -> bool:
    return PaymentOrder.objects.filter(payment=payment, created_by_id=user_id).exists()


def list_receipts(
    *, account_id: int, limit: int = 20, before: int | None = None, payer_id: int | None = None
) -> tuple[PaymentRow, ...]:
    """
    The account's payments, newest first; `before` is the payment id to go on from.

    With `payer_id` only what that user paid themselves in the portal.
    """
    payments = Payment.objects.filter(account_id=account_id).order_by("-id")
    if payer_id is not None:
        payments = payments.filter(
            pk__in=PaymentOrder.objects.filter(account_id=account_id, created_by_id=payer_id).values("payment_id")
        )
    if before is not None:
        payments = payments.filter(pk__lt=before)
    return _rows(list(_with_places(payments)[:limit]))


def list_account_payments(*, account_no: str) -> tuple[PaymentRow, ...]:
    """
    The newest payments of the account with this number.

    :raises NotFound: there is no such account
    """
    return list_receipts(account_id=dues.account_id_of(account_no))


def page_of_payments(ask: Ask, *, day: date, paths: Sequence[str]) -> Page[PaymentRow]:
    """One page of what the halls under these organisation paths took on a business day, in one of `PAYMENT_ORDERS`."""
    inside = Q(pk__in=())
    for path in paths:
        inside |= Q(org_unit__path__startswith=path)
    found = ask.of(_with_places(Payment.objects.filter(inside, business_date=day)))
    return ask.page(found, lambda payments: _rows(list(payments)))


def day_totals(*, day: date, paths: Sequence[str]) -> DayTotals:
    """What the halls under these organisation paths took on a business day, by method."""
    totals = _totals(day, paths)
    return DayTotals(
        day=day,
        totals=totals,
        whole=_whole(totals),
        closed_at=ledger.closed_at(day),
        total_count=sum(total.count for total in totals),
        total_fen=sum(total.net_fen for total in totals),
    )


def _whole(totals: Sequence[MethodTotal]) -> MethodTotal:
    return MethodTotal(
        method="",
        method_word="",
        count=sum(total.count for total in totals),
        fen=sum(total.fen for total in totals),
        reversed_count=sum(total.reversed_count for total in totals),
        reversed_fen=sum(total.reversed_fen for total in totals),
        refunded_count=sum(total.refunded_count for total in totals),
        refunded_fen=sum(total.refunded_fen for total in totals),
        net_fen=sum(total.net_fen for total in totals),
    )


_TOTALS = """
WITH halls AS (SELECT id FROM shared_org_unit WHERE path LIKE ANY(%(paths)s)),
taken AS (
    SELECT p.method, count(*) FILTER (WHERE r.id IS NULL) AS kept,
           coalesce(sum(p.amount_fen) FILTER (WHERE r.id IS NULL), 0)::bigint AS kept_fen,
           count(r.id) AS reversed,
           coalesce(sum(p.amount_fen) FILTER (WHERE r.id IS NOT NULL), 0)::bigint AS reversed_fen
    FROM payments_payment p LEFT JOIN payments_reversal r ON r.payment_id = p.id
    WHERE p.business_date = %(day)s AND p.org_unit_id IN (SELECT id FROM halls)
    GROUP BY p.method),
given_back AS (
    SELECT method, count(*) AS refunded, sum(amount_fen)::bigint AS refunded_fen
    FROM payments_refund f WHERE business_date = %(day)s AND org_unit_id IN (SELECT id FROM halls)
      AND NOT EXISTS (SELECT 1 FROM payments_payback b WHERE b.refund_id = f.id AND b.state = 'failed')
    GROUP BY method)
SELECT method, coalesce(kept, 0), coalesce(kept_fen, 0), coalesce(reversed, 0), coalesce(reversed_fen, 0),
       coalesce(refunded, 0), coalesce(refunded_fen, 0), coalesce(kept_fen, 0) - coalesce(refunded_fen, 0)
FROM taken FULL JOIN given_back USING (method)
"""


def _totals(day: date, paths: Sequence[str]) -> tuple[MethodTotal, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, {"day": day, "paths": [f"{path}%" for path in paths]})
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    return tuple(MethodTotal(code, str(word), *found[code]) for code, word in METHODS.items() if code in found)


@dataclass(frozen=True, slots=True)
class Takings:
    """What one clerk took on a day; `fen` counts what was not taken back."""

    clerk: str
    hall: str
    count: int
    fen: int
    reversed_count: int


_BY_CLERK = """
SELECT coalesce(nullif(w.display_name, ''), w.username), u.name, u.name_en,
       count(*) FILTER (WHERE r.id IS NULL), coalesce(sum(p.amount_fen) FILTER (WHERE r.id IS NULL), 0)::bigint,
       count(r.id)
FROM payments_payment p
JOIN shared_org_unit u ON u.id = p.org_unit_id
JOIN shared_user w ON w.id = p.received_by_id
LEFT JOIN payments_reversal r ON r.payment_id = p.id
WHERE p.business_date = %s AND u.path LIKE ANY(%s)
GROUP BY w.id, u.id ORDER BY 5 DESC, 1
"""


def takings_by_clerk(*, day: date, paths: Sequence[str]) -> list[Takings]:
    """What each clerk took on a business day in the halls under these organisation paths, the most first."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_CLERK, [day, [f"{path}%" for path in paths]])
        rows = cursor.fetchall()
    return [
        Takings(clerk, in_language(hall, hall_en), count, fen, taken_back)
        for clerk, hall, hall_en, count, fen, taken_back in rows
    ]


_MINE = """
SELECT count(*) FILTER (WHERE r.id IS NULL), coalesce(sum(p.amount_fen) FILTER (WHERE r.id IS NULL), 0)::bigint,
       count(r.id)
FROM payments_payment p LEFT JOIN payments_reversal r ON r.payment_id = p.id
WHERE p.business_date = %s AND p.org_unit_id = %s AND p.received_by_id = %s
"""


@dataclass(frozen=True, slots=True)
class MyTakings:
    """What somebody took on a day in their hall, with the last payments."""

    count: int
    fen: int
    reversed_count: int
    last: tuple[PaymentRow, ...]


def my_takings(*, day: date, user_id: int, org_unit_id: int | None, limit: int = 5) -> MyTakings:
    """What a clerk took on a business day in their hall; four statements."""
    with connection.cursor() as cursor:
        cursor.execute(_MINE, [day, org_unit_id, user_id])
        count, fen, taken_back = cursor.fetchone()
    last = Payment.objects.filter(business_date=day, org_unit_id=org_unit_id, received_by_id=user_id).order_by("-id")
    return MyTakings(count, fen, taken_back, _rows(list(_with_places(last)[:limit])))


def get_order(
    out_trade_no: str, *, account_ids: Sequence[int], of_all: Sequence[int] = (), payer_id: int | None = None
) -> OrderPage:
    """
    An order of one of these accounts; with `payer_id` only their own, but for accounts `of_all`.

    :raises NotFound: there is none
    """
    order = (
        PaymentOrder.objects.select_related("payment")
        .filter(out_trade_no=out_trade_no, account_id__in=account_ids)
        .first()
    )
    is_others = (
        order is not None
        and payer_id is not None
        and order.account_id not in of_all
        and order.created_by_id != payer_id
    )
    if order is None or is_others:
        raise NotFound(_("没有找到这张缴费单。"))
    outcomes = list(WalletNotice.objects.filter(out_trade_no=out_trade_no).values_list("outcome", flat=True))
    return OrderPage(
        out_trade_no=order.out_trade_no,
        account_id=order.account_id,
        amount_fen=order.payment.amount_fen if order.payment else order.amount_fen,
        channel_word=str(METHODS.get(order.channel, order.channel)),
        state=order.state,
        expires_at=order.expires_at,
        receipt_no=str(order.payment) if order.payment else "",
        is_waiting="" in outcomes,
        trouble="" if order.payment else next((outcome for outcome in outcomes if outcome not in ("", "booked")), ""),
    )


def _with_places(payments: QuerySet[Payment]) -> QuerySet[Payment]:
    return payments.select_related("org_unit", "received_by")


def _rows(payments: list[Payment]) -> tuple[PaymentRow, ...]:
    """The payments as rows; two more statements, however many there are, and a third where clients collected."""
    names = dues.names_of([payment.account_id for payment in payments])
    reasons = dict(
        Reversal.objects.filter(payment_id__in=[payment.pk for payment in payments]).values_list("payment_id", "reason")
    )
    outside = {payment.channel for payment in payments if payment.org_unit is None} - set(OWN_CHANNELS)
    clients = dict(ChannelClient.objects.filter(code__in=outside).values_list("code", "name")) if outside else {}
    return tuple(
        PaymentRow(
            payment_id=payment.pk,
            receipt_no=str(payment),
            account_no=names[payment.account_id][0],
            masked_name=names[payment.account_id][1],
            amount_fen=payment.amount_fen,
            prepaid_fen=payment.prepaid_fen,
            method=payment.method,
            method_word=str(METHODS[payment.method]),
            reference=payment.reference,
            received_at=payment.received_at,
            business_date=payment.business_date,
            hall=payment.org_unit.shown_name
            if payment.org_unit
            else clients.get(payment.channel) or str(_("网上营业厅")),
            clerk=(payment.received_by.display_name or payment.received_by.username) if payment.received_by else "",
            clerk_id=payment.received_by_id,
            is_reversed=payment.pk in reasons,
            reversal_reason=reasons.get(payment.pk, ""),
        )
        for payment in payments
    )
