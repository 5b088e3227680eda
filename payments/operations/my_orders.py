"""Orders that a customer's own app begins: one under one key for ever, for what is really owed, and asked about."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from cis.operations.ledger import DayIsClosed
from cis.operations.settlement import BillNotOpen
from cis.queries import dues
from config.shared.errors import Refused
from payments.channels import CHANNELS
from payments.channels.base import Payer
from payments.models import PaymentOrder
from payments.operations.orders import (
    AlreadyPaid,
    ProviderSilent,
    ProviderUnclear,
    StartedOrder,
    ask_about_order,
    order_number,
    start_order,
)
from payments.operations.taking import KeyUsedOtherwise, UnusableKey

log = logging.getLogger(__name__)

MY_CHANNELS = ("wechat", "alipay")
# With or without the quotes of a structured-field string (draft-ietf-httpapi-idempotency-key-header).
_KEY = re.compile(r'"?([\x21\x23-\x5b\x5d-\x7e]{8,255})"?')


class AmountDiffers(Refused):
    """The chosen bills cost another amount today; `to_pay_fen` says which."""

    code = "amount-differs"


def start_my_order(
    *,
    user_id: int,
    account_id: int,
    amount_fen: int,
    bill_nos: Sequence[str],
    key: str,
    channel: str,
    payer: Payer,
    notify_url: str,
    return_url: str,
    at: datetime,
) -> StartedOrder:
    """
    The order of a person under their own key; the same asked again is the same order. Outside of a transaction.

    Without `bill_nos` the oldest bills are paid first and what is more becomes prepayment; with them the amount is
    what they cost today, late fees among it.

    :raises UnusableKey: the key is missing or malformed
    :raises KeyUsedOtherwise: the key was used for another account, amount, channel or choice of bills
    :raises AlreadyPaid: this very order is paid; `out_trade_no` leads to it
    :raises BillNotOpen: a chosen bill is paid, or is not of this account
    :raises AmountDiffers: see there
    """
    form_key = _form_key(user_id, key)
    owed = dues.get_dues(account_id=account_id, on=at.astimezone(settings.BILLING_TIME_ZONE).date())
    open_bills = {bill.bill_no: bill for bill in owed.open_bills}
    _check_same(form_key, account_id=account_id, amount_fen=amount_fen, bill_nos=bill_nos, channel=channel)
    if not set(bill_nos) <= set(open_bills):
        raise BillNotOpen(_("选中的账单已经交清，请刷新页面重新选择。"))
    chosen = sorted((open_bills[number] for number in set(bill_nos)), key=lambda bill: bill.bill_id)
    to_pay_fen = sum(bill.to_pay_fen for bill in chosen)
    if chosen and to_pay_fen != amount_fen:
        raise AmountDiffers(_("应交金额有变化，请刷新后再付。"), to_pay_fen=to_pay_fen)
    return start_order(
        account_id=account_id,
        amount_fen=amount_fen,
        bill_ids=[bill.bill_id for bill in chosen],
        form_key=form_key,
        created_by_id=user_id,
        channel=channel,
        payer=payer,
        notify_url=notify_url,
        return_url=return_url,
        at=at,
    )


def ask_about_my_order(*, out_trade_no: str, at: datetime) -> None:
    """
    Ask the provider about an order that waits, for somebody who looks at it; silence changes nothing.

    Whether the order is theirs is the caller's to know.
    """
    waits = PaymentOrder.objects.filter(out_trade_no=out_trade_no, state=PaymentOrder.State.CREATED)
    channel = waits.values_list("channel", flat=True).first()
    if channel is None or not CHANNELS[channel].can_be_asked:
        return
    try:
        ask_about_order(out_trade_no=out_trade_no, at=at)
    except (ProviderSilent, ProviderUnclear, DayIsClosed):
        log.info("nothing new of an order", extra={"channel": channel})


def _form_key(user_id: int, key: str) -> str:
    """A key is of its person alone: another's same key is another order."""
    found = _KEY.fullmatch(key)
    if found is None:
        raise UnusableKey(_("请在 Idempotency-Key 头里给出这笔款的唯一键，8 到 255 个字符。"))
    return hashlib.sha256(f"my:{user_id}:{found[1]}".encode()).hexdigest()[:48]


def _check_same(form_key: str, *, account_id: int, amount_fen: int, bill_nos: Sequence[str], channel: str) -> None:
    """One key is one order, whichever way it would be paid: a second asking must be the same, and unpaid."""
    numbers = [order_number(one, form_key) for one in MY_CHANNELS]
    before = PaymentOrder.objects.filter(out_trade_no__in=numbers).first()
    if before is None:
        return
    bill_ids = sorted({int(number[6:]) for number in bill_nos})
    asked = (account_id, amount_fen, bill_ids, channel)
    if (before.account_id, before.amount_fen, sorted(before.bill_ids), before.channel) != asked:
        raise KeyUsedOtherwise(_("这个唯一键已经用于另一笔缴费，请换一个新的键。"))
    if before.state == PaymentOrder.State.PAID:
        raise AlreadyPaid(_("这张缴费单已经支付，没有重复扣款。"), out_trade_no=before.out_trade_no)
