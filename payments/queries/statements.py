"""The statement of a month (月结单): balance before, everything that moved it, balance after, to the fen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from cis.queries import dues
from cis.queries.account_statements import AccountMonth, AccountMove, first_month, month_of
from config.shared.errors import NotFound
from config.shared.periods import add_months, cycle_of, is_cycle
from payments.models import Payment, Refund, Reversal
from payments.words import METHODS

_BILLED, _LATE_FEES, _PAID = "billed", "late-fees", "paid"
_REVERSED, _REFUNDED, _OTHER = "reversed", "refunded", "other"
GROUPS: Mapping[str, str | Promise] = {
    _BILLED: pgettext_lazy("statement", "电费"),
    _LATE_FEES: pgettext_lazy("statement", "违约金"),
    _PAID: pgettext_lazy("statement", "交费"),
    _REVERSED: pgettext_lazy("statement", "冲正"),
    _REFUNDED: pgettext_lazy("statement", "退费"),
    _OTHER: pgettext_lazy("statement", "其他"),
}
_GROUP_OF: Mapping[int, str] = {
    1: _BILLED, 21: _BILLED, 22: _BILLED,
    31: _LATE_FEES, 32: _LATE_FEES,
    3: _PAID,
    4: _REVERSED,
    5: _REFUNDED, 6: _REFUNDED, 7: _REFUNDED,
}  # fmt: skip
"""by `TransferKind`; the rest is other"""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One act; `owed_fen` and `prepaid_fen` are what it added to what is owed and to what is paid ahead."""

    day: date
    act: str
    document_no: str
    note: str
    receipt_no: str
    bill_no: str
    owed_fen: int
    prepaid_fen: int
    balance_fen: int
    """what is owed less what is paid ahead, after it"""


@dataclass(frozen=True, slots=True)
class StatementGroup:
    """What the acts of one sort added to what is owed less what is paid ahead, and how many there were."""

    name: str
    word: str
    count: int
    fen: int


@dataclass(frozen=True, slots=True)
class Statement:
    """
    One month of one account.

    `opening_fen` and the groups add up to `closing_fen`; each is what is owed less what is paid ahead, so that a
    minus says that the customer has money with us.
    """

    account_id: int
    account_no: str
    masked_name: str
    address: str
    cycle: int
    first_day: date
    last_day: date
    is_over: bool
    opening_owed_fen: int
    opening_prepaid_fen: int
    opening_fen: int
    groups: tuple[StatementGroup, ...]
    lines: tuple[StatementLine, ...]
    closing_owed_fen: int
    closing_prepaid_fen: int
    closing_fen: int
    months: tuple[int, ...]
    """the months that there are statements of, the newest first"""
    previous: int | None
    next: int | None


def get_statement(*, account_id: int, cycle: int | None, today: date) -> Statement:
    """
    The statement of a month; of the last whole one (or the first there is) where none is named.

    :raises NotFound: there is no such account, or the month is before its first act or not begun
    """
    owed = dues.get_dues(account_id=account_id, on=today)
    this = cycle_of(today)
    months = _months(first_month(account_id) or this, this)
    if cycle is None:
        cycle = months[1] if len(months) > 1 else months[0]
    if cycle not in months:
        raise NotFound(_("这个月没有月结单，请另选月份。"))
    month = month_of(account_id=account_id, cycle=cycle, today=today)
    place = months.index(cycle)
    return Statement(
        account_id=account_id,
        account_no=owed.account_no,
        masked_name=dues.names_of([account_id])[account_id][1],
        address=owed.address,
        cycle=cycle,
        first_day=month.first_day,
        last_day=month.last_day,
        is_over=month.is_over,
        opening_owed_fen=month.opening.receivable_fen,
        opening_prepaid_fen=month.opening.prepayment_fen,
        opening_fen=month.opening.receivable_fen - month.opening.prepayment_fen,
        groups=_groups(month.moves),
        lines=_lines(month),
        closing_owed_fen=month.closing.receivable_fen,
        closing_prepaid_fen=month.closing.prepayment_fen,
        closing_fen=month.closing.receivable_fen - month.closing.prepayment_fen,
        months=months,
        previous=months[place + 1] if place + 1 < len(months) else None,
        next=months[place - 1] if place else None,
    )


def _months(first: int, last: int) -> tuple[int, ...]:
    """From the newest to the oldest."""
    months = [last]
    while months[-1] > first:
        months.append(add_months(months[-1], -1))
    return tuple(months)


def cycle_in(text: str) -> int | None:
    """
    The month in an address, such as 202611; None for an empty text.

    :raises NotFound: it is no month
    """
    if not text:
        return None
    if not (text.isdecimal() and text.isascii() and len(text) == 6 and is_cycle(int(text))):
        raise NotFound(_("这个月没有月结单，请另选月份。"))
    return int(text)


def _groups(moves: tuple[AccountMove, ...]) -> tuple[StatementGroup, ...]:
    """Every sort, those of nothing too, but for `other`; what changes nothing in all is counted nowhere."""
    counted: dict[str, list[int]] = {name: [] for name in GROUPS}
    for move in moves:
        if move.net_fen:
            counted[_GROUP_OF.get(move.kind, _OTHER)].append(move.net_fen)
    return tuple(
        StatementGroup(name, str(word), len(counted[name]), sum(counted[name]))
        for name, word in GROUPS.items()
        if counted[name] or name != _OTHER
    )


def _lines(month: AccountMonth) -> tuple[StatementLine, ...]:
    payments, refunds = _payments(month.moves), _refunds(month.moves)
    balance = month.opening.receivable_fen - month.opening.prepayment_fen
    lines = []
    for move in month.moves:
        balance += move.net_fen
        payment, refund_no = payments.get((move.kind, move.document_id)), ""
        if _GROUP_OF.get(move.kind) == _REFUNDED:
            refund_no = refunds.get(move.document_id, "")
        receipt_no = str(payment) if payment else ""
        lines.append(
            StatementLine(
                day=move.business_date,
                act=move.act,
                document_no=receipt_no or refund_no or move.bill_no,
                note=str(METHODS[payment.method]) if payment else "",
                receipt_no=receipt_no,
                bill_no=move.bill_no,
                owed_fen=move.receivable_fen,
                prepaid_fen=move.prepayment_fen,
                balance_fen=balance,
            )
        )
    return tuple(lines)


def _payments(moves: tuple[AccountMove, ...]) -> dict[tuple[int, int], Payment]:
    """The payments that moves were, or took back, by kind and document."""
    taken = [move.document_id for move in moves if _GROUP_OF.get(move.kind) == _PAID]
    back = [move.document_id for move in moves if _GROUP_OF.get(move.kind) == _REVERSED]
    found = {(3, payment.pk): payment for payment in Payment.objects.filter(pk__in=taken)} if taken else {}
    if back:
        for reversal in Reversal.objects.filter(pk__in=back).select_related("payment"):
            found[4, reversal.pk] = reversal.payment
    return found


def _refunds(moves: tuple[AccountMove, ...]) -> dict[int, str]:
    ids = [move.document_id for move in moves if _GROUP_OF.get(move.kind) == _REFUNDED]
    return {refund.pk: str(refund) for refund in Refund.objects.filter(pk__in=ids)} if ids else {}
