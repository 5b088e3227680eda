"""
Pay through a provider: start an order; keep a notice, then book it; ask about orders of which nobody told us.

A notice is checked, kept in a transaction of its own, and only then booked; if the booking is interrupted, the event
that was kept with the notice brings it back. What a provider answers when asked is kept and booked in the same way.
Booking is the same act as at the counter, under the order's number.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from cis.operations import ledger
from cis.operations.settlement import AccountHasNoLedger, AmountRefused, BillNotOpen
from cis.queries import dues
from config.shared.display_formats import format_money
from config.shared.errors import BadInput, Refused
from config.shared.events import publish
from config.shared.money import MAX_FEN, yuan_from_fen
from payments.channels import CHANNELS
from payments.channels.base import (
    Begun,
    Declined,
    Incoming,
    NoAnswer,
    NotBelievable,
    OrderToPay,
    PaidNotice,
    Payer,
    RefundTold,
    Standing,
)
from payments.events import WalletNoticeStored
from payments.models import PaymentOrder, SeenNonce, WalletNotice
from payments.operations.debit_freezes import make_way
from payments.operations.held_money import hold
from payments.operations.paybacks import ProviderSilent, ProviderUnclear, book_refund_notice, keep_refund_notice
from payments.operations.taking import (
    AccountClosed,
    KeyUsedOtherwise,
    UnusableKey,
    book_payment,
    is_form_key,
    wait_at_most,
)

log = logging.getLogger(__name__)

ORDER_LASTS = timedelta(minutes=15)
# Notices come within seconds; after this the provider is asked (WeChat Pay advises to begin after some ten seconds).
ASKED_AFTER = timedelta(seconds=20)
ASKED_AGAIN_AT_MOST = timedelta(minutes=10)
# The provider's clock and ours may differ, and somebody may be paying at the last moment.
CLOSED_AFTER = timedelta(minutes=2)
NONCE_IS_KEPT = timedelta(days=1)
# A provider waits five seconds for its answer; what takes longer is booked by the event that was kept with the notice.
BOOKED_AT_ONCE_WITHIN_MS = 2_000
BOOKED = "booked"


class AlreadyPaid(Refused):
    """The order was paid before."""

    code = "already-paid"


class ChannelNotOffered(Refused):
    """This installation has no such channel."""

    code = "channel-not-offered"


class ProviderDeclined(Refused):
    """The provider refused the order."""

    code = "provider-declined"
    status = 502


class NoticeRefused(BadInput):
    """The notice is not to be believed; `reason` says why."""

    code = "notice-refused"
    status = 400


@dataclass(frozen=True, slots=True)
class StartedOrder:
    """An order and how its payer goes on."""

    out_trade_no: str
    begun: Begun

    @property
    def payment_address(self) -> str:
        """Where the payer goes; empty where a code is scanned or WeChat opens its own window."""
        return self.begun.address


def start_order(
    *,
    account_id: int,
    amount_fen: int,
    form_key: str,
    created_by_id: int | None,
    bill_ids: Sequence[int] = (),
    notify_url: str,
    return_url: str,
    channel: str,
    payer: Payer = Payer(),  # noqa: B008 - frozen
    at: datetime,
) -> StartedOrder:
    """
    An order for a provider; the same `form_key` gives the same order. Called outside of a transaction: the order is
    kept before the provider hears of it, so that whatever it says later finds the order.

    `bill_ids`: the bills that the payer chose; what was paid meanwhile when the money comes is passed over.
    `return_url` may hold `{order}`, where the order's number is put. Where WALLET_NOTIFY_BASE is set, the provider is
    told to answer there instead of the host of `notify_url`, which is what the payer's browser asked for.

    :raises AmountRefused, AccountHasNoLedger, AccountClosed: nothing can be collected so
    :raises BillNotOpen: a chosen bill is paid
    :raises AlreadyPaid: the form's order was paid before
    :raises KeyUsedOtherwise: the form's order was for another account or amount
    :raises ProviderSilent: the provider did not answer; nothing was charged, the same form may be sent again
    :raises ProviderDeclined: the provider refused the order
    """
    provider = CHANNELS.get(channel)
    if provider is None or not provider.is_available():
        raise ChannelNotOffered(_("现在不能用这种方式支付，请到营业厅缴费或稍后再试。"))
    if not is_form_key(form_key):
        raise UnusableKey(_("这张缴费单无法识别，请重新打开缴费页面。"))
    owed = _check_payable(account_id, amount_fen, at)
    if not set(bill_ids) <= {bill.bill_id for bill in owed.open_bills}:
        raise BillNotOpen(_("选中的账单已经交清，请刷新页面重新选择。"))
    out_trade_no = order_number(channel, form_key)
    with transaction.atomic():
        # Against a batch that is being frozen, which passes over accounts with an order under way.
        ledger.lock_balances([account_id])
        make_way(account_id=account_id)
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
                "ask_at": at + ASKED_AFTER,
            },
        )
    if (order.account_id, order.created_by_id) != (account_id, created_by_id):
        raise KeyUsedOtherwise(_("这张缴费单已经用过，请重新打开缴费页面。"))
    if order.state == PaymentOrder.State.PAID:
        raise AlreadyPaid(_("这张缴费单已经支付，没有重复扣款。"), out_trade_no=out_trade_no)
    same = (order.amount_fen, order.bill_ids) == (amount_fen, list(bill_ids))
    if not same or order.expires_at <= at or order.state != PaymentOrder.State.CREATED:
        raise KeyUsedOtherwise(_("这张缴费单已经用过或已过期，请重新打开缴费页面。"))
    asked = OrderToPay(
        out_trade_no=out_trade_no,
        subject=_("电费 %(account)s") % {"account": owed.account_no},
        amount_fen=amount_fen,
        created_at=at,
        expires_at=order.expires_at,
        notify_url=_reachable(notify_url),
        return_url=return_url.replace("{order}", out_trade_no),
        payer=payer,
    )
    try:
        return StartedOrder(out_trade_no, provider.begin(asked))
    except NoAnswer as silent:
        log.warning("provider did not answer", extra={"channel": channel, "reason": str(silent)})
        raise ProviderSilent(_("支付平台没有回应，还没有扣款。请再试一次，或换一种方式支付。")) from silent
    except Declined as declined:
        log.error("provider declined an order", extra={"channel": channel, "code": declined.code})
        raise ProviderDeclined(_("支付平台没有接受这张缴费单，还没有扣款。请换一种方式支付。")) from declined


def order_number(channel: str, form_key: str) -> str:
    """
    What a provider knows the order of a form by: the same for the same form, at most 32 letters and digits.

    Source of the length: WeChat Pay API v3, out_trade_no, 6 to 32 characters.
    """
    return f"{channel[0].upper()}{hashlib.sha256(f'{channel}:{form_key}'.encode()).hexdigest()[:23].upper()}"


def _reachable(notify_url: str) -> str:
    base = settings.WALLET_NOTIFY_BASE
    return urljoin(base, urlsplit(notify_url).path) if base else notify_url


def receive_notice(*, channel: str, incoming: Incoming, at: datetime) -> None:
    """
    A provider says that somebody paid, or what became of a refund: check it, keep it for good, then book it.

    Returns when the notice is kept; what stands against booking it is kept with it and left to people. What tells of
    no money is taken and forgotten.

    :raises NoticeRefused: it is not the provider's, not of now, or a repeated nonce
    """
    provider = CHANNELS.get(channel)
    if provider is None or not provider.is_available():
        raise NoticeRefused(reason="no-such-channel")
    try:
        notice = provider.read_notice(incoming, at=at)
    except NotBelievable as error:
        log.warning("notice of a provider refused", extra={"channel": channel, "reason": error.code})
        raise NoticeRefused(reason=error.code) from error
    if notice is None:
        return
    with transaction.atomic():
        if notice.nonce and not _is_first_use(notice.nonce, at):
            raise NoticeRefused(reason="nonce-repeated")
        if isinstance(notice, RefundTold):
            keep_refund_notice(channel, notice, at)
        else:
            _keep(channel, notice, at)
    book = book_refund_notice if isinstance(notice, RefundTold) else book_notice
    try:
        book(channel=channel, notice_id=notice.notice_id, within_ms=BOOKED_AT_ONCE_WITHIN_MS)
    except (ledger.DayIsClosed, OperationalError) as later:
        log.warning("notice is booked later", extra={"channel": channel, "reason": type(later).__name__})


def _keep(channel: str, notice: PaidNotice, at: datetime) -> None:
    """The notice, once and for good, with the fact that brings it back if we are interrupted."""
    _row, is_new = WalletNotice.objects.get_or_create(
        channel=channel,
        notice_id=notice.notice_id,
        defaults={
            "out_trade_no": notice.out_trade_no,
            "provider_no": notice.provider_no,
            "amount_fen": notice.amount_fen,
            "body": notice.body,
            "signature": notice.signature,
            "received_at": at,
        },
    )
    if is_new:
        publish(WalletNoticeStored(out_trade_no=notice.out_trade_no, notice_id=notice.notice_id, channel=channel))


def orders_to_ask_about(*, at: datetime, limit: int = 200) -> tuple[tuple[str, str], ...]:
    """
    Numbers and channels of orders that wait for a while without a notice, at providers that can be asked.

    Whoever takes one puts its next turn off, longer the older it is: two processes never take the same, and an order
    of which nothing can be known keeps no other from its turn.
    """
    asked = [name for name, channel in CHANNELS.items() if channel.can_be_asked and channel.is_available()]
    with transaction.atomic():
        turn = PaymentOrder.objects.select_for_update(skip_locked=True).filter(
            state=PaymentOrder.State.CREATED, ask_at__lte=at, channel__in=asked
        )
        orders = list(turn.order_by("ask_at")[:limit])
        for order in orders:
            order.ask_at = at + min(max(ASKED_AFTER, (at - order.created_at) / 4), ASKED_AGAIN_AT_MOST)
        PaymentOrder.objects.bulk_update(orders, ["ask_at"])
    return tuple((order.out_trade_no, order.channel) for order in orders)


def ask_about_order(*, out_trade_no: str, at: datetime) -> str:
    """
    Ask the provider about an order of which nobody told us: book what is paid, close what is too late; gives its state.

    Repeated, or beside a notice, it changes nothing more. Called outside of a transaction.

    :raises ProviderSilent: nothing is known; ask again later
    :raises ProviderUnclear: it answered, but nothing follows from it
    """
    order = PaymentOrder.objects.get(out_trade_no=out_trade_no)
    provider = CHANNELS[order.channel]
    if order.state != PaymentOrder.State.CREATED:
        return order.state
    try:
        found = provider.find(out_trade_no, at=at)
        is_closed = found.standing == Standing.CLOSED
        if found.standing != Standing.PAID and not is_closed and order.expires_at + CLOSED_AFTER <= at:
            is_closed = provider.close(out_trade_no, at=at)
            # Between the question and the closing, and while it was being closed, somebody may have paid.
            found = provider.find(out_trade_no, at=at)
            is_closed = is_closed and found.standing in (Standing.CLOSED, Standing.UNKNOWN)
    except NoAnswer as silent:
        log.warning("provider says nothing of an order", extra={"channel": order.channel, "reason": str(silent)})
        raise ProviderSilent(_("支付平台没有回应，稍后会再查询。")) from silent
    except (Declined, NotBelievable) as unclear:
        log.error("provider's answer is of no use", extra={"channel": order.channel, "code": unclear.code})
        raise ProviderUnclear(_("支付平台的回答不能用，稍后会再查询。")) from unclear
    if found.standing in (Standing.PAID, Standing.RETURNED):
        told = PaidNotice(
            notice_id=f"asked:{out_trade_no}", nonce="", out_trade_no=out_trade_no, provider_no=found.provider_no,
            amount_fen=found.amount_fen, body=found.body, signature="",
        )  # fmt: skip
        with transaction.atomic():
            _keep(order.channel, told, at)
        book_notice(channel=order.channel, notice_id=told.notice_id)
    elif is_closed:
        PaymentOrder.objects.filter(pk=order.pk, state=PaymentOrder.State.CREATED).update(
            state=PaymentOrder.State.CLOSED
        )
    return PaymentOrder.objects.values_list("state", flat=True).get(pk=order.pk)


def book_notice(*, channel: str, notice_id: str, within_ms: int = 0) -> None:
    """
    Book a kept notice; harmless when repeated, and when there is nothing to book any more.

    `within_ms`: how long to wait for a lock; 0: as long as it takes.

    :raises ledger.DayIsClosed: the day was closed in this moment; again, it is booked on the next
    """
    with transaction.atomic():
        wait_at_most(within_ms)
        notice = WalletNotice.objects.select_for_update().filter(channel=channel, notice_id=notice_id).first()
        if notice is None or notice.outcome:
            return
        outcome = _fault_of(notice)
        if not outcome:
            try:
                with transaction.atomic():
                    _book(notice)
            except ledger.DayIsClosed:
                raise
            except Refused as error:
                # The customer has paid and we cannot book it: people must look at it, repeats do not help.
                outcome = error.code
        if outcome:
            log.error("notice of a provider not booked", extra={"code": outcome, "notice": notice_id})
            hold(notice, outcome=outcome)
            return
        notice.outcome = BOOKED
        notice.save(update_fields=["outcome"])


def _book(notice: WalletNotice) -> None:
    order = PaymentOrder.objects.get(out_trade_no=notice.out_trade_no)
    taken = book_payment(
        channel=notice.channel,
        serial=notice.out_trade_no,
        account_id=order.account_id,
        amount_fen=order.amount_fen,
        method=CHANNELS[notice.channel].method,
        org_unit_id=None,
        received_by_id=None,
        reference=notice.provider_no or notice.notice_id,
        chosen=order.bill_ids,
        is_wish=True,
        at=notice.received_at,
    )
    PaymentOrder.objects.filter(pk=order.pk, state=PaymentOrder.State.CREATED).update(
        state=PaymentOrder.State.PAID, payment_id=taken.payment_id
    )


def _fault_of(notice: WalletNotice) -> str:
    """Why a believable notice must not be booked, as a code; empty when nothing stands against it."""
    order = PaymentOrder.objects.filter(out_trade_no=notice.out_trade_no, channel=notice.channel).first()
    if order is None:
        return "order-unknown"
    if not notice.amount_fen:
        return "returned-there"
    if order.amount_fen != notice.amount_fen:
        return "amount-differs"
    if order.state in (PaymentOrder.State.CLOSED, PaymentOrder.State.HELD):
        return "order-closed"
    earlier = WalletNotice.objects.filter(
        channel=notice.channel, out_trade_no=notice.out_trade_no, outcome=BOOKED
    ).exclude(provider_no__in=("", notice.provider_no))
    return "paid-twice" if notice.provider_no and earlier.exists() else ""


def _is_first_use(nonce: str, at: datetime) -> bool:
    """Note the nonce; False when it was noted before, by whatever process."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_nonce (nonce, seen_at) VALUES (%s, %s) ON CONFLICT DO NOTHING", [nonce, at]
        )
        return bool(cursor.rowcount == 1)


def forget_nonces(*, at: datetime) -> None:
    """Forget nonces of notices that nobody would take for new any more."""
    SeenNonce.objects.filter(seen_at__lt=at - NONCE_IS_KEPT).delete()


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
    "ProviderDeclined",
    "ProviderSilent",
    "ProviderUnclear",
    "StartedOrder",
    "ask_about_order",
    "book_notice",
    "forget_nonces",
    "orders_to_ask_about",
    "receive_notice",
    "start_order",
]
