"""
Take a payment.

A payment's business key is (channel, serial); whoever books under it holds its advisory lock, then the account's
balance rows, so that any number of repeats ends in one payment and the same answer. No rule here looks at areas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from cis.operations import collecting, fee_control_acts, ledger, notices, settlement
from cis.queries import dues
from config.shared.display_formats import format_money
from config.shared.errors import BadInput, Refused
from config.shared.events import publish
from config.shared.money import MAX_FEN, yuan_from_fen
from payments.events import PaymentReceived
from payments.messages import PAYMENT_RECEIVED, PAYMENT_RECEIVED_LINK
from payments.models import DrawerEntry, Payment, WebhookKind
from payments.operations.client_facts import tell_client
from payments.operations.debit_freezes import make_way
from payments.operations.drawers import note_cash
from payments.receipt_numbers import receipt_number
from payments.receipt_tokens import verification_token

COUNTER = "counter"
DEBIT = "debit"
# What a method brings in stands on this control account until it is in the bank.
CLEARING: dict[str, str] = {
    Payment.Method.CASH: "CASH",
    Payment.Method.CARD: "CARD_CLEARING",
    Payment.Method.QR: "QR_CLEARING",
    Payment.Method.WALLET: "WALLET_CLEARING",
    Payment.Method.WECHAT: "WECHAT_CLEARING",
    Payment.Method.ALIPAY: "ALIPAY_CLEARING",
    Payment.Method.CHEQUE: "CHEQUE_CLEARING",
    Payment.Method.TRANSFER: "UNIDENTIFIED",
    Payment.Method.NOTE: "NOTES_RECEIVABLE",
    Payment.Method.DEBIT: "DEBIT_CLEARING",
    Payment.Method.TERMINAL: "TERMINAL_CLEARING",
}
COUNTER_METHODS: tuple[str, ...] = (Payment.Method.CASH, Payment.Method.CARD, Payment.Method.QR)
_KEY = re.compile(r"[A-Za-z0-9_-]{8,60}")


class UnusableKey(BadInput):
    """The key that came with the payment is none that a form carries."""

    code = "unusable-key"


class KeyUsedOtherwise(Refused):
    """The key already made another payment: other account, amount or method."""

    code = "key-used-otherwise"
    status = 422


class MethodUnknown(BadInput):
    """Nothing is taken by that method here."""

    code = "method-unknown"


class AccountClosed(Refused):
    """A closed account may pay what it owes and no more: nothing would ever use the surplus."""

    code = "account-closed"


@dataclass(frozen=True, slots=True)
class TakenPayment:
    """A payment as it was booked; `is_repeat` says that the key had made it before."""

    payment_id: int
    receipt_no: str
    allocations: tuple[settlement.AllocatedBill, ...]
    prepaid_fen: int
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class CameIn:
    """
    How a payment came in: where its money lies, and what a channel said of it.

    `business_date`: the accounting day of the channel; None for the day that is open here.
    """

    clearing: str | int
    business_date: date | None = None
    means: str = ""
    branch: str = ""
    teller: str = ""
    paid_at: datetime | None = None


def take_payment(
    *,
    account_id: int,
    amount_fen: int,
    method: str,
    org_unit_id: int | None,
    received_by_id: int | None,
    form_key: str,
    reference: str = "",
    bill_ids: Sequence[int] = (),
    at: datetime,
) -> TakenPayment:
    """
    Take money at a counter: late fees and bills by the rule in force, the surplus to the prepayment balance.

    `bill_ids`: bills that the customer chose to pay first, in that order.

    The same `form_key` gives the first payment again, however often and however many ask at once.

    :raises AmountRefused: not between 1 fen and 10^11 fen
    :raises AccountHasNoLedger: there is no such account
    :raises AccountClosed: more than a closed account owes
    :raises BillNotOpen: nothing is to be paid on a chosen bill
    :raises KeyUsedOtherwise: the key made a payment of another account, amount or method
    :raises UnusableKey, MethodUnknown: the form was not one of ours
    """
    if not is_form_key(form_key):
        raise UnusableKey(_("这张收款单无法识别，请从客户页面重新打开收款。"))
    if method not in COUNTER_METHODS:
        raise MethodUnknown(_("柜台只收现金、刷卡和扫码，请重新选择收款方式。"))
    with transaction.atomic():
        return book_payment(
            channel=COUNTER,
            serial=form_key,
            account_id=account_id,
            amount_fen=amount_fen,
            method=method,
            org_unit_id=org_unit_id,
            received_by_id=received_by_id,
            reference=reference,
            chosen=bill_ids,
            at=at,
        )


def book_payment(
    *,
    channel: str,
    serial: str,
    account_id: int,
    amount_fen: int,
    method: str,
    org_unit_id: int | None,
    received_by_id: int | None,
    reference: str,
    chosen: Sequence[int] = (),
    is_wish: bool = False,
    at: datetime,
) -> TakenPayment:
    """
    Book a payment of any channel once, inside the caller's transaction; refusals as for `take_payment`.

    `is_wish`: the money is here already; a chosen bill that was paid meanwhile stands in nobody's way.
    """
    check_amount(amount_fen)
    lock_serial(channel, serial)
    earlier = Payment.objects.filter(channel=channel, serial=serial).first()
    if earlier is not None:
        if (earlier.account_id, earlier.amount_fen, earlier.method) != (account_id, amount_fen, method):
            raise KeyUsedOtherwise(
                _("这张收款单已经收过 %(yuan)s 元（收据 %(no)s），内容不同。请先核对收据；确需再收，请重新打开收款。")
                % {"yuan": yuan_from_fen(earlier.amount_fen), "no": str(earlier)},
                receipt_no=str(earlier),
            )
        return as_taken(earlier, is_repeat=True)
    return book_new(
        channel=channel,
        serial=serial,
        account_id=account_id,
        amount_fen=amount_fen,
        method=method,
        came=CameIn(CLEARING[method]),
        org_unit_id=org_unit_id,
        received_by_id=received_by_id,
        reference=reference,
        chosen=chosen,
        is_wish=is_wish,
        at=at,
    )


def book_new(
    *,
    channel: str,
    serial: str,
    account_id: int,
    amount_fen: int,
    method: str,
    came: CameIn,
    org_unit_id: int | None,
    received_by_id: int | None,
    reference: str,
    chosen: Sequence[int],
    is_wish: bool,
    at: datetime,
) -> TakenPayment:
    """
    Book a payment whose serial is locked (`lock_serial`) and was not used; refusals as for `take_payment`.

    :raises ledger.DayIsClosed: the accounting day that came with it is closed
    :raises BatchRunning: a bank has the account's debt in its file; not where the money is here already
    """
    balances = ledger.lock_balances([account_id])
    if account_id not in balances:
        raise settlement.AccountHasNoLedger(_("没有找到这个户号，请核对后再收款。"))
    if channel != DEBIT:
        make_way(account_id=account_id, money_is_here=is_wish)
    if not dues.is_open(account_id=account_id):
        owed_fen = dues.payable_fen(account_id=account_id, on=at.astimezone(settings.BILLING_TIME_ZONE).date())
        if amount_fen > owed_fen:
            raise AccountClosed(
                _("这个户号已经销户，只能收清欠费 %(yuan)s 元，不能多收。") % {"yuan": yuan_from_fen(owed_fen)}
            )
    business_date = came.business_date or ledger.open_business_date(at)
    payment_id = next_id("payments_payment")
    settled = settlement.settle(
        account_id=account_id,
        amount_fen=amount_fen,
        payment_id=payment_id,
        clearing=came.clearing,
        at=at,
        business_date=business_date,
        actor_id=received_by_id,
        chosen=chosen,
        is_wish=is_wish,
    )
    _write(
        [
            payment_id,
            channel,
            serial,
            account_id,
            amount_fen,
            settled.prepaid_fen,
            str(method),
            reference,
            at,
            business_date,
            org_unit_id,
            received_by_id,
            came.means,
            came.branch,
            came.teller,
            came.paid_at,
        ],
        settled.allocations,
    )
    if channel == COUNTER and method == Payment.Method.CASH:
        note_cash(
            DrawerEntry.Kind.PAYMENT,
            document_id=payment_id,
            amount_fen=amount_fen,
            user_id=received_by_id,
            org_unit_id=org_unit_id,
            at=at,
        )
    publish(
        PaymentReceived(
            account_id=account_id,
            payment_id=payment_id,
            amount_fen=amount_fen,
            prepaid_fen=settled.prepaid_fen,
            method=str(method),
        )
    )
    tell_client(channel, WebhookKind.PAYMENT_BOOKED, account_id=account_id, document_id=payment_id)
    return TakenPayment(
        payment_id=payment_id,
        receipt_no=receipt_number(payment_id, business_date),
        allocations=settled.allocations,
        prepaid_fen=settled.prepaid_fen,
        is_repeat=False,
    )


_PAYMENT = """
INSERT INTO payments_payment (id, channel, serial, account_id, amount_fen, prepaid_fen, method, reference, received_at,
                              business_date, org_unit_id, received_by_id, means, branch, teller, paid_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_ALLOCATIONS = """
INSERT INTO payments_allocation (payment_id, seq, bill_id, bill_no, amount_fen, fee_fen)
SELECT %s, seq, bill_id, bill_no, amount_fen, fee_fen
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
     WITH ORDINALITY AS part (bill_id, bill_no, amount_fen, fee_fen, seq)
"""


def _write(payment: list[Any], parts: Sequence[settlement.AllocatedBill]) -> None:
    """
    Write a payment and its allocations: once, after the surplus is known, because nobody may update a payment.

    Plain statements: putting them together anew from the models takes longer than the database takes to run them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PAYMENT, payment)
        if parts:
            columns = [
                [getattr(part, name) for part in parts] for name in ("bill_id", "bill_no", "amount_fen", "fee_fen")
            ]
            cursor.execute(_ALLOCATIONS, [payment[0], *columns])


def is_form_key(text: str) -> bool:
    """Whether the text can be the key of a form."""
    return _KEY.fullmatch(text) is not None


def check_amount(amount_fen: int) -> None:
    if amount_fen <= 0:
        raise settlement.AmountRefused(_("收款金额必须大于 0，请重新输入。"))
    if amount_fen > MAX_FEN:
        raise settlement.AmountRefused(
            _("单笔收款不能超过 %(yuan)s 元，请分笔收取。") % {"yuan": format_money(MAX_FEN)}
        )


def lock_serial(channel: str, serial: str) -> None:
    """Whoever books under this business key takes turns, whichever account they mean."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [f"{channel}:{serial}"])


def wait_at_most(milliseconds: int) -> None:
    """How long the rest of this transaction waits for a lock; 0: as long as it takes."""
    if milliseconds:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(milliseconds)])


