"""What the ledger says: balances now and as of any day, totals of control accounts, statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from cis.models.ledger import STANDING, ControlAccount, LedgerDay, LedgerKind


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What an account owes and what it has paid ahead, in fen."""

    receivable_fen: int
    prepayment_fen: int


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """What one control account moved in all, in fen."""

    ledger_account_id: int
    name: str
    debit_fen: int
    credit_fen: int


def closed_at(day: date) -> datetime | None:
    """When a business day was closed; None while it is open."""
    return LedgerDay.objects.filter(pk=day).values_list("closed_at", flat=True).first()


def balance(account_id: int) -> AccountBalance:
    """The account's balances now; two index look-ups, whatever its history."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ledger_account_id, debit_fen - credit_fen FROM cis_ledger_balance "
            "WHERE ledger_account_id IN (%s, %s)",
            [account_id * 10 + LedgerKind.RECEIVABLE, account_id * 10 + LedgerKind.PREPAYMENT],
        )
        found = dict(cursor.fetchall())
    return AccountBalance(
        receivable_fen=found.get(account_id * 10 + LedgerKind.RECEIVABLE, 0),
        prepayment_fen=-found.get(account_id * 10 + LedgerKind.PREPAYMENT, 0),
    )


_AS_OF = """
SELECT CASE WHEN %(day)s <= (SELECT max(business_date) FROM cis_ledger_day) THEN
    coalesce((SELECT debit_fen_to_date - credit_fen_to_date FROM cis_ledger_day_balance
              WHERE ledger_account_id = %(ledger)s AND business_date <= %(day)s
              ORDER BY business_date DESC LIMIT 1), 0)
ELSE
    coalesce((SELECT debit_fen - credit_fen FROM cis_ledger_balance WHERE ledger_account_id = %(ledger)s), 0)
    - coalesce((SELECT sum(CASE WHEN debit_id = %(ledger)s THEN amount_fen ELSE -amount_fen END)::bigint
                FROM cis_ledger_transfer
                WHERE account_id = %(account)s AND business_date > %(day)s
                  AND (debit_id = %(ledger)s OR credit_id = %(ledger)s)), 0)
END
"""


def balance_as_of(account_id: int, day: date) -> AccountBalance:
    """
    The account's balances at the end of a business day.

    Of a closed day they were written down when it was closed: one index look-up. Of an open day they are today's
    balances less the transfers of later days, which are open too and few.
    """
    nets = {}
    with connection.cursor() as cursor:
        for kind in STANDING:
            ledger = account_id * 10 + int(kind)
            cursor.execute(_AS_OF, {"ledger": ledger, "account": account_id, "day": day})
            nets[kind] = int(cursor.fetchone()[0])
    return AccountBalance(nets[LedgerKind.RECEIVABLE], -nets[LedgerKind.PREPAYMENT])


def control_balance_fen(name: str) -> int:
    """Credits less debits of one of the utility's own accounts, such as "UNIDENTIFIED", as of now."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH last AS (
                SELECT business_date, credit_fen_to_date - debit_fen_to_date AS fen FROM cis_ledger_day_balance
                WHERE ledger_account_id = %(id)s ORDER BY business_date DESC LIMIT 1
            ), since AS (
                SELECT coalesce((SELECT max(business_date) FROM cis_ledger_day), DATE '1900-01-01') AS day
            )
            SELECT coalesce((SELECT fen FROM last), 0) + coalesce((
                SELECT sum(CASE WHEN credit_id = %(id)s THEN amount_fen ELSE -amount_fen END)
                FROM cis_ledger_transfer, since
                WHERE business_date > since.day AND %(id)s IN (debit_id, credit_id)), 0)::bigint
            """,
            {"id": -int(ControlAccount[name])},
        )
        return int(cursor.fetchone()[0])


def control_totals() -> list[ControlTotal]:
    """What each control account moved in all: closed days from their day balances, open days from transfers."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.id, a.name, coalesce(sum(m.debit), 0)::bigint, coalesce(sum(m.credit), 0)::bigint
            FROM cis_ledger_account a LEFT JOIN (
                SELECT ledger_account_id AS id, debit_fen AS debit, credit_fen AS credit
                FROM cis_ledger_day_balance WHERE ledger_account_id < 0
                UNION ALL
                SELECT debit_id, amount_fen, 0 FROM cis_ledger_transfer
                WHERE debit_id < 0 AND business_date > coalesce((SELECT max(business_date) FROM cis_ledger_day),
                                                                DATE '1900-01-01')
                UNION ALL
                SELECT credit_id, 0, amount_fen FROM cis_ledger_transfer
                WHERE credit_id < 0 AND business_date > coalesce((SELECT max(business_date) FROM cis_ledger_day),
                                                                 DATE '1900-01-01')) m ON m.id = a.id
            GROUP BY a.id, a.name ORDER BY a.id DESC
            """
        )
        rows = cursor.fetchall()
    # The utility's own are named in the reader's language, those of connected clients by what they were opened as.
    known = {-int(account): str(account.label) for account in ControlAccount}
    return [ControlTotal(row_id, known.get(row_id, name), debit, credit) for row_id, name, debit, credit in rows]
