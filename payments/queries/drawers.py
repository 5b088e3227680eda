"""The counter's drawer as people see it: before the count nothing tells how much cash should be in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from config.shared import approval_queries
from config.shared.errors import NotFound
from config.shared.languages import in_language
from config.shared.permissions import is_within
from payments.models import DrawerEntry, DrawerShift, Payment
from payments.words import METHODS

_LAST = 20


@dataclass(frozen=True, slots=True)
class TenderRow:
    """What came by one method; `fen` is None for cash that is not counted yet."""

    method_word: str
    count: int
    fen: int | None


@dataclass(frozen=True, slots=True)
class PieceRow:
    """Notes or coins of one value that were counted."""

    fen: int
    number: int
    sum_fen: int


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """A drawer in a list."""

    shift_id: int
    opened_at: datetime
    closed_at: datetime | None
    difference_fen: int | None


@dataclass(frozen=True, slots=True)
class ShiftReport:
    """
    One drawer. `expected_fen`, `counted_fen`, `difference_fen` and the sums of cash are None before the count.

    `reversed_fen` and `refunded_fen` are what went out, positive; `waiting` is the request to confirm a difference.
    """

    shift_id: int
    clerk: str
    hall: str
    opened_at: datetime
    counted_at: datetime | None
    closed_at: datetime | None
    float_fen: int
    tenders: tuple[TenderRow, ...]
    cash_in_fen: int | None
    reversed_count: int
    reversed_fen: int | None
    refunded_count: int
    refunded_fen: int | None
    expected_fen: int | None
    counted_fen: int | None
    difference_fen: int | None
    short_fen: int
    over_fen: int
    pieces: tuple[PieceRow, ...]
    explanation: str
    confirmed_by: str
    first_receipt: str
    last_receipt: str
    waiting: approval_queries.ApprovalRow | None


def open_shift_id(user_id: int) -> int | None:
    """The drawer of a clerk that is not closed."""
    return DrawerShift.objects.filter(user_id=user_id, closed_at=None).values_list("pk", flat=True).first()


def last_shifts(user_id: int) -> tuple[ShiftRow, ...]:
    """The clerk's last twenty drawers, the newest first."""
    rows = DrawerShift.objects.filter(user_id=user_id).order_by("-opened_at", "-pk")[:_LAST]
    return tuple(ShiftRow(row.pk, row.opened_at, row.closed_at, row.difference_fen) for row in rows)


def shift_report(shift_id: int, *, user_id: int, within: Sequence[str]) -> ShiftReport:
    """
    One drawer: one's own, or one of a hall within these organisation paths.

    :raises NotFound: there is none, or it is not theirs to see
    """
    shift = DrawerShift.objects.select_related("user", "org_unit", "confirmed_by").filter(pk=shift_id).first()
    if shift is None or (shift.user_id != user_id and not is_within(shift.org_unit.path, within)):
        raise NotFound(_("没有找到这个钱箱。"))
    is_counted = shift.counted_at is not None
    moved = {
        row["kind"]: (row["count"], row["fen"])
        for row in shift.entries.values("kind").annotate(count=Count("pk"), fen=Sum("amount_fen")).order_by()
    }
    cash = moved.get(DrawerEntry.Kind.PAYMENT, (0, 0))
    reversed_, refunded = moved.get(DrawerEntry.Kind.REVERSAL, (0, 0)), moved.get(DrawerEntry.Kind.REFUND, (0, 0))
    taken = Payment.objects.filter(received_by_id=shift.user_id, channel="counter", received_at__gte=shift.opened_at)
    if shift.counted_at is not None:
        taken = taken.filter(received_at__lte=shift.counted_at)
    others = taken.exclude(method="cash").values("method").annotate(count=Count("pk"), fen=Sum("amount_fen"))
    tenders = [TenderRow(str(METHODS["cash"]), cash[0], cash[1] if is_counted else None)]
    tenders += [TenderRow(str(METHODS[row["method"]]), row["count"], row["fen"]) for row in others.order_by("method")]
    difference = shift.difference_fen or 0
    about = approval_queries.list_about(f"drawer:{shift.pk}") if is_counted and shift.closed_at is None else ()
    first, last = taken.order_by("pk").first(), taken.order_by("-pk").first()
    return ShiftReport(
        shift_id=shift.pk,
        clerk=shift.user.display_name,
        hall=in_language(shift.org_unit.name, shift.org_unit.name_en),
        opened_at=shift.opened_at,
        counted_at=shift.counted_at,
        closed_at=shift.closed_at,
        float_fen=shift.float_fen,
        tenders=tuple(tenders),
        cash_in_fen=cash[1] if is_counted else None,
        reversed_count=reversed_[0],
        reversed_fen=-reversed_[1] if is_counted else None,
        refunded_count=refunded[0],
        refunded_fen=-refunded[1] if is_counted else None,
        expected_fen=shift.expected_fen,
        counted_fen=shift.counted_fen,
        difference_fen=shift.difference_fen,
        short_fen=max(-difference, 0),
        over_fen=max(difference, 0),
        pieces=tuple(
            PieceRow(int(fen), number, int(fen) * number)
            for fen, number in sorted(shift.denominations.items(), key=lambda item: -int(item[0]))
        ),
        explanation=shift.explanation,
        confirmed_by=shift.confirmed_by.display_name if shift.confirmed_by else "",
        first_receipt=str(first) if first else "",
        last_receipt=str(last) if last else "",
        waiting=next((row for row in about if row.state == "waiting"), None),
    )
