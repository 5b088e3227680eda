"""
Pay through a wallet: start an order; keep a notice, then book it.

A notice is checked, kept in a transaction of its own, and only then booked; if the booking is interrupted, the event
that was kept with the notice brings it back. Booking is the same act as at the counter, under the order's number.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.operations.settlement import AccountHasNoLedger, AmountRefused, BillNotOpen
from cis.queries import dues
from config.shared.display_formats import format_money
from config.shared.errors import BadInput, Refused
from config.shared.events import publish
from config.shared.money import MAX_FEN, yuan_from_fen
from payments.channels import CHANNELS
from payments.channels.base import NotBelievable, OrderToPay, PaidNotice
from payments.events import WalletNoticeStored
from payments.models import Payment, PaymentOrder, WalletNotice
from payments.operations.taking import AccountClosed, KeyUsedOtherwise, UnusableKey, book_payment, is_form_key

log = logging.getLogger(__name__)

ORDER_LASTS = timedelta(minutes=15)
NONCE_IS_KEPT = timedelta(days=1)
BOOKED = "booked"


class AlreadyPaid(Refused):
    """The order was paid before."""

    code = "already-paid"


class ChannelNotOffered(Refused):
    """This installation has no such channel."""

    code = "channel-not-offered"


class NoticeRefused(BadInput):
    """The notice is not to be believed; `reason` says why."""

    code = "notice-refused"
    status = 400


@dataclass(frozen=True, slots=True)
class StartedOrder:
    """An order and where its payer goes."""

    out_trade_no: str
    payment_address: str


def start_order(
    *,
    account_id: int,
    amount_fen: int,
    form_key: str,
    created_by_id: int | None,
    bill_ids: Sequence[int] = (),
    notify_url: str,
    return_url: str,
    channel: str = "wallet",
    at: datetime,
) -> StartedOrder:
    """
    An order for the wallet; the same `form_key` gives the same order.

    `bill_ids`: the bills that the payer chose; what was paid meanwhile when the money comes is passed over.
    `return_url` may hold `{order}`, where the order's number is put. Where WALLET_NOTIFY_BASE is set, the wallet is
    told to answer there instead of the host of `notify_url`, which is what the payer's browser asked for.

    :raises AmountRefused, AccountHasNoLedger, AccountClosed: nothing can be collected so
    :raises BillNotOpen: a chosen bill is paid
    :raises AlreadyPaid: the form's order was paid before
    :raises KeyUsedOtherwise: the form's order was for another account or amount
    """
    provider = CHANNELS.get(channel)
    if provider is None or not provider.is_available():
        raise ChannelNotOffered(_("现在不能用这种方式支付，请到营业厅缴费或稍后再试。"))
    if not is_form_key(form_key):
        raise UnusableKey(_("这张缴费单无法识别，请重新打开缴费页面。"))
    owed = _check_payable(account_id, amount_fen, at)
    if not set(bill_ids) <= {bill.bill_id for bill in owed.open_bills}:
        raise BillNotOpen(_("选中的账单已经交清，请刷新页面重新选择。"))
    out_trade_no = f"W{form_key}"
    order, _is_new = PaymentOrder.objects.get_or_create(
        out_trade_no=out_trade_no,
        defaults={
            "channel": channel,
            "account_id": account_id,
            "amount_fen": amount_fen,
            "bill_ids": list(bill_ids),
            "created_by_id": created_by_id,
            "created_at": at,
            "expires_at": at + ORDER_LASTS,
        },
    )
    if order.account_id != account_id:
        raise KeyUsedOtherwise(_("这张缴费单已经用过，请重新打开缴费页面。"))
    if order.state == PaymentOrder.State.PAID:
        raise AlreadyPaid(_("这张缴费单已经支付，没有重复扣款。"), out_trade_no=out_trade_no)
    if order.amount_fen != amount_fen or order.expires_at <= at:
        raise KeyUsedOtherwise(_("这张缴费单已经用过或已过期，请重新打开缴费页面。"))
    address = provider.payment_address(
        OrderToPay(
            out_trade_no=out_trade_no,
            subject=_("电费 %(account)s") % {"account": owed.account_no},
            amount_fen=amount_fen,
            created_at=at,
            expires_at=order.expires_at,
            notify_url=_reachable(notify_url),
            return_url=return_url.replace("{order}", out_trade_no),
        )
    )
    return StartedOrder(out_trade_no, address)


def _reachable(notify_url: str) -> str:
    base = settings.WALLET_NOTIFY_BASE
    return urljoin(base, urlsplit(notify_url).path) if base else notify_url


def receive_notice(*, channel: str, fields: Mapping[str, str], at: datetime) -> None:
    """
    A provider says that somebody paid: check it, keep it for good, then book it.

    Returns when the notice is kept; what stands against booking it is kept with it and left to people.

    :raises NoticeRefused: it is not the provider's, not of now, or a repeated nonce
    """
    provider = CHANNELS.get(channel)
    if provider is None or not provider.is_available():
        raise NoticeRefused(reason="no-such-channel")
    try:
        notice = provider.read_notice(fields, at=at)
    except NotBelievable as error:
        log.warning("wallet notice refused", extra={"reason": error.code})
        raise NoticeRefused(reason=error.code) from error
    with transaction.atomic():
        if not _is_first_use(notice.nonce, at):
            raise NoticeRefused(reason="nonce-repeated")
        _row, is_new = WalletNotice.objects.get_or_create(
            notice_id=notice.notice_id,
            defaults={
                "channel": channel,
                "out_trade_no": notice.out_trade_no,
                "body": notice.body,
                "signature": notice.signature,
                "received_at": at,
                "outcome": _fault_of(notice, channel),
            },
        )
        if is_new:
            publish(WalletNoticeStored(out_trade_no=notice.out_trade_no, notice_id=notice.notice_id))
    book_notice(notice_id=notice.notice_id)


def book_notice(*, notice_id: str) -> None:
    """Book a kept notice; harmless when repeated, and when there is nothing to book any more."""
    with transaction.atomic():
        notice = WalletNotice.objects.select_for_update().filter(notice_id=notice_id).first()
        if notice is None or notice.outcome:
            return
        try:
            with transaction.atomic():
                _book(notice)
            notice.outcome = BOOKED
        except Refused as error:
            # The customer has paid and we cannot book it: people must look at it, repeats do not help.
            log.error("wallet notice not booked", extra={"code": error.code, "notice": notice_id})
            notice.outcome = error.code
        notice.save(update_fields=["outcome"])


def _book(notice: WalletNotice) -> None:
    order = PaymentOrder.objects.get(out_trade_no=notice.out_trade_no)
    taken = book_payment(
        channel=notice.channel,
        serial=notice.out_trade_no,
        account_id=order.account_id,
        amount_fen=order.amount_fen,
        method=Payment.Method.WALLET,
        org_unit_id=None,
        received_by_id=None,
        reference=notice.notice_id,
        chosen=order.bill_ids,
        is_wish=True,
        at=notice.received_at,
    )
    PaymentOrder.objects.filter(pk=order.pk, state=PaymentOrder.State.CREATED).update(
        state=PaymentOrder.State.PAID, payment_id=taken.payment_id
    )


def _fault_of(notice: PaidNotice, channel: str) -> str:
    """Why a believable notice must not be booked, as a code; empty when nothing stands against it."""
    order = PaymentOrder.objects.filter(out_trade_no=notice.out_trade_no, channel=channel).first()
    if order is None:
        return "order-unknown"
    if order.amount_fen != notice.amount_fen:
        return "amount-differs"
    if order.state == PaymentOrder.State.CLOSED:
        return "order-closed"
    return ""


def _is_first_use(nonce: str, at: datetime) -> bool:
    """Note the nonce; False when it was noted before, by whatever process."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM payments_nonce WHERE seen_at < %s", [at - NONCE_IS_KEPT])
        cursor.execute(
            "INSERT INTO payments_nonce (nonce, seen_at) VALUES (%s, %s) ON CONFLICT DO NOTHING", [nonce, at]
        )
        return bool(cursor.rowcount == 1)


def _check_payable(account_id: int, amount_fen: int, at: datetime) -> dues.Dues:
    if amount_fen <= 0:
        raise AmountRefused(_("缴费金额必须大于 0，请重新输入。"))
    if amount_fen > MAX_FEN:
        raise AmountRefused(_("单笔缴费不能超过 %(yuan)s 元，请分笔缴纳。") % {"yuan": format_money(MAX_FEN)})
    owed = dues.get_dues(account_id=account_id, on=at.astimezone(settings.BILLING_TIME_ZONE).date())
    if amount_fen > owed.to_pay_fen + owed.written_off_fen and not owed.is_open:
        raise AccountClosed(
            _("这个户号已经销户，只需缴清欠费 %(yuan)s 元。")
            % {"yuan": yuan_from_fen(owed.to_pay_fen + owed.written_off_fen)}
        )
    return owed


__all__ = [
    "AccountHasNoLedger",
    "AlreadyPaid",
    "ChannelNotOffered",
    "NoticeRefused",
    "StartedOrder",
    "book_notice",
    "receive_notice",
    "start_order",
]
