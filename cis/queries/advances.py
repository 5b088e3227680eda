"""
Several settlements a month: what was asked, how far it is covered, what comes next, and what the final bill netted.

What is paid on an advance is nowhere written down: until the month is billed it is covered by the prepayment of now,
earliest first; afterwards by what lay there when the bill was issued. So it can never be counted twice, and what is
taken back or given back is open again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection

from cis.collecting.late_fee_bill import terms_in_force
from cis.queries.late_fees import published
from config.shared.calendar import calendar_day
from config.shared.periods import add_months, cycle_of

# Lists look back so far: whoever had no bill for longer is no case of this list.
MONTHS_BACK = 12

# The bill that takes an advance: the first of its month or, where several months are billed at once, of a later one.
_STANDING = """
WITH asked AS (
    SELECT d.id, d.account_id, d.cycle, d.number, d.agreed_on, d.due_on, d.share, d.basis_fen, d.amount_fen,
           a.state = 'open' AS account_is_open, (g.ends_on IS NULL OR d.agreed_on < g.ends_on) AS stands,
           f.id AS bill_id, f.newest, f.newest_cycle
    FROM cis_advance_demand d
    JOIN cis_advance_agreement g ON g.id = d.agreement_id
    JOIN cis_account a ON a.id = d.account_id
    JOIN shared_org_unit u ON u.id = a.org_unit_id
    LEFT JOIN LATERAL (
        SELECT b.id, n.id AS newest, n.cycle AS newest_cycle FROM cis_bill b
        CROSS JOIN LATERAL (SELECT n.id, n.cycle FROM cis_bill n WHERE n.account_id = b.account_id
                            AND n.period_start = b.period_start ORDER BY n.revision DESC LIMIT 1) n
        WHERE b.account_id = d.account_id AND b.cycle >= d.cycle AND b.months > 0
        ORDER BY b.cycle, b.period_start, b.revision LIMIT 1) f ON true
    WHERE {which}
), money AS (
    SELECT k.account_id, k.bill_id, CASE WHEN k.bill_id IS NULL THEN
        coalesce((SELECT l.credit_fen - l.debit_fen FROM cis_ledger_balance l
                  WHERE l.ledger_account_id = k.account_id * 10 + 2), 0)
    ELSE
        coalesce((SELECT sum(CASE WHEN t.credit_id = k.account_id * 10 + 2 THEN t.amount_fen ELSE -t.amount_fen END)
                  FROM cis_ledger_transfer t
                  WHERE t.account_id = k.account_id AND k.account_id * 10 + 2 IN (t.debit_id, t.credit_id)
                    AND t.id < coalesce((SELECT min(i.id) FROM cis_ledger_transfer i
                                         WHERE i.kind IN (1, 2) AND i.document_id = k.bill_id), 9223372036854775807)
                 ), 0)::bigint
    END AS fen FROM (SELECT DISTINCT account_id, bill_id FROM asked) k
), covered AS (
    SELECT k.*, m.fen AS money_fen, CASE WHEN k.stands THEN greatest(0, least(k.amount_fen, m.fen - coalesce(
        sum(k.amount_fen) FILTER (WHERE k.stands) OVER (
            PARTITION BY k.account_id, k.bill_id ORDER BY k.due_on, k.cycle, k.number
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))) ELSE 0 END::bigint AS paid_fen
    FROM asked k JOIN money m ON m.account_id = k.account_id AND m.bill_id IS NOT DISTINCT FROM k.bill_id
)
SELECT c.id, c.account_id, c.cycle, c.number, c.agreed_on, c.due_on, c.share, c.basis_fen, c.amount_fen, c.paid_fen,
       c.bill_id IS NULL AND c.account_is_open AND c.stands, c.stands, c.bill_id,
       coalesce(c.newest_cycle::text || lpad(c.newest::text, 10, '0'), '')
FROM covered c {tail}
"""


@dataclass(frozen=True, slots=True)
class Advance:
    """
    One advance that was asked for, and what is paid on it. `is_live`: it can still be asked for, no bill has come.

    `stands`: the agreement had not ended by its day. `bill_id` is the first bill that took it, `bill_no` the newest.
    """

    demand_id: int
    account_id: int
    cycle: int
    number: int
    agreed_on: date
    due_on: date
    share: int
    basis_fen: int
    amount_fen: int
    paid_fen: int
    is_live: bool
    stands: bool
    bill_id: int | None
    bill_no: str

    @property
    def open_fen(self) -> int:
        """What is still asked for on it."""
        return self.amount_fen - self.paid_fen if self.is_live else 0


@dataclass(frozen=True, slots=True)
class Overdue:
    """Advances that are past their day and not covered."""

    count: int
    fen: int


def is_workday(day: date) -> bool:
    """Whether people work then."""
    return calendar_day(day).is_workday


def advance_terms(*, on: date) -> tuple[int, int]:
    """How many settlements a month there may be at most, and how many days before they are announced."""
    entry = terms_in_force(published("advances"), on=on, province=settings.COLLECTING_PROVINCE or None)
    return int(entry["most_a_month"]), int(entry["notice_days"])


def asked_advances(account_id: int) -> tuple[Advance, ...]:
    """What is asked of an account and not covered, earliest first; one statement."""
    return tuple(one for one in advances_of_account(account_id) if one.open_fen)


def advances_of_bill(bill_id: int) -> tuple[Advance, ...]:
    """The advances that a bill, or the bill it replaced, took; one statement."""
    taken_by = (
        "WHERE c.stands AND c.bill_id = (SELECT b.id FROM cis_bill b JOIN cis_bill o ON o.account_id = b.account_id "
        "AND o.period_start = b.period_start WHERE o.id = %(bill)s ORDER BY b.revision LIMIT 1)"
    )
    of_account = "d.account_id = (SELECT account_id FROM cis_bill WHERE id = %(bill)s)"
    return tuple(_standing(of_account, {"bill": bill_id}, narrowed=taken_by))


def overdue_advances(*, within: Sequence[str], on: date) -> Overdue:
    """What is past its day and not covered under these organisation paths; one statement."""
    found = [
        one
        for one in advances_under(within, since=add_months(cycle_of(on), -MONTHS_BACK))
        if state_of(one, on) == "overdue"
    ]
    return Overdue(len(found), sum(one.open_fen for one in found))


_BASIS = """
SELECT b.account_id, sum(b.total_fen - b.correction_fen)::bigint, max(b.id) FROM cis_bill b
WHERE b.account_id = ANY(%(accounts)s) AND b.cycle = %(cycle)s AND b.months = 1
  AND NOT EXISTS (SELECT 1 FROM cis_bill n WHERE n.account_id = b.account_id AND n.period_start = b.period_start
                  AND n.revision > b.revision)
  AND NOT EXISTS (SELECT 1 FROM cis_opening_bill o WHERE o.bill_id = b.id)
GROUP BY 1
"""


def bills_of_month(account_ids: Sequence[int], *, cycle: int) -> dict[int, tuple[int, int]]:
    """
    What the bills of a month came to by themselves, without differences of others, and the last one's id; one
    statement. A bill that was cancelled counts as its successor; what another system billed is not known whole.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BASIS, {"accounts": list(account_ids), "cycle": cycle})
        return {account_id: (fen, bill_id) for account_id, fen, bill_id in cursor.fetchall()}