def next_id(table: str) -> int:
    """An id for a row that is written once, after what it says is known."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table])
        return int(cursor.fetchone()[0])


def as_taken(payment: Payment, *, is_repeat: bool) -> TakenPayment:
    parts = payment.allocations.order_by("seq").values_list("bill_id", "bill_no", "amount_fen", "fee_fen")
    return TakenPayment(
        payment_id=payment.pk,
        receipt_no=str(payment),
        allocations=tuple(settlement.AllocatedBill(*part) for part in parts),
        prepaid_fen=payment.prepaid_fen,
        is_repeat=is_repeat,
    )


def tell_payer(*, payment_id: int, at: datetime) -> None:
    """Send the customer a message with the receipt's number and address; once, however often it is asked for."""
    payment = Payment.objects.get(pk=payment_id)
    parameters = {"yuan": yuan_from_fen(payment.amount_fen), "receipt": str(payment)}
    template = PAYMENT_RECEIVED
    if settings.PUBLIC_ADDRESS:
        template = PAYMENT_RECEIVED_LINK
        page = reverse("payments:verify", args=[verification_token(str(payment))])
        parameters["address"] = f"{settings.PUBLIC_ADDRESS}{page}"
    notices.tell_customer(
        account_id=payment.account_id,
        template=template.code,
        parameters=parameters,
        dedupe_key=f"receipt:{payment_id}",
        happened_at=payment.received_at,
        at=at,
    )


def stop_collecting(*, payment_id: int, at: datetime) -> None:
    """Tell collecting that a payment came in; repeated, it changes nothing."""
    payment = Payment.objects.get(pk=payment_id)
    collecting.note_payment(account_id=payment.account_id, payment_id=payment_id, paid_at=payment.received_at, at=at)
    fee_control_acts.note_payment(account_id=payment.account_id, paid_at=payment.received_at, at=at)
