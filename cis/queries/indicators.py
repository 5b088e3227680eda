"""Sums behind the indicators: by part of the organisation and month, in one statement for all that is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection

from config.shared.indicators import Asked
from config.shared.periods import add_months

_BILLED = """
SELECT p.id, b.cycle, sum(b.energy_kwh_e2)::bigint, sum(b.total_fen)::bigint, sum(b.open_fen)::bigint
FROM unnest(%s::bigint[], %s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN cis_bill b ON b.org_unit_id = o.id AND b.cycle = ANY(%s)
WHERE NOT EXISTS (SELECT 1 FROM cis_bill_cancellation x WHERE x.bill_id = b.id)
GROUP BY 1, 2
"""

_OVERDUE = """
SELECT p.id, sum(b.open_fen)::bigint
FROM unnest(%s::bigint[], %s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN cis_bill b ON b.org_unit_id = o.id AND b.open_fen > 0 AND b.due_on < %s
GROUP BY 1
"""


# A district is compared over the months its bills cover, in the month in which they were read: over two where any of
# its customers is read every two months, else over one. A month before or after which such a reading falls lies in the
# middle of a bill and belongs to the next comparison. Who was supplied and has no bill was supplied for nothing, once
# bills of the month were issued in its unit at all.
_LOSSES = """
WITH m AS (
    SELECT * FROM unnest(%(months)s::int[], %(earlier)s::int[], %(later)s::int[]) AS m(cycle, earlier, later)
),
sold AS MATERIALIZED (
    SELECT q.transformer_district_id AS district, x.cycle, sum(x.energy_kwh_e2) AS energy_kwh_e2,
           bool_or(x.months > 1) AS is_of_two
    FROM cis_bill x JOIN cis_account a ON a.id = x.account_id JOIN cis_premise q ON q.id = a.premise_id
    WHERE x.cycle = ANY(%(months)s || %(earlier)s || %(later)s)
      AND NOT EXISTS (SELECT 1 FROM cis_bill_cancellation c WHERE c.bill_id = x.id)
    GROUP BY 1, 2
),
billed AS MATERIALIZED (
    SELECT DISTINCT x.cycle, o.path
    FROM (SELECT DISTINCT cycle, org_unit_id FROM cis_bill WHERE cycle = ANY(%(months)s)) x
    JOIN shared_org_unit o ON o.id = x.org_unit_id
)
SELECT p.id, m.cycle,
       sum(s.energy_kwh_e2 + CASE WHEN now.is_of_two THEN before.energy_kwh_e2 ELSE 0 END)::bigint,
       sum(coalesce(now.energy_kwh_e2, 0)
           + CASE WHEN now.is_of_two THEN coalesce(past.energy_kwh_e2, 0) ELSE 0 END)::bigint
FROM unnest(%(ids)s::bigint[], %(paths)s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN cis_substation u ON u.org_unit_id = o.id
JOIN cis_feeder f ON f.substation_id = u.id
JOIN cis_transformer_district t ON t.feeder_id = f.id
CROSS JOIN m
JOIN cis_district_supply s ON s.transformer_district_id = t.id AND s.cycle = m.cycle
LEFT JOIN cis_district_supply before ON before.transformer_district_id = t.id AND before.cycle = m.earlier
LEFT JOIN sold now ON now.district = t.id AND now.cycle = m.cycle
LEFT JOIN sold past ON past.district = t.id AND past.cycle = m.earlier
LEFT JOIN sold next ON next.district = t.id AND next.cycle = m.later
WHERE past.is_of_two IS NOT TRUE AND next.is_of_two IS NOT TRUE
  AND (now.is_of_two IS NOT TRUE OR before.id IS NOT NULL)
  AND EXISTS (SELECT 1 FROM billed WHERE billed.cycle = m.cycle AND billed.path LIKE o.path || '%%')
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Loss:
    """Energy supplied to transformer districts and billed behind them over the same months, in 0.01 kWh."""

    supplied_kwh_e2: int
    sold_kwh_e2: int


@dataclass(frozen=True, slots=True)
class Billed:
    """What was billed for a month, and what of it is still open."""

    energy_kwh_e2: int
    billed_fen: int
    open_fen: int


def billed_of(asked: Asked) -> dict[tuple[int, int], Billed]:
    """Sums of the bills of each part and month; a part without bills is left out."""
    with connection.cursor() as cursor:
        cursor.execute(_BILLED, [*_parts(asked), list(asked.months)])
        return {(part, cycle): Billed(*sums) for part, cycle, *sums in cursor.fetchall()}


def overdue_of(asked: Asked, *, longer_than_days: int = 0) -> dict[int, int]:
    """What each part's accounts owe today (fen) for longer than so many days after the day it was due."""
    last_due: date = asked.today - timedelta(days=longer_than_days)
    with connection.cursor() as cursor:
        cursor.execute(_OVERDUE, [*_parts(asked), last_due])
        return dict(cursor.fetchall())


def losses_of(asked: Asked) -> dict[tuple[int, int], Loss]:
    """
    Supply and sales of the districts of each part and month, each over the one or two months its bills cover.

    Left out: districts whose supply is not known for all of these months, those of units where nothing was billed for
    the month yet, and those whose two-month readings fall into neighbouring months.
    """
    ids, paths = _parts(asked)
    sought: dict[str, list[int] | list[str]] = {
        "ids": ids,
        "paths": paths,
        "months": list(asked.months),
        "earlier": [add_months(month, -1) for month in asked.months],
        "later": [add_months(month, 1) for month in asked.months],
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOSSES, sought)
        return {(part, cycle): Loss(*sums) for part, cycle, *sums in cursor.fetchall()}


def _parts(asked: Asked) -> tuple[list[int], list[str]]:
    return [part.org_unit_id for part in asked.parts], [part.path for part in asked.parts]
