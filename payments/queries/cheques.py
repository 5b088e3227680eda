"""Cheques as people see them: those on their way by their age, and one with the lines that may be its money."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from cis.queries import dues
from config.shared.errors import NotFound
from payments.models import BankLine, Cheque

MOST = 200


@dataclass(frozen=True, slots=True)
class ChequeRow:
    """One cheque; `days` since it was taken, `is_late` where it is not banked and its ten days run out tomorrow."""

    cheque_id: int
    number: str
    bank: str
    drawer: str
    issued_on: date
    present_by: date
    account_no: str
    name: str
    amount_fen: int
    receipt_no: str
    taken_by: str
    taken_at: datetime
    days: int
    is_late: bool
    state: str
    state_word: str
    banked_on: date | None
    ended_at: datetime | None
    line_id: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChequePage:
    """Those on their way, the oldest first, with their sum, and the fifty that ended last."""

    waiting: tuple[ChequeRow, ...]
    waiting_fen: int
    ended: tuple[ChequeRow, ...]


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """A line of a bank statement that may be a cheque's money."""

    line_id: int
    day: date
    serial: str
    name: str
    remark: str


def list_cheques(*, at: datetime) -> ChequePage:
    """All that the console shows."""
    waiting = Cheque.objects.filter(state__in=["received", "banked"])
    ended = Cheque.objects.filter(state__in=["cleared", "returned"]).order_by("-ended_at", "-pk")
    return ChequePage(
        waiting=_rows(waiting.order_by("issued_on", "pk")[:MOST], at),
        waiting_fen=waiting.aggregate(fen=Sum("amount_fen"))["fen"] or 0,
        ended=_rows(ended[:50], at),
    )


def get_cheque(cheque_id: int, *, at: datetime) -> tuple[ChequeRow, tuple[MoneyRow, ...]]:
    """
    One cheque; once it is banked, the open lines of its amount.

    :raises NotFound: there is none
    """
    rows = _rows(Cheque.objects.filter(pk=cheque_id), at)
    if not rows:
        raise NotFound(_("没有这张支票。"))
    money: Iterable[BankLine] = ()
    if rows[0].state == Cheque.State.BANKED:
        money = BankLine.objects.filter(state="open", amount_fen=rows[0].amount_fen).order_by("-day", "-pk")[:20]
    return rows[0], tuple(MoneyRow(one.pk, one.day, one.serial, one.payer_name, one.remark) for one in money)


def _rows(cheques: QuerySet[Cheque], at: datetime) -> tuple[ChequeRow, ...]:
    found = list(cheques.select_related("payment", "taken_by", "reversal"))
    names = dues.names_of(sorted({one.account_id for one in found}))
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    return tuple(
        ChequeRow(
            cheque_id=one.pk,
            number=one.number,
            bank=one.bank,
            drawer=one.drawer,
            issued_on=one.issued_on,
            present_by=one.present_by,
            account_no=names[one.account_id][0],
            name=names[one.account_id][1],
            amount_fen=one.amount_fen,
            receipt_no=str(one.payment),
            taken_by=one.taken_by.display_name,
            taken_at=one.taken_at,
            days=(at - one.taken_at).days,
            is_late=one.state == Cheque.State.RECEIVED and (one.present_by - today).days <= 1,
            state=one.state,
            state_word=_(one.get_state_display()),
            banked_on=one.banked_on,
            ended_at=one.ended_at,
            line_id=one.line_id,
            reason=one.reversal.reason if one.reversal else "",
        )
        for one in found
    )
