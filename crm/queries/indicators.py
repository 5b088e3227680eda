"""Sums behind the indicators of customer relations, in one statement for all that is asked."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from config.shared.indicators import Asked

_RATINGS = """
SELECT p.id, m.month, count(*)::int, sum(r.score)::int
FROM unnest(%(ids)s::bigint[], %(paths)s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN crm_rating r ON r.org_unit_id = o.id
CROSS JOIN LATERAL (SELECT to_char(r.rated_at AT TIME ZONE %(zone)s, 'YYYYMM')::int AS month) m
WHERE m.month = ANY(%(months)s)
GROUP BY 1, 2
"""

_EMERGENCIES = """
SELECT p.id, m.month, count(*)::int, count(*) FILTER (WHERE kept.both)::int
FROM unnest(%(ids)s::bigint[], %(paths)s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN cis_account a ON a.org_unit_id = o.id
JOIN crm_key_account k ON k.account_id = a.id
JOIN crm_emergency e ON e.key_account_id = k.id
CROSS JOIN LATERAL (SELECT to_char(e.received_at AT TIME ZONE %(zone)s, 'YYYYMM')::int AS month) m
CROSS JOIN LATERAL (
    SELECT count(*) = 2 AS both FROM crm_emergency_proof w
    WHERE w.emergency_id = e.id
      AND w.proven_at <= CASE w.clock WHEN 'reply' THEN e.reply_due_at ELSE e.arrive_due_at END) kept
WHERE m.month = ANY(%(months)s)
GROUP BY 1, 2
"""

_TIERS = """
SELECT p.id, coalesce(sum(f.billed_12m_fen), 0)::bigint,
       coalesce(sum(f.billed_12m_fen) FILTER (WHERE t.tier IN ('key', 'vip')), 0)::bigint
FROM unnest(%(ids)s::bigint[], %(paths)s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN crm_profile f ON f.org_unit_id = o.id
LEFT JOIN crm_account_tier t ON t.account_id = f.account_id
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Part:
    """So many of so many, or so many points of so many ratings."""

    whole: int
    part: int


def ratings_of(asked: Asked) -> dict[tuple[int, int], Part]:
    """(unit, month) to ratings and their points together."""
    return {(unit, month): Part(ratings, points) for unit, month, ratings, points in _rows(_RATINGS, asked)}


def emergencies_of(asked: Asked) -> dict[tuple[int, int], Part]:
    """(unit, month) to emergencies received and those with reply and arrival in time."""
    return {(unit, month): Part(count, kept) for unit, month, count, kept in _rows(_EMERGENCIES, asked)}


def billed_by_tier(asked: Asked) -> dict[int, Part]:
    """Unit to what its accounts were billed in twelve months (fen), and of it key accounts and VIP."""
    return {unit: Part(whole, part) for unit, whole, part in _rows(_TIERS, asked)}


def _rows(sql: str, asked: Asked) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "ids": [part.org_unit_id for part in asked.parts],
                "paths": [part.path for part in asked.parts],
                "months": list(asked.months),
                "zone": str(settings.BILLING_TIME_ZONE),
            },
        )
        return list(cursor.fetchall())
