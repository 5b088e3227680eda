"""Money that a provider has for us and that was not booked, as people see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.queries import dues
from config.shared import approval_queries
from config.shared.errors import NotFound
from payments.channels import CHANNELS
from payments.models import PaymentOrder, WalletNotice
from payments.words import METHODS

MOST = 200

WHY: dict[str, str | Promise] = {
    "order-unknown": gettext_lazy("没有这张缴费单"),
    "amount-differs": gettext_lazy("金额和缴费单不同"),
    "order-closed": gettext_lazy("缴费单已经关闭"),
    "paid-twice": gettext_lazy("同一张缴费单付了两次"),
    "account-closed": gettext_lazy("户号已经销户"),
    "account-has-no-ledger": gettext_lazy("户号没有账"),
}


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One sum that waits, or went to a payment; `account_no` is the order's, empty where there is no order."""

    notice_id: int
    out_trade_no: str
    provider_no: str
    channel_word: str
    amount_fen: int
    why: str
    received_at: datetime
    days: int
    account_no: str
    ordered_fen: int | None
    receipt_no: str


@dataclass(frozen=True, slots=True)
class HeldPage:
    """What waits, the oldest first, and what was settled last; `open_fen` is all that waits."""

    waiting: tuple[HeldRow, ...]
    settled: tuple[HeldRow, ...]
    open_count: int
    open_fen: int


def list_held(*, at: datetime) -> HeldPage:
    """Everything that waits (the oldest 200 in rows) and the twenty that were settled last."""
    held = WalletNotice.objects.filter(is_held=True)
    waiting = held.filter(settled_payment=None).order_by("received_at", "pk")
    settled = held.exclude(settled_payment=None).order_by(F("settled_payment_id").desc())
    sums = waiting.aggregate(fen=Sum("amount_fen"))
    return HeldPage(
        waiting=_rows(waiting[:MOST], at),
        settled=_rows(settled[:20], at),
        open_count=waiting.count(),
        open_fen=sums["fen"] or 0,
    )


def get_held(notice_id: int, *, at: datetime) -> HeldRow:
    """
    One of them.

    :raises NotFound: there is none
    """
    rows = _rows(WalletNotice.objects.filter(pk=notice_id, is_held=True), at)
    if not rows:
        raise NotFound(_("没有这笔待核对的款。"))
    return rows[0]


def waiting_for(notice_id: int) -> approval_queries.ApprovalRow | None:
    """The request that waits for somebody's decision."""
    about = approval_queries.list_about(f"held:{notice_id}")
    return next((row for row in about if row.state == "waiting"), None)


def _rows(notices: QuerySet[WalletNotice], at: datetime) -> tuple[HeldRow, ...]:
    found: Sequence[WalletNotice] = list(notices.select_related("settled_payment"))
    numbers = [notice.out_trade_no for notice in found]
    orders = {order.out_trade_no: order for order in PaymentOrder.objects.filter(out_trade_no__in=numbers)}
    names = dues.names_of(sorted({order.account_id for order in orders.values()}))
    return tuple(_row(notice, orders.get(notice.out_trade_no), names, at) for notice in found)


def _row(notice: WalletNotice, order: PaymentOrder | None, names: dict[int, tuple[str, str]], at: datetime) -> HeldRow:
    return HeldRow(
        notice_id=notice.pk,
        out_trade_no=notice.out_trade_no,
        provider_no=notice.provider_no,
        channel_word=str(METHODS[CHANNELS[notice.channel].method]),
        amount_fen=notice.amount_fen,
        why=str(WHY.get(notice.outcome, notice.outcome)),
        received_at=notice.received_at,
        days=(at - notice.received_at).days,
        account_no=names[order.account_id][0] if order else "",
        ordered_fen=order.amount_fen if order else None,
        receipt_no=str(notice.settled_payment) if notice.settled_payment else "",
    )
