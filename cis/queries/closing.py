"""The closing check of a billing run: what was billed against what was booked and what the meters said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from cis.models.ledger import TransferKind

# The ids of a run's bills lie together: with their bounds the other tables are read in that stretch, not as a whole.
_BILLED = """
SELECT price_class, count(*), coalesce(sum(total_fen), 0)::bigint, coalesce(sum(energy_kwh_e2), 0)::bigint,
       min(id), max(id)
FROM cis_bill WHERE run_id = %s GROUP BY 1 ORDER BY 1
"""

_RECEIVABLE = """
SELECT b.price_class, coalesce(sum(CASE WHEN t.debit_id > 0 THEN t.amount_fen ELSE -t.amount_fen END), 0)::bigint
FROM cis_bill b JOIN cis_ledger_transfer t ON t.kind = ANY(%s) AND t.document_id = b.id
WHERE b.run_id = %s AND t.document_id BETWEEN %s AND %s GROUP BY 1
"""

_LINES = """
SELECT b.price_class, coalesce(sum(l.amount_fen), 0)::bigint FROM cis_bill b JOIN cis_bill_line l ON l.bill_id = b.id
WHERE b.run_id = %s AND l.bill_id BETWEEN %s AND %s GROUP BY 1
"""

_LEFT_OUT = "SELECT code, count(*) FROM cis_bill_exception WHERE run_id = %s GROUP BY 1 ORDER BY 1"

# Each shard compares its stretches with the accepted advances before it bills them (`cis.queries.determinants`): who
# disagrees is left out. What the shards came to is added up here, and bills as stored must make the same.
_SUMS = ("bills", "total_fen", "energy_kwh_e2", "stretches", "metered_kwh_e2", "accepted_kwh_e2")


def closing_figures(*, run_id: int, shards: Sequence[dict[str, Any]], is_preview: bool) -> dict[str, Any]:
    """
    Per class: bills, fen billed, fen on lines, fen booked as receivable; kWh billed and kWh accepted; who was left out.

    `shards`: what each shard came to. `agrees` is true when every pair is equal, and the bills are what the shards
    said. A preview has no bills: its figures are the sums of its shards.
    """
    issued = {name: sum(shard[name] for shard in shards) for name in _SUMS}
    agrees = issued["metered_kwh_e2"] == issued["accepted_kwh_e2"]
    classes: list[dict[str, int]] = []
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_OUT, [run_id])
        left_out = dict(cursor.fetchall())
        if not is_preview:
            classes = _classes(cursor, run_id)
    if not is_preview:
        stored = {name: sum(row[name] for row in classes) for name in ("bills", "total_fen", "energy_kwh_e2")}
        agrees &= stored.items() <= issued.items()
        agrees &= all(row["total_fen"] == row["lines_fen"] == row["receivable_fen"] for row in classes)
        issued |= stored
    return {"agrees": agrees, **issued, "left_out": left_out, "classes": classes}


def _classes(cursor: Any, run_id: int) -> list[dict[str, int]]:
    """What is stored of each class of a run's bills."""
    cursor.execute(_BILLED, [run_id])
    billed = cursor.fetchall()
    if not billed:
        return []
    within = [run_id, min(row[4] for row in billed), max(row[5] for row in billed)]
    # The planner's statistics do not know bills of this minute: it takes them for one, would compare each with all
    # others, and sort them to add up three classes.
    cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL enable_sort = off")
    cursor.execute(_RECEIVABLE, [[int(TransferKind.BILL_ISSUED), int(TransferKind.BILL_CORRECTED)], *within])
    receivable = dict(cursor.fetchall())
    cursor.execute(_LINES, within)
    lines = dict(cursor.fetchall())
    cursor.execute("SET LOCAL enable_nestloop TO DEFAULT; SET LOCAL enable_sort TO DEFAULT")
    return [
        {
            "price_class": price_class,
            "bills": count,
            "total_fen": total,
            "energy_kwh_e2": energy,
            "lines_fen": lines.get(price_class, 0),
            "receivable_fen": receivable.get(price_class, 0),
        }
        for price_class, count, total, energy, _first, _last in billed
    ]
