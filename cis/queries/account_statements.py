"""What one month moved on an account's ledger, act by act, between its balances at both ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cis.models import Bill, LateFeeCharge, LateFeeWaiver, LedgerTransfer, WrittenOffBill
from cis.models.ledger import LedgerKind, TransferKind
from cis.queries.ledger import AccountBalance
from config.shared.periods import add_months, cycle_of, first_day

# What an act is called to the customer; of a kind that stands not here they never see a transfer.
ACTS: Mapping[int, str | Promise] = {
    TransferKind.BILL_ISSUED: _("电费账单"),
    TransferKind.PREPAYMENT_APPLIED: _("预存抵电费"),
    TransferKind.PAYMENT_RECEIVED: _("交费"),
    TransferKind.PAYMENT_REVERSED: _("交费冲正"),
    TransferKind.PREPAYMENT_REFUNDED: _("退预存电费"),
    TransferKind.REFUND_SENT: _("退款转出"),
    TransferKind.REFUND_FAILED: _("退款未成，退回预存"),
    TransferKind.BILL_CORRECTED: _("以前账单差额"),
    TransferKind.BILL_CANCELLED: _("账单作废"),
    TransferKind.BACK_BILL_REFUNDED: _("电费退补转预存"),
    TransferKind.LATE_FEE_CHARGED: _("违约金"),
    TransferKind.LATE_FEE_WAIVED: _("减免违约金"),
    TransferKind.BILL_WRITTEN_OFF: _("核销欠费"),
    TransferKind.WRITE_OFF_RECOVERED: _("已核销欠费恢复"),
    TransferKind.DEPOSIT_APPLIED: _("保证金抵欠费"),
    TransferKind.OPENING_BILL: _("期初欠费"),
    TransferKind.OPENING_PREPAYMENT: _("期初预存"),
    TransferKind.OPENING_WITHDRAWN: _("期初转入作废"),
}
OTHER_ACT = _("其他")


class LedgerDisagrees(RuntimeError):
    """An account's transfers do not lead from one balance to the next: the ledger is damaged, see `verify_ledger`."""


@dataclass(frozen=True, slots=True)
class AccountMove:
    """One act: what it added to what is owed and to what is paid ahead, in fen; `bill_no` where it is about a bill."""

    kind: int
    document_id: int
    business_date: date
    booked_at: datetime
    receivable_fen: int
    prepayment_fen: int
    bill_no: str = ""

    @property
    def act(self) -> str:
        """What it is called."""
        return str(ACTS.get(self.kind, OTHER_ACT))

    @property
    def net_fen(self) -> int:
        """What it added to what the customer owes when all is told."""
        return self.receivable_fen - self.prepayment_fen


@dataclass(frozen=True, slots=True)
class AccountMonth:
    """A calendar month of business days; `last_day` is today in a month that is not over."""

    account_id: int
    cycle: int
    first_day: date
    last_day: date
    is_over: bool
    opening: AccountBalance
    moves: tuple[AccountMove, ...]
    closing: AccountBalance


# One statement, so one snapshot: a payment that comes in between is in the moves and in the closing balance or in
# neither. Balances as `cis.queries.ledger.balance_as_of` reads them, not as the sum of the moves: the two are compared.
_MONTH = """
WITH asked AS (
    SELECT d.part, d.day, l.ledger FROM (VALUES ('a', %(before)s::date), ('z', %(last)s::date)) d(part, day),
        (VALUES (%(receivable)s::bigint), (%(prepayment)s::bigint)) l(ledger)
), nets AS (
    SELECT a.part, a.ledger, CASE WHEN a.day <= (SELECT max(business_date) FROM cis_ledger_day) THEN
        coalesce((SELECT b.debit_fen_to_date - b.credit_fen_to_date FROM cis_ledger_day_balance b
                  WHERE b.ledger_account_id = a.ledger AND b.business_date <= a.day
                  ORDER BY b.business_date DESC LIMIT 1), 0)
    ELSE
        coalesce((SELECT b.debit_fen - b.credit_fen FROM cis_ledger_balance b WHERE b.ledger_account_id = a.ledger), 0)
        - coalesce((SELECT sum(CASE WHEN t.debit_id = a.ledger THEN t.amount_fen ELSE -t.amount_fen END)
                    FROM cis_ledger_transfer t
                    WHERE t.account_id = %(account)s AND t.business_date > a.day
                      AND (t.debit_id = a.ledger OR t.credit_id = a.ledger)), 0)
    END AS net FROM asked a
)
SELECT n.part, 0 AS kind, 0::bigint AS document_id, NULL::date AS business_date, NULL::timestamptz AS booked_at,
       sum(n.net) FILTER (WHERE n.ledger = %(receivable)s)::bigint,
       -sum(n.net) FILTER (WHERE n.ledger = %(prepayment)s)::bigint, 0::bigint AS place
FROM nets n GROUP BY n.part
UNION ALL
SELECT 'm', t.kind, t.document_id, t.business_date, min(t.booked_at),
       coalesce(sum(CASE WHEN t.debit_id = %(receivable)s THEN t.amount_fen
                         WHEN t.credit_id = %(receivable)s THEN -t.amount_fen END), 0)::bigint,
       coalesce(sum(CASE WHEN t.credit_id = %(prepayment)s THEN t.amount_fen
                         WHEN t.debit_id = %(prepayment)s THEN -t.amount_fen END), 0)::bigint, min(t.id)
FROM cis_ledger_transfer t
WHERE t.account_id = %(account)s AND t.business_date BETWEEN %(first)s AND %(last)s
  AND (t.debit_id IN (%(receivable)s, %(prepayment)s) OR t.credit_id IN (%(receivable)s, %(prepayment)s))
GROUP BY t.kind, t.document_id, t.business_date
ORDER BY 1, 4, 8
"""


