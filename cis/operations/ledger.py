"""
The ledger: book transfers, close business days under a seal, verify everything that was ever booked.

Postings of a day share an advisory lock that its closing takes alone; the database's trigger refuses transfers into
a closed day, keeps customers' balances and refuses every change (see migration `0003_ledger_law`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.models import LedgerDay
from cis.models.ledger import STANDING, ControlAccount, LedgerKind, TransferKind
from config.shared.bulk_copy import copy_rows
from config.shared.errors import Refused
from config.shared.permissions import holds_everywhere

LEDGER_DAY_LOCK = 20_001
_EPOCH = date(2000, 1, 1)
GENESIS = bytes(32)
# A posting so much older than the day that is being closed would be a fault of its own.
_LOOK_BACK = timedelta(days=400)
_CHANNEL_CLEARING = 10_150_000


class DayIsClosed(Refused):
    """The business day was closed; its books are sealed."""

    code = "day-is-closed"


class DayNotOver(Refused):
    """A business day can be closed only when it is over, and after the days before it."""

    code = "day-not-over"


class NotWholeUtility(Refused):
    """The books are one: only who answers for the whole utility closes their day."""

    code = "not-whole-utility"
    status = 403


@dataclass(frozen=True, slots=True)
class Posting:
    """One transfer to book; (kind, document_id, leg) is its business key for ever."""

    kind: int
    document_id: int
    leg: int
    account_id: int
    debit_id: int
    credit_id: int
    amount_fen: int


@dataclass(frozen=True)
class Verification:
    """What `verify` found; `faults` is empty when the ledger is sound."""

    transfers: int
    closed_days: int
    debit_fen: int
    credit_fen: int
    faults: tuple[str, ...] = field(default_factory=tuple)


def receivable_id(account_id: int) -> int:
    """The ledger account of what the customer's account owes."""
    return account_id * 10 + LedgerKind.RECEIVABLE


def prepayment_id(account_id: int) -> int:
    """The ledger account of what the customer's account has paid ahead."""
    return account_id * 10 + LedgerKind.PREPAYMENT


def deposit_id(account_id: int) -> int:
    """The ledger account of the deposit that is held for the customer's account; see `open_balance`."""
    return account_id * 10 + LedgerKind.DEPOSIT


def written_off_id(account_id: int) -> int:
    """The ledger account, a memo, of what was written off and is not paid; see `open_balance`."""
    return account_id * 10 + LedgerKind.WRITTEN_OFF


def open_balance(account_id: int, kind: LedgerKind) -> None:
    """Make sure that the account has a balance row of a kind that not every account has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cis_ledger_balance (ledger_account_id, debit_fen, credit_fen) VALUES (%s, 0, 0) "
            "ON CONFLICT DO NOTHING",
            [account_id * 10 + int(kind)],
        )


def control_id(name: str) -> int:
    """The ledger account of one of the utility's own accounts, such as "CASH"."""
    return -int(ControlAccount[name])


def clearing_id(clearing: str | int) -> int:
    """The ledger account that money comes in by: one of the utility's own by name, or one that is data by its id."""
    return clearing if isinstance(clearing, int) else control_id(clearing)


def open_clearing(number: int, name: str) -> int:
    """
    Open a clearing account for money on its way from somebody who collects for us; its id.

    Its number has eight digits, the utility's own have four or six; opening it again changes nothing.
    """
    ledger_account_id = -(_CHANNEL_CLEARING + number)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cis_ledger_account (id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [ledger_account_id, name[:100]],
        )
    return ledger_account_id


def create_balances(account_ids: Sequence[int]) -> None:
    """The two balance rows of each account; an account that has them keeps them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cis_ledger_balance (ledger_account_id, debit_fen, credit_fen) "
            "SELECT a * 10 + k, 0, 0 FROM unnest(%s::bigint[]) a, unnest(%s::int[]) k ON CONFLICT DO NOTHING",
            [list(account_ids), [int(kind) for kind in STANDING]],
        )


def open_business_date(at: datetime) -> date:
    """The business day that a moment is booked on: its day in the billing time zone, or the next that is open."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    closed = _last_closed_day()
    return today if closed is None or closed < today else closed + timedelta(days=1)


def _last_closed_day() -> date | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(business_date) FROM cis_ledger_day")
        last: date | None = cursor.fetchone()[0]
    return last


