"""
Bills far above the account's own, taken out of a shard before it is written.

Only bills above the floor of their class are compared, so that of most accounts no history is read: one statement of
index look-ups a shard. Who has too few bills of the same length is not compared (billing-rules 3.5).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from cis.operations.rated_bills import lines_of, stretches_of
from cis.queries.determinant_columns import Determinants
from cis.queries.left_out import LeftOut
from cis.queries.shard_rating import RatedShard
from config.shared.bulk_copy import day_of, read_columns

Int = NDArray[np.int64]

_USUAL = """
SELECT a.place, count(*)::int8, percentile_disc(0.5) WITHIN GROUP (ORDER BY h.fen)
FROM unnest(%s::bigint[], %s::bigint[], %s::int2[], %s::int4[]) AS a(place, account_id, months, start)
CROSS JOIN LATERAL (
    SELECT b.total_fen - b.correction_fen AS fen FROM cis_bill b
    WHERE b.account_id = a.account_id AND b.months = a.months
      AND b.period_start >= DATE '2000-01-01' + a.start - 370 AND b.period_start < DATE '2000-01-01' + a.start
      AND NOT EXISTS (SELECT 1 FROM cis_bill_cancellation x WHERE x.bill_id = b.id)) h
GROUP BY 1 ORDER BY 1
"""
_TYPES = {"place": "int8", "bills": "int8", "usual_fen": "int8"}
# Twelve months before the period begins; a reading day may lie some days off.


@dataclass(frozen=True)
class Outliers:
    """Rows of the accounts whose bills are held, with what they were compared with."""

    row: Int
    usual_fen: Int
    bills: Int


def find_outliers(found: Determinants, shard: RatedShard) -> Outliers:
    """Which bills of a shard are above the limits of their class; one statement, none where no bill is large."""
    accounts = found.accounts
    factor, floor, least = (np.zeros(8, dtype=np.int64) for _ in range(3))
    for price_class, rule in settings.BILL_HOLDS.items():
        factor[price_class], floor[price_class], least[price_class] = (
            rule["factor_e2"],
            rule["floor_fen"],
            rule["least_bills"],
        )
    of_class = accounts.price_class[shard.billed]
    large = shard.billed[(factor[of_class] > 0) & (shard.total_fen[shard.billed] > floor[of_class])]
    nothing = np.empty(0, dtype=np.int64)
    if not len(large):
        return Outliers(nothing, nothing, nothing)
    asked = [
        large.tolist(),
        accounts.account[large].tolist(),
        accounts.months[large].tolist(),
        accounts.start[large].tolist(),
    ]
    with connection.cursor() as cursor:
        known = read_columns(cursor, _USUAL, asked, _TYPES)
    row = known["place"]
    mine = accounts.price_class[row]
    is_far = (known["bills"] >= least[mine]) & (shard.total_fen[row] * 100 > known["usual_fen"] * factor[mine])
    return Outliers(row[is_far], known["usual_fen"][is_far], known["bills"][is_far])


def without(shard: RatedShard, row: Int) -> RatedShard:
    """The shard without the bills of some rows: they are left out, held."""
    if not len(row):
        return shard
    stays = ~np.isin(shard.line_row, row)
    return replace(
        shard,
        billed=shard.billed[~np.isin(shard.billed, row)],
        line_row=shard.line_row[stays],
        line_code=shard.line_code[stays],
        line_quantity=shard.line_quantity[stays],
        line_price_e8=shard.line_price_e8[stays],
        line_amount_fen=shard.line_amount_fen[stays],
        line_share=shard.line_share[stays],
        left_out=shard.left_out | dict.fromkeys(row.tolist(), (LeftOut.HELD, "")),
    )


_KEEP = """
INSERT INTO cis_bill_hold (run_id, cycle, held_at, state, reason, account_id, org_unit_id, price_class, period_start,
    period_end, months, energy_kwh_e2, total_fen, usual_fen, bills, factor_e2, floor_fen, lines, usage)
SELECT %(run)s, %(cycle)s, %(at)s, 'waiting', '', h.account_id, h.org_unit_id, h.price_class, h.period_start,
    h.period_end, h.months, h.energy_kwh_e2, h.total_fen, h.usual_fen, h.bills, h.factor_e2,
    h.floor_fen, h.lines, h.usage
FROM jsonb_to_recordset(%(holds)s::jsonb) AS h(account_id bigint, org_unit_id bigint, price_class int2,
    period_start date, period_end date, months int2, energy_kwh_e2 bigint, total_fen bigint, usual_fen bigint,
    bills int, factor_e2 int, floor_fen bigint, lines jsonb, usage jsonb)
ON CONFLICT (account_id, period_start) WHERE state = 'waiting' DO UPDATE SET
    run_id = EXCLUDED.run_id, held_at = EXCLUDED.held_at, energy_kwh_e2 = EXCLUDED.energy_kwh_e2,
    total_fen = EXCLUDED.total_fen, usual_fen = EXCLUDED.usual_fen, bills = EXCLUDED.bills,
    factor_e2 = EXCLUDED.factor_e2, floor_fen = EXCLUDED.floor_fen, lines = EXCLUDED.lines, usage = EXCLUDED.usage
"""


def keep(outliers: Outliers, found: Determinants, shard: RatedShard, *, run_id: int, cycle: int, at: datetime) -> None:
    """Put the held bills on the work list, as rated; one statement."""
    if not len(outliers.row):
        return
    accounts = found.accounts
    holds: list[dict[str, Any]] = []
    for number, row in enumerate(outliers.row.tolist()):
        rule = settings.BILL_HOLDS[int(accounts.price_class[row])]
        holds.append(
            {
                "account_id": int(accounts.account[row]),
                "org_unit_id": int(accounts.org_unit[row]),
                "price_class": int(accounts.price_class[row]),
                "period_start": day_of(int(accounts.start[row])).isoformat(),
                "period_end": day_of(int(accounts.end[row])).isoformat(),
                "months": int(accounts.months[row]),
                "energy_kwh_e2": int(shard.energy_kwh_e2[row]),
                "total_fen": int(shard.total_fen[row]),
                "usual_fen": int(outliers.usual_fen[number]),
                "bills": int(outliers.bills[number]),
                "factor_e2": rule["factor_e2"],
                "floor_fen": rule["floor_fen"],
                "lines": lines_of(shard, row),
                "usage": stretches_of(found, row),
            }
        )
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"run": run_id, "cycle": cycle, "at": at, "holds": json.dumps(holds)})