def month_of(*, account_id: int, cycle: int, today: date) -> AccountMonth:
    """
    One month of an account; six statements at most, whatever it holds.

    :raises LedgerDisagrees: the moves do not lead from the opening balance to the closing one
    """
    first, end = first_day(cycle), first_day(add_months(cycle, 1))
    last = min(end - timedelta(days=1), max(today, first))
    with connection.cursor() as cursor:
        cursor.execute(
            _MONTH,
            {
                "account": account_id,
                "receivable": account_id * 10 + LedgerKind.RECEIVABLE,
                "prepayment": account_id * 10 + LedgerKind.PREPAYMENT,
                "before": first - timedelta(days=1),
                "first": first,
                "last": last,
            },
        )
        rows = cursor.fetchall()
    ends = {row[0]: AccountBalance(row[5], row[6]) for row in rows if row[0] != "m"}
    moves = tuple(AccountMove(*row[1:7]) for row in rows if row[0] == "m")
    _compare(ends["a"], moves, ends["z"], account_id)
    return AccountMonth(account_id, cycle, first, last, today >= end, ends["a"], _with_bills(moves), ends["z"])


def first_month(account_id: int) -> int | None:
    """The month of an account's first transfer; None where it has none."""
    first = LedgerTransfer.objects.filter(account_id=account_id).order_by("business_date")
    day = first.values_list("business_date", flat=True).first()
    return cycle_of(day) if day else None


def _compare(opening: AccountBalance, moves: Sequence[AccountMove], closing: AccountBalance, account_id: int) -> None:
    led_to = AccountBalance(
        opening.receivable_fen + sum(move.receivable_fen for move in moves),
        opening.prepayment_fen + sum(move.prepayment_fen for move in moves),
    )
    if led_to != closing:
        raise LedgerDisagrees(f"account {account_id}: {led_to} is not {closing}")


_OF_BILLS = (
    TransferKind.BILL_ISSUED,
    TransferKind.PREPAYMENT_APPLIED,
    TransferKind.BILL_CORRECTED,
    TransferKind.BILL_CANCELLED,
)


def _with_bills(moves: tuple[AccountMove, ...]) -> tuple[AccountMove, ...]:
    """The moves with the numbers of the bills they are about."""
    documents: dict[int, list[int]] = {}
    for move in moves:
        documents.setdefault(move.kind, []).append(move.document_id)
    bill_of: dict[tuple[int, int], int] = {
        (int(kind), bill_id): bill_id for kind in _OF_BILLS for bill_id in documents.get(kind, ())
    }
    if charges := documents.get(TransferKind.LATE_FEE_CHARGED):
        for pk, bill_id in LateFeeCharge.objects.filter(pk__in=charges).values_list("pk", "bill_id"):
            bill_of[TransferKind.LATE_FEE_CHARGED, pk] = bill_id
    if waivers := documents.get(TransferKind.LATE_FEE_WAIVED):
        for pk, bill_id in LateFeeWaiver.objects.filter(pk__in=waivers).values_list("pk", "charge__bill_id"):
            bill_of[TransferKind.LATE_FEE_WAIVED, pk] = bill_id
    if written_off := documents.get(TransferKind.BILL_WRITTEN_OFF):
        for pk, bill_id in WrittenOffBill.objects.filter(pk__in=written_off).values_list("pk", "bill_id"):
            bill_of[TransferKind.BILL_WRITTEN_OFF, pk] = bill_id
    cycles = dict(Bill.objects.filter(pk__in=set(bill_of.values())).values_list("pk", "cycle"))
    numbers = {key: f"{cycles[bill_id]}{bill_id:010d}" for key, bill_id in bill_of.items() if bill_id in cycles}
    return tuple(_numbered(move, numbers.get((move.kind, move.document_id), "")) for move in moves)


def _numbered(move: AccountMove, bill_no: str) -> AccountMove:
    return AccountMove(
        move.kind,
        move.document_id,
        move.business_date,
        move.booked_at,
        move.receivable_fen,
        move.prepayment_fen,
        bill_no,
    )