def lock_day(business_date: date) -> None:
    """
    Keep the day from being closed until the caller's transaction ends.

    :raises DayIsClosed: it is closed already
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [LEDGER_DAY_LOCK, (business_date - _EPOCH).days])
    closed = _last_closed_day()
    if closed is not None and business_date <= closed:
        raise DayIsClosed(_("营业日 %(day)s 已经日结，请记入下一个营业日。") % {"day": business_date})


def post(
    postings: Sequence[Posting],
    *,
    booked_at: datetime,
    business_date: date,
    actor_id: int | None = None,
    run_id: int | None = None,
) -> None:
    """
    Book transfers in the caller's transaction; balances follow by themselves.

    A posting whose business key is already booked ends the transaction with an IntegrityError: callers hold the lock
    of their document and check first.

    :raises DayIsClosed: the business day was closed
    """
    if not postings:
        return
    lock_day(business_date)
    columns = (
        "kind",
        "document_id",
        "leg",
        "account_id",
        "debit_id",
        "credit_id",
        "amount_fen",
        "booked_at",
        "business_date",
        "run_id",
        "actor_id",
    )
    rows = (
        (
            p.kind,
            p.document_id,
            p.leg,
            p.account_id,
            p.debit_id,
            p.credit_id,
            p.amount_fen,
            booked_at.isoformat(),
            business_date.isoformat(),
            run_id,
            actor_id,
        )
        for p in postings
    )
    with connection.cursor() as cursor:
        if len(postings) > 50:
            copy_rows(cursor, "cis_ledger_transfer", columns, rows)
            return
        values = list(rows)
        marks = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(values))
        cursor.execute(
            f"INSERT INTO cis_ledger_transfer ({', '.join(columns)}) VALUES {marks}",  # noqa: S608
            [value for row in values for value in row],
        )


def lock_balances(account_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """
    Lock the balance rows of accounts in id order and read them: account id to (receivable, prepayment) in fen.

    The receivable's row, the first of an account's, is the lock of its money: whoever settles, reverses, refunds or
    bills an account takes it before anything else of the account.
    """
    if not account_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ledger_account_id, debit_fen, credit_fen FROM cis_ledger_balance "
            "WHERE ledger_account_id = ANY(%s) ORDER BY ledger_account_id FOR UPDATE",
            [[make(a) for a in account_ids for make in (receivable_id, prepayment_id)]],
        )
        found = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
    result: dict[int, tuple[int, int]] = {}
    for account_id in account_ids:
        owed, paid_ahead = found.get(receivable_id(account_id)), found.get(prepayment_id(account_id))
        if owed is not None and paid_ahead is not None:
            result[account_id] = (owed[0] - owed[1], paid_ahead[1] - paid_ahead[0])
    return result


def lock_accounts(low: int, high: int) -> None:
    """
    Lock the money of the accounts with ids in [low, high), in id order.

    Only the receivables' rows are locked (see `lock_balances`), and nothing is read: they are tens of thousands.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM cis_ledger_balance WHERE ledger_account_id >= %s "
            "AND ledger_account_id < %s AND ledger_account_id %% 10 = %s ORDER BY ledger_account_id FOR UPDATE) locked",
            [low * 10, high * 10, int(LedgerKind.RECEIVABLE)],
        )


def unopened_accounts(low: int, high: int) -> list[int]:
    """The accounts with ids in [low, high) that lack one of their balance rows, ascending."""
    with connection.cursor() as cursor:
        # Counted first: of many accounts hardly ever one is missing.
        cursor.execute(
            "SELECT (SELECT count(*) FROM cis_account WHERE id >= %s AND id < %s) * %s = "
            "(SELECT count(*) FROM cis_ledger_balance WHERE ledger_account_id >= %s AND ledger_account_id < %s "
            "AND ledger_account_id %% 10 <= %s)",
            [low, high, len(STANDING), low * 10, high * 10, len(STANDING)],
        )
        if cursor.fetchone()[0]:
            return []
        cursor.execute(
            "SELECT a.id FROM cis_account a WHERE a.id >= %s AND a.id < %s AND EXISTS ("
            "  SELECT 1 FROM unnest(%s::int[]) kind WHERE NOT EXISTS ("
            "    SELECT 1 FROM cis_ledger_balance b WHERE b.ledger_account_id = a.id * 10 + kind)) ORDER BY 1",
            [low, high, [int(kind) for kind in STANDING]],
        )
        return [row[0] for row in cursor.fetchall()]