_USUAL = """
SELECT k.id, (SELECT CASE WHEN count(*) = 3 THEN avg(l.total_fen)::bigint END FROM
    (SELECT DISTINCT ON (b.period_start) b.total_fen FROM cis_bill b
     WHERE b.account_id = k.id AND b.cycle < %(before)s AND b.months = 1
     ORDER BY b.period_start DESC, b.revision DESC LIMIT 3) l)
FROM unnest(%(accounts)s::bigint[]) AS k(id)
"""


def usual_bills(account_ids: Sequence[int], *, before: int) -> dict[int, int]:
    """The mean of the last three bills before a month, of accounts that have three; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_USUAL, {"accounts": list(account_ids), "before": before})
        return {account_id: fen for account_id, fen in cursor.fetchall() if fen is not None}


def state_of(one: Advance, on: date) -> str:
    """How an advance stands on a day: paid, open, part, overdue, billed or dropped."""
    if one.bill_id is not None:
        return "billed"
    if not one.is_live:
        return "dropped"
    if not one.open_fen:
        return "paid"
    if one.due_on < on:
        return "overdue"
    return "part" if one.paid_fen else "open"


def advances_of_account(account_id: int) -> list[Advance]:
    """Every advance that was asked of an account; one statement."""
    return _standing("d.account_id = %s", [account_id])


def advances_under(within: Sequence[str], *, since: int) -> list[Advance]:
    """All advances from a month on of accounts under these organisation paths."""
    return _standing("u.path LIKE ANY(%s) AND d.cycle >= %s", [[f"{path}%" for path in within], since])


def _standing(which: str, values: Sequence[Any] | dict[str, Any], *, narrowed: str = "") -> list[Advance]:
    """
    How advances stand. `which` takes whole accounts, from a month on: an advance is covered after those before it, so
    that rows may be left out only afterwards (`narrowed`).
    """
    tail = f"{narrowed} ORDER BY c.account_id, c.due_on, c.cycle, c.number"
    with connection.cursor() as cursor:
        cursor.execute(_STANDING.format(which=which, tail=tail), values)
        return [Advance(*row) for row in cursor.fetchall()]
