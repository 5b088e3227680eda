"""The closing check of a billing run: what was billed against what was booked and what the meters said."""

from __future__ import annotations

from typing import Any

from django.db import connection

from cis.models.ledger import TransferKind
from config.shared.models import JobShard

# The ids of a run's bills lie together: with their bounds the other tables are read in that stretch, not as a whole.
_BOUNDS = "SELECT min(id), max(id) FROM cis_bill WHERE run_id = %s"

_BILLED = """
SELECT price_class, count(*), coalesce(sum(total_fen), 0)::bigint, coalesce(sum(energy_kwh_e2), 0)::bigint
FROM cis_bill WHERE run_id = %s GROUP BY 1 ORDER BY 1
"""

_RECEIVABLE = """
SELECT b.price_class, coalesce(sum(t.amount_fen), 0)::bigint
FROM cis_bill b JOIN cis_ledger_transfer t ON t.kind = %s AND t.document_id = b.id
WHERE b.run_id = %s AND t.document_id BETWEEN %s AND %s GROUP BY 1
"""

_LINES = """
SELECT b.price_class, coalesce(sum(l.amount_fen), 0)::bigint FROM cis_bill b JOIN cis_bill_line l ON l.bill_id = b.id
WHERE b.run_id = %s AND l.bill_id BETWEEN %s AND %s GROUP BY 1
"""

# Energy on bills, stretch by stretch, against the advances that validation wrote when it accepted the readings.
_METERED = """
SELECT count(*), coalesce(sum(u.energy_kwh_e2), 0)::bigint, coalesce(sum(r.advance_kwh_e2), 0)::bigint,
       count(*) FILTER (WHERE r.advance_kwh_e2 IS DISTINCT FROM u.energy_kwh_e2)
FROM cis_bill b JOIN cis_bill_usage u ON u.bill_id = b.id AND NOT u.is_from_curve
LEFT JOIN LATERAL (SELECT x.advance_kwh_e2 FROM cis_reading x WHERE x.installation_id = u.installation_id
                   AND x.register = u.register AND x.read_on = u.to_on AND x.state = 1 OFFSET 0) r ON true
WHERE b.run_id = %s AND u.bill_id BETWEEN %s AND %s
"""

_LEFT_OUT = "SELECT code, count(*) FROM cis_bill_exception WHERE run_id = %s GROUP BY 1 ORDER BY 1"


def closing_figures(*, run_id: int, job_id: int | None, is_preview: bool) -> dict[str, Any]:
    """
    Per class: bills, fen billed, fen on lines, fen booked as receivable; kWh billed and kWh accepted; who was left out.

    `agrees` is true when every pair is equal. A preview has no bills: its figures are the sums of its shards.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_OUT, [run_id])
        left_out = dict(cursor.fetchall())
        if is_preview:
            results = JobShard.objects.filter(job=job_id, stage=0).values_list("result", flat=True)
            return {
                "agrees": True,
                "bills": sum(result["bills"] for result in results),
                "total_fen": sum(result["total_fen"] for result in results),
                "energy_kwh_e2": sum(result["energy_kwh_e2"] for result in results),
                "left_out": left_out,
                "classes": [],
            }
        cursor.execute(_BILLED, [run_id])
        billed = cursor.fetchall()
        cursor.execute(_BOUNDS, [run_id])
        within = [run_id, *cursor.fetchone()]
        # The planner's statistics do not know bills of this minute: it takes them for one and would compare each with
        # all others. Readings are looked up one by one all the same (LATERAL), none of them twice.
        cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL enable_memoize = off")
        cursor.execute(_RECEIVABLE, [int(TransferKind.BILL_ISSUED), *within])
        receivable = dict(cursor.fetchall())
        cursor.execute(_LINES, within)
        lines = dict(cursor.fetchall())
        cursor.execute(_METERED, within)
        stretches, billed_kwh_e2, accepted_kwh_e2, different = cursor.fetchone()
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT; SET LOCAL enable_memoize TO DEFAULT")
    classes = [
        {
            "price_class": price_class,
            "bills": count,
            "total_fen": total,
            "energy_kwh_e2": energy,
            "lines_fen": lines.get(price_class, 0),
            "receivable_fen": receivable.get(price_class, 0),
        }
        for price_class, count, total, energy in billed
    ]
    agrees = different == 0 and billed_kwh_e2 == accepted_kwh_e2
    agrees &= all(row["total_fen"] == row["lines_fen"] == row["receivable_fen"] for row in classes)
    return {
        "agrees": agrees,
        "bills": sum(row["bills"] for row in classes),
        "total_fen": sum(row["total_fen"] for row in classes),
        "energy_kwh_e2": sum(row["energy_kwh_e2"] for row in classes),
        "stretches": stretches,
        "metered_kwh_e2": billed_kwh_e2,
        "accepted_kwh_e2": accepted_kwh_e2,
        "left_out": left_out,
        "classes": classes,
    }