def close_day(
    *, business_date: date, closed_by_id: int | None, at: datetime, within: Sequence[str] | None = None
) -> bytes:
    """
    Close a business day: wait for its postings, write its day balances, seal it to the day closed before; the seal.

    `within`: the organisation paths that the actor closes for; the books are one, so it must be all of them.

    :raises NotWholeUtility: the actor closes for a part only
    :raises DayIsClosed: it was closed before
    :raises DayNotOver: the day is not over, or an earlier day with transfers is still open
    """
    if not holds_everywhere(within):
        raise NotWholeUtility(_("日结关的是全公司的账，请由管全公司账务的岗位办理；本单位的收款可以在这里核对。"))
    if business_date >= at.astimezone(settings.BILLING_TIME_ZONE).date():
        raise DayNotOver(_("营业日 %(day)s 还没有结束，次日零点后才能日结。") % {"day": business_date})
    with transaction.atomic():
        with connection.cursor() as cursor:
            # One closing at a time, so that the chain has no forks; then this day alone.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [LEDGER_DAY_LOCK + 1])
        last = LedgerDay.objects.order_by("-business_date").first()
        if last is not None and last.business_date >= business_date:
            raise DayIsClosed(_("营业日 %(day)s 或之后的一天已经日结。") % {"day": business_date})
        oldest = business_date - _LOOK_BACK
        first = oldest if last is None else last.business_date + timedelta(days=1)
        with connection.cursor() as cursor:
            # Postings into days before this one must be seen too: they would fall behind the closing.
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, day) FROM generate_series(%s, %s) day",
                [LEDGER_DAY_LOCK, (max(first, oldest) - _EPOCH).days, (business_date - _EPOCH).days],
            )
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT min(business_date) FROM cis_ledger_transfer WHERE business_date < %s AND business_date > %s",
                [business_date, last.business_date if last else date.min],
            )
            earliest = cursor.fetchone()[0]
            if earliest is not None:
                raise DayNotOver(_("请先日结 %(day)s：之前的营业日还没有结。") % {"day": earliest})
            cursor.execute(_DAY_BALANCES, {"day": business_date})
        count, amount, seal = _seal_of(business_date, bytes(last.seal) if last else GENESIS)
        LedgerDay.objects.create(
            business_date=business_date,
            closed_at=at,
            closed_by_id=closed_by_id,
            transfers=count,
            amount_fen=amount,
            previous_seal=bytes(last.seal) if last else GENESIS,
            seal=seal,
        )
    return seal


def close_days(*, closed_by_id: int | None, at: datetime) -> list[date]:
    """Close every open day with transfers that is over, oldest first, each in a transaction of its own; the days."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    closed: list[date] = []
    while (day := _first_open_day(before=today)) is not None:
        try:
            close_day(business_date=day, closed_by_id=closed_by_id, at=at)
        except DayIsClosed:
            # Somebody else closed it in the meantime.
            continue
        closed.append(day)
    return closed


def _first_open_day(*, before: date) -> date | None:
    """The oldest day with transfers that is not closed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(business_date) FROM cis_ledger_transfer WHERE business_date > %s AND business_date < %s",
            [_last_closed_day() or date.min, before],
        )
        day: date | None = cursor.fetchone()[0]
    return day


_DAY_BALANCES = """
WITH moved AS (
    SELECT id, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit FROM (
        SELECT debit_id AS id, amount_fen AS debit, 0 AS credit FROM cis_ledger_transfer WHERE business_date = %(day)s
        UNION ALL
        SELECT credit_id, 0, amount_fen FROM cis_ledger_transfer WHERE business_date = %(day)s) legs
    GROUP BY id)
INSERT INTO cis_ledger_day_balance
    (ledger_account_id, business_date, debit_fen, credit_fen, debit_fen_to_date, credit_fen_to_date)
SELECT m.id, %(day)s, m.debit, m.credit,
       m.debit + COALESCE(p.debit_fen_to_date, 0), m.credit + COALESCE(p.credit_fen_to_date, 0)
FROM moved m LEFT JOIN LATERAL (
    SELECT debit_fen_to_date, credit_fen_to_date FROM cis_ledger_day_balance b
    WHERE b.ledger_account_id = m.id AND b.business_date < %(day)s
    ORDER BY b.business_date DESC LIMIT 1) p ON true
ORDER BY m.id
"""

