"""Bills of one shard of a run beside what the same accounts were billed before; set-wise, one statement for all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.models import BillingRun
from config.shared.bulk_copy import read_columns
from config.shared.errors import NotFound
from config.shared.models import JobShard

Int = NDArray[np.int64]


@dataclass(frozen=True)
class BillsBeside:
    """
    One row a bill: what it comes to, the same cycle's bill a year before, the mean of the three bills before; fen, -1
    where there is none. `months` of the bill and of the year before may differ; then they are not to be compared.
    """

    bill: Int
    account: Int
    org_unit: Int
    cycle: Int
    months: Int
    total_fen: Int
    energy_kwh_e2: Int
    year_ago_fen: Int
    year_ago_months: Int
    mean_fen: Int
    mean_bills: Int

    def __len__(self) -> int:
        return len(self.bill)


_BESIDE = """
SELECT b.id, b.account_id, b.org_unit_id, b.cycle, b.months, b.total_fen - b.correction_fen, b.energy_kwh_e2,
       coalesce(year_ago.total_fen, -1), coalesce(year_ago.months, 0)::int2,
       coalesce(before.mean_fen, -1)::int8, coalesce(before.bills, 0)::int4
FROM cis_bill b
LEFT JOIN LATERAL (
    SELECT o.total_fen - o.correction_fen AS total_fen, o.months FROM cis_bill o
    WHERE o.account_id = b.account_id AND o.cycle = b.cycle - 100
    ORDER BY o.revision DESC LIMIT 1) year_ago ON true
LEFT JOIN LATERAL (
    SELECT round(avg(l.total_fen)) AS mean_fen, count(*) AS bills FROM (
        SELECT o.total_fen - o.correction_fen AS total_fen FROM cis_bill o
        WHERE o.account_id = b.account_id AND o.period_start < b.period_start AND o.months = b.months
          AND NOT EXISTS (SELECT 1 FROM cis_bill n WHERE n.account_id = o.account_id
                          AND n.period_start = o.period_start AND n.revision > o.revision)
        ORDER BY o.period_start DESC LIMIT 3) l) before ON true
WHERE b.run_id = %(run)s AND b.issued_at >= %(since)s AND b.account_id >= %(low)s AND b.account_id < %(high)s
ORDER BY b.id
"""
_TYPES = {
    "bill": "int8",
    "account": "int8",
    "org_unit": "int8",
    "cycle": "int4",
    "months": "int2",
    "total_fen": "int8",
    "energy_kwh_e2": "int8",
    "year_ago_fen": "int8",
    "year_ago_months": "int2",
    "mean_fen": "int8",
    "mean_bills": "int4",
}


def bills_beside_earlier(*, run_id: int, shard: int, issued_since: datetime) -> BillsBeside:
    """
    The bills of one shard of a run that were issued since a moment; of a run without a job all of them.

    :raises NotFound: there is no such run
    """
    run = BillingRun.objects.filter(pk=run_id).first()
    if run is None:
        raise NotFound(f"run {run_id}")
    low, high = 0, 2**62
    if run.job_id is not None:
        part = JobShard.objects.get(job_id=run.job_id, number=shard)
        low, high = part.low, part.high
    with connection.cursor() as cursor:
        found = read_columns(cursor, _BESIDE, {"run": run_id, "low": low, "high": high, "since": issued_since}, _TYPES)
    return BillsBeside(**{name: column.astype(np.int64) for name, column in found.items()})
