"""Orders and how they were received: for those who watch the execution, and for the customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from cis.queries.dues import names_of
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.models import Message
from config.shared.permissions import in_scope
from dsm.messages import SHED_ORDER
from dsm.models import OrderReceipt, ShedOrder
from dsm.queries.shortages import name_of
from dsm.words import MEASURES

ORDERS = {
    "starts": Order((SortKey("starts_at", datetime), SortKey("order_id", int, "pk"))),
    "no": Order((SortKey("account_no", str, "account__account_no"),)),
}
REACHED = (Message.State.SENT, Message.State.DELIVERED, Message.State.READ)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order; `receipt_word` is empty while nobody confirmed it, `called_back_at` while it stands."""

    order_id: int
    account_id: int
    account_no: str
    masked_name: str
    measure_word: str
    starts_at: datetime
    ends_at: datetime
    peak_cut_kw: int
    security_kw: int
    is_notice_kept: bool
    is_told: bool
    is_underway: bool
    receipt_word: str
    received_at: datetime | None
    receipt_note: str
    called_back_at: datetime | None
    call_back_reason: str
    may_call_back: bool


@dataclass(frozen=True, slots=True)
class Execution:
    """How the orders of a shortage stand; those that were called back count as nothing else."""

    orders: int
    called_back: int
    confirmed: int
    told: int
    not_reached: int
    notice_broken: int
    kw: int


def execution_of(*, shortage_id: int) -> Execution:
    """The counts of a shortage's orders; one statement each, whatever their number."""
    given = _marked(ShedOrder.objects.filter(shortage_id=shortage_id))
    orders = given.filter(called_back_at__isnull=True)
    return Execution(
        orders=orders.count(),
        called_back=given.filter(called_back_at__isnull=False).count(),
        confirmed=orders.filter(has_receipt=True).count(),
        told=orders.filter(Q(has_receipt=True) | Q(is_told=True)).count(),
        not_reached=orders.filter(has_receipt=False, is_told=False).count(),
        notice_broken=orders.filter(issued_at__gt=F("notice_due_at")).count(),
        kw=sum(orders.values_list("cut__peak_cut_kw", flat=True)),
    )


def page_of_orders(ask: Ask, *, shortage_id: int, which: str = "", may_call_back: bool = False) -> Page[OrderRow]:
    """
    Orders of a shortage: all, not confirmed ("open"), reaching nobody ("lost"), called back ("back").

    `may_call_back`: whether the reader may; the rows that stand then say so.
    """
    rows = _marked(ShedOrder.objects.filter(shortage_id=shortage_id))
    if which == "open":
        rows = rows.filter(has_receipt=False, called_back_at__isnull=True)
    elif which == "lost":
        rows = rows.filter(has_receipt=False, is_told=False, called_back_at__isnull=True)
    elif which == "back":
        rows = rows.filter(called_back_at__isnull=False)
    return ask.page(ask.of(rows), lambda found: _rows(list(found), may_call_back=may_call_back))


def get_order(*, order_id: int, within: Sequence[str]) -> tuple[OrderRow, int]:
    """
    One order, and the id of its shortage.

    :raises NotFound: there is none within these organisation paths
    """
    found = _marked(ShedOrder.objects.filter(in_scope("shortage__org_unit", within), pk=order_id)).first()
    if found is None:
        raise NotFound(_("没有这条指令。"))
    return _rows([found])[0], found.shortage_id


def orders_of_accounts(*, account_ids: tuple[int, ...], limit: int = 50) -> tuple[OrderRow, ...]:
    """The newest orders of these accounts."""
    rows = _marked(ShedOrder.objects.filter(account_id__in=account_ids)).order_by("-starts_at", "-pk")[:limit]
    return tuple(_rows(list(rows)))


def _marked(orders: QuerySet[ShedOrder]) -> QuerySet[Any]:
    key = Concat(
        Value("shed-order:"),
        Cast(OuterRef("shortage_id"), CharField()),
        Value(":"),
        Cast(OuterRef("account_id"), CharField()),
        Value(":"),
        output_field=CharField(),
    )
    messages = Message.objects.filter(account_id=OuterRef("account_id"), template=SHED_ORDER.code)
    messages = messages.filter(dedupe_key__startswith=key)
    return orders.select_related("cut", "receipt__by").annotate(
        account_no=F("account__account_no"),
        order_id=F("pk"),
        has_receipt=Exists(OrderReceipt.objects.filter(order=OuterRef("pk"))),
        is_told=Exists(messages.filter(state__in=REACHED)),
        is_underway=Exists(messages.filter(state__in=Message.UNFINISHED)),
    )


def _rows(found: list[ShedOrder], *, may_call_back: bool = False) -> list[OrderRow]:
    names = names_of([order.account_id for order in found]) if found else {}
    return [_row(order, names[order.account_id], may_call_back=may_call_back) for order in found]


def _row(order: ShedOrder, name: tuple[str, str], *, may_call_back: bool) -> OrderRow:
    receipt: OrderReceipt | None = getattr(order, "receipt", None)
    note = ""
    if receipt is not None and receipt.how == OrderReceipt.How.TELEPHONE:
        note = f"{receipt.note}（{name_of(receipt.by)}）"
    return OrderRow(
        order_id=order.pk,
        account_id=order.account_id,
        account_no=name[0],
        masked_name=name[1],
        measure_word=str(MEASURES[order.cut.measure]),
        starts_at=order.starts_at,
        ends_at=order.ends_at,
        peak_cut_kw=order.cut.peak_cut_kw,
        security_kw=order.cut.security_kw,
        is_notice_kept=order.issued_at <= order.notice_due_at,
        is_told=getattr(order, "is_told", False),
        is_underway=getattr(order, "is_underway", False),
        receipt_word=_(OrderReceipt.How(receipt.how).label) if receipt is not None else "",
        received_at=receipt.at if receipt is not None else None,
        receipt_note=note,
        called_back_at=order.called_back_at,
        call_back_reason=order.call_back_reason,
        may_call_back=may_call_back and order.called_back_at is None,
    )
