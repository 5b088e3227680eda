"""What waits for somebody in customer information, for the home pages: few rows, a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Count, Exists, OuterRef

from cis.models import Bill, BillException, BillingRun
from cis.queries.left_out import reason_in_words
from config.shared.permissions import in_scope


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """So many accounts that a run left out for one reason and that have had no bill since."""

    run_id: int
    cycle: int
    code: str
    reason: str
    accounts: int


def left_out(*, from_cycle: int, limit: int, within: Sequence[str] | None = None) -> list[LeftOutRow]:
    """Whom runs of these cycles and later left out and nobody has billed since, by run and reason, newest run first."""
    since = Bill.objects.filter(account_id=OuterRef("account_id"), cycle=OuterRef("run__cycle"))
    rows = (
        BillException.objects.filter(~Exists(since), in_scope("account__org_unit", within), run__cycle__gte=from_cycle)
        .exclude(run__kind=BillingRun.Kind.PREVIEW)
        .values_list("run_id", "run__cycle", "code")
        .annotate(accounts=Count("account_id", distinct=True))
        .order_by("-run_id", "-accounts", "code")[:limit]
    )
    return [
        LeftOutRow(run_id, cycle, code, reason_in_words(code, ""), accounts) for run_id, cycle, code, accounts in rows
    ]


_DAYS = """
SELECT d::date FROM generate_series(
    coalesce((SELECT max(business_date) + 1 FROM cis_ledger_day), (SELECT min(business_date) FROM cis_ledger_transfer)),
    %s::date - 1, interval '1 day') d
WHERE EXISTS (SELECT 1 FROM cis_ledger_transfer t WHERE t.business_date = d::date)
ORDER BY 1 LIMIT %s
"""


def days_to_close(*, today: date, limit: int) -> list[date]:
    """Business days that are over, hold something and are not closed, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [today, limit])
        return [row[0] for row in cursor.fetchall()]
