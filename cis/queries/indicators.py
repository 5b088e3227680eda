"""Sums behind the indicators: by part of the organisation and month, in one statement for all that is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection

from config.shared.indicators import Asked

_BILLED = """
SELECT p.id, b.cycle, sum(b.energy_kwh_e2)::bigint, sum(b.total_fen)::bigint, sum(b.open_fen)::bigint
FROM unnest(%s::bigint[], %s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN cis_bill b ON b.org_unit_id = o.id AND b.cycle = ANY(%s)
GROUP BY 1, 2
"""

_OVERDUE = """
SELECT p.id, sum(b.open_fen)::bigint
FROM unnest(%s::bigint[], %s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN cis_bill b ON b.org_unit_id = o.id AND b.open_fen > 0 AND b.due_on < %s
GROUP BY 1
"""


# Only districts whose supply is known count, with what was billed behind them for the same cycle.
_LOSSES = """
SELECT p.id, s.cycle, sum(s.energy_kwh_e2)::bigint, sum(b.energy_kwh_e2)::bigint
FROM unnest(%s::bigint[], %s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN cis_substation u ON u.org_unit_id = o.id
JOIN cis_feeder f ON f.substation_id = u.id
JOIN cis_transformer_district t ON t.feeder_id = f.id
JOIN cis_district_supply s ON s.transformer_district_id = t.id AND s.cycle = ANY(%s)
JOIN (
    SELECT q.transformer_district_id, x.cycle, sum(x.energy_kwh_e2) AS energy_kwh_e2
    FROM cis_bill x JOIN cis_account a ON a.id = x.account_id JOIN cis_premise q ON q.id = a.premise_id
    WHERE x.cycle = ANY(%s) GROUP BY 1, 2
) b ON b.transformer_district_id = t.id AND b.cycle = s.cycle
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Loss:
    """Energy supplied to transformer districts and billed behind them, in 0.01 kWh."""

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
    """Supply and sales of the districts of each part and month whose supply is known; others are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_LOSSES, [*_parts(asked), list(asked.months), list(asked.months)])
        return {(part, cycle): Loss(*sums) for part, cycle, *sums in cursor.fetchall()}


def _parts(asked: Asked) -> tuple[list[int], list[str]]:
    return [part.org_unit_id for part in asked.parts], [part.path for part in asked.parts]
