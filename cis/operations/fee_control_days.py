"""
The daily estimate of fee control: a job, cut by accounts; a shard is a fixed number of statements.

The running bill so far is rated by the kernel that bills (`cis.queries.running_bills`); what it cannot tell is written
as unknown with the reason, and nobody is stopped on it. The warnings that follow are written in the same transaction.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.models.ledger import LedgerKind
from cis.operations.fee_control_acts import act_on
from cis.queries.running_bills import RunningBill, running_bills
from config.shared import jobs
from config.shared.bulk_copy import copy_rows

JOB_KIND = "fee-control"
SHARD_SIZE = 1000
_COLUMNS = (
    "account_id", "day", "period_start", "energy_kwh_e2", "days_known", "running_fen", "usual_a_day_fen",
    "prepayment_fen", "open_fen", "balance_fen", "why_not", "is_outlier", "made_at",
)  # fmt: skip


def start_day(*, at: datetime, shard_size: int = SHARD_SIZE) -> int | None:
    """
    Begin to estimate every account under an agreement for the day; the job's id, None where nobody is left for it.

    Repeated on one day, it takes those who have no estimate yet.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT account_id FROM cis_fee_control_agreement g WHERE valid @> %(today)s::date AND NOT EXISTS "
                "(SELECT 1 FROM cis_fee_control_estimate e WHERE e.account_id = g.account_id AND e.day = %(today)s) "
                "ORDER BY 1",
                {"today": today},
            )
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return None
        parts = [ids[first : first + shard_size] for first in range(0, len(ids), shard_size)]
        return jobs.create_job(
            kind=JOB_KIND,
            parameters={"day": today.isoformat()},
            shards=[jobs.ShardSpec(part[0], part[-1] + 1, len(part)) for part in parts],
            created_by_id=None,
            at=at,
        )


def work_shard(claim: jobs.Claim, *, at: datetime) -> None:
    """Estimate the accounts of a shard, and tell those whose balance runs low."""
    with transaction.atomic():
        ids = _accounts(claim.low, claim.high, at)
        made = estimate(ids, at=at)
        done = act_on(ids, at=at)
        claim.finish(result={"estimates": made, **done}, done_units=made, at=at)


def estimate(account_ids: list[int], *, at: datetime) -> int:
    """Write the day's estimates of accounts that have none; gives how many. In the caller's transaction."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    bills = running_bills(account_ids, today=today) if account_ids else []
    money = balances_of(account_ids)
    rows = []
    for bill in bills:
        open_fen, prepaid_fen = money.get(bill.account_id, (0, 0))
        days = (bill.period_end - bill.period_start).days
        rows.append(
            (
                bill.account_id,
                today,
                bill.period_start,
                bill.so_far_kwh_e2,
                bill.days_known,
                bill.so_far_fen,
                None if bill.middle_fen is None else max(bill.middle_fen, 0) // max(days, 1),
                prepaid_fen,
                open_fen,
                None if bill.so_far_fen is None else prepaid_fen - open_fen - bill.so_far_fen,
                (bill.why_not or _("这一期的电费还算不出来"))[:200] if bill.so_far_fen is None else "",
                _is_outlier(bill),
                at,
            )
        )
    listed = ", ".join(_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE fee_day (LIKE cis_fee_control_estimate) ON COMMIT DROP; "
            "ALTER TABLE fee_day ALTER id DROP NOT NULL"
        )
        copy_rows(cursor, "fee_day", _COLUMNS, rows)
        cursor.execute(
            f"INSERT INTO cis_fee_control_estimate ({listed}) SELECT {listed} FROM fee_day "  # noqa: S608 - our own columns
            "ON CONFLICT DO NOTHING"
        )
        made = int(cursor.rowcount)
        cursor.execute("DROP TABLE fee_day")
    return made


def _is_outlier(bill: RunningBill) -> bool:
    """The period so far costs a multiple of what so many days usually do; the brake on mass notices counts these."""
    if bill.so_far_fen is None or not bill.usual_fen or not bill.days_known:
        return False
    days = (bill.period_end - bill.period_start).days
    usual_fen = bill.usual_fen * bill.days_known // days
    is_far = bill.so_far_fen * 100 > usual_fen * settings.OUTLIER_TIMES_E2
    return is_far and bill.so_far_fen - usual_fen > settings.OUTLIER_LEAST_FEN


def _accounts(low: int, high: int, at: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id FROM cis_fee_control_agreement WHERE valid @> %s AND account_id >= %s "
            "AND account_id < %s ORDER BY 1",
            [at.astimezone(settings.BILLING_TIME_ZONE).date(), low, high],
        )
        return [row[0] for row in cursor.fetchall()]


def balances_of(account_ids: list[int]) -> dict[int, tuple[int, int]]:
    """Account id to what it owes and what it has paid ahead."""
    wanted = [account_id * 10 + kind for account_id in account_ids for kind in LedgerKind]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ledger_account_id / 10, "
            "coalesce(sum(debit_fen - credit_fen) FILTER (WHERE ledger_account_id %% 10 = 1), 0)::bigint, "
            "coalesce(sum(credit_fen - debit_fen) FILTER (WHERE ledger_account_id %% 10 = 2), 0)::bigint "
            "FROM cis_ledger_balance WHERE ledger_account_id = ANY(%s) GROUP BY 1",
            [wanted],
        )
        return {account_id: (owed, prepaid) for account_id, owed, prepaid in cursor.fetchall()}