_SEALED_COLUMNS = (
    "id, kind, document_id, leg, account_id, debit_id, credit_id, amount_fen, "
    "(extract(epoch FROM booked_at) * 1000000)::bigint, business_date, coalesce(run_id, 0), coalesce(actor_id, 0)"
)


def _sealed_rows(business_date: date) -> Iterator[tuple[Any, ...]]:
    """The day's transfers in id order, fetched a few thousand at a time."""
    with connection.cursor() as cursor:
        last = 0
        while True:
            cursor.execute(
                f"SELECT {_SEALED_COLUMNS} FROM cis_ledger_transfer "  # noqa: S608 - constant columns
                "WHERE business_date = %s AND id > %s ORDER BY id LIMIT 20000",
                [business_date, last],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            yield from rows
            last = rows[-1][0]


def _seal_of(business_date: date, previous: bytes) -> tuple[int, int, bytes]:
    """Count, sum and SHA-256 seal of a day: the previous seal, then each transfer as one line, in id order."""
    digest = hashlib.sha256(previous + business_date.isoformat().encode())
    count = amount = 0
    for row in _sealed_rows(business_date):
        digest.update(("\n" + "|".join(map(str, row))).encode())
        count += 1
        amount += row[7]
    return count, amount, digest.digest()


_BALANCE_FAULTS = """
WITH folded AS (
    SELECT id, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit FROM (
        SELECT debit_id AS id, amount_fen AS debit, 0 AS credit FROM cis_ledger_transfer WHERE debit_id > 0
        UNION ALL SELECT credit_id, 0, amount_fen FROM cis_ledger_transfer WHERE credit_id > 0) legs
    GROUP BY id)
SELECT coalesce(b.ledger_account_id, f.id) FROM cis_ledger_balance b FULL JOIN folded f ON f.id = b.ledger_account_id
WHERE coalesce(b.debit_fen, -1) <> coalesce(f.debit, 0) OR coalesce(b.credit_fen, -1) <> coalesce(f.credit, 0)
LIMIT 20
"""

_DAY_FAULTS = """
WITH folded AS (
    SELECT id, business_date, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit FROM (
        SELECT debit_id AS id, business_date, amount_fen AS debit, 0 AS credit FROM cis_ledger_transfer
        UNION ALL SELECT credit_id, business_date, 0, amount_fen FROM cis_ledger_transfer) legs
    WHERE business_date IN (SELECT business_date FROM cis_ledger_day)
    GROUP BY 1, 2)
SELECT coalesce(d.ledger_account_id, f.id), coalesce(d.business_date, f.business_date)
FROM cis_ledger_day_balance d
FULL JOIN folded f ON f.id = d.ledger_account_id AND f.business_date = d.business_date
WHERE d.debit_fen IS DISTINCT FROM f.debit OR d.credit_fen IS DISTINCT FROM f.credit
LIMIT 20
"""

_TO_DATE_FAULTS = """
SELECT ledger_account_id, business_date FROM (
    SELECT ledger_account_id, business_date, debit_fen_to_date, credit_fen_to_date,
           sum(debit_fen) OVER so_far AS debit, sum(credit_fen) OVER so_far AS credit
    FROM cis_ledger_day_balance WINDOW so_far AS (PARTITION BY ledger_account_id ORDER BY business_date)) d
WHERE debit_fen_to_date <> debit OR credit_fen_to_date <> credit LIMIT 20
"""

_STRAY_FAULTS = """
SELECT min(t.id), t.business_date FROM cis_ledger_transfer t
WHERE t.business_date < (SELECT max(business_date) FROM cis_ledger_day)
  AND NOT EXISTS (SELECT 1 FROM cis_ledger_day d WHERE d.business_date = t.business_date)
GROUP BY 2 LIMIT 20
"""

_OWNER_FAULTS = """
SELECT id FROM cis_ledger_transfer
WHERE debit_id > 0 AND debit_id / 10 <> account_id OR credit_id > 0 AND credit_id / 10 <> account_id LIMIT 20
"""

_OPEN_ITEM_FAULTS = """
SELECT l.ledger_account_id / 10 FROM cis_ledger_balance l
LEFT JOIN (SELECT account_id, sum(open_fen) AS open_fen FROM cis_bill GROUP BY 1) b
     ON b.account_id = l.ledger_account_id / 10
LEFT JOIN (SELECT account_id, sum(open_fen) AS open_fen FROM cis_late_fee_charge GROUP BY 1) f
     ON f.account_id = l.ledger_account_id / 10
WHERE l.ledger_account_id % 10 = 1
  AND l.debit_fen - l.credit_fen <> coalesce(b.open_fen, 0) + coalesce(f.open_fen, 0) LIMIT 20
"""


def verify_snapshot() -> Verification:
    """`verify` over one consistent snapshot, in a read-only transaction of its own, beside whatever is booked."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return verify()


def verify() -> Verification:
    """
    Re-compute all that the ledger promises: balances, day totals, the chain of seals, open bills against receivables.

    Reads one consistent snapshot when the caller's transaction is repeatable read; `verify_snapshot` makes it so.
    """
    faults: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(sum(amount_fen), 0)::bigint FROM cis_ledger_transfer")
        transfers, total = cursor.fetchone()
        cursor.execute(_BALANCE_FAULTS)
        faults += [f"balance of ledger account {row[0]} is not the fold of its transfers" for row in cursor.fetchall()]
        cursor.execute(_DAY_FAULTS)
        faults += [f"day balance of {row[0]} on {row[1]} is not the fold of the day" for row in cursor.fetchall()]
        cursor.execute(_TO_DATE_FAULTS)
        faults += [
            f"day balance of {row[0]} on {row[1]} does not go on from the one before" for row in cursor.fetchall()
        ]
        cursor.execute(_STRAY_FAULTS)
        faults += [
            f"transfer {row[0]} of {row[1]} stands behind the last closing, unsealed" for row in cursor.fetchall()
        ]
        cursor.execute(_OWNER_FAULTS)
        faults += [f"transfer {row[0]} moves money of another account than it names" for row in cursor.fetchall()]
        cursor.execute(_OPEN_ITEM_FAULTS)
        faults += [
            f"open bills and late fees of account {row[0]} do not add up to its receivable" for row in cursor.fetchall()
        ]
        cursor.execute(
            "SELECT coalesce(sum(debit_fen), 0)::bigint, coalesce(sum(credit_fen), 0)::bigint FROM cis_ledger_balance"
        )
        customer_debit, customer_credit = cursor.fetchone()
        cursor.execute(
            "SELECT coalesce(sum(amount_fen) FILTER (WHERE debit_id < 0), 0)::bigint, "
            "coalesce(sum(amount_fen) FILTER (WHERE credit_id < 0), 0)::bigint FROM cis_ledger_transfer"
        )
        control_debit, control_credit = cursor.fetchone()
    debit, credit = customer_debit + control_debit, customer_credit + control_credit
    if debit != credit or debit != total:
        faults.append(f"trial balance: debits {debit}, credits {credit}, transfers {total} fen")
    previous, days = GENESIS, 0
    for day in LedgerDay.objects.order_by("business_date").iterator():
        days += 1
        count, amount, seal = _seal_of(day.business_date, previous)
        if bytes(day.previous_seal) != previous or bytes(day.seal) != seal:
            faults.append(f"the seal of {day.business_date} does not fit its transfers")
        if (count, amount) != (day.transfers, day.amount_fen):
            faults.append(f"{day.business_date} held {day.transfers} transfers when it was closed, now {count}")
        previous = bytes(day.seal)
    return Verification(transfers, days, debit, credit, tuple(faults))


__all__ = [
    "DayIsClosed",
    "DayNotOver",
    "Posting",
    "TransferKind",
    "Verification",
    "clearing_id",
    "close_day",
    "close_days",
    "control_id",
    "create_balances",
    "deposit_id",
    "lock_accounts",
    "lock_balances",
    "lock_day",
    "open_balance",
    "open_business_date",
    "open_clearing",
    "post",
    "prepayment_id",
    "receivable_id",
    "unopened_accounts",
    "verify",
    "verify_snapshot",
    "written_off_id",
]
