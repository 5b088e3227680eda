"""Figures behind the halls' indicators: by part of the organisation and month, each in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import connection

from config.shared.indicators import Asked
from config.shared.periods import add_months, first_day

_WAITS = """
SELECT p.id, extract(year FROM t.day)::int * 100 + extract(month FROM t.day)::int,
       count(*), avg(t.waited_s)::float8,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY t.waited_s),
       count(*) FILTER (WHERE t.waited_s > %s),
       avg(abs(t.waited_s - t.predicted_p50_s))::float8
FROM unnest(%s::bigint[], %s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN halls_ticket t ON t.hall_id = o.id AND t.waited_s IS NOT NULL AND ({months})
GROUP BY 1, 2
"""

_SCORES = """
SELECT p.id, extract(year FROM t.day)::int * 100 + extract(month FROM t.day)::int, avg(r.score)::float8
FROM unnest(%s::bigint[], %s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN halls_ticket t ON t.hall_id = o.id AND ({months})
JOIN halls_rating r ON r.ticket_id = t.id
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Waits:
    """Waits from taking a number to its first call, in seconds; `over_e4` is the share over the bound."""

    called: int
    mean_s: int
    p90_s: int
    over_e4: int
    error_s: int | None


def waits_of(asked: Asked) -> dict[tuple[int, int], Waits]:
    """The waits of each part and month; a part nobody was called in is left out."""
    days, values = _days(asked)
    with connection.cursor() as cursor:
        cursor.execute(_WAITS.format(months=days), [settings.HALLS_WAIT_BOUND_S, *_parts(asked), *values])
        return {
            (part, month): Waits(
                called=called,
                mean_s=round(mean_s),
                p90_s=round(p90_s),
                over_e4=over * 10_000 // called,
                error_s=round(error_s) if error_s is not None else None,
            )
            for part, month, called, mean_s, p90_s, over, error_s in cursor.fetchall()
        }


def scores_of(asked: Asked) -> dict[tuple[int, int], int]:
    """The mean score of each part and month, in hundredths of a star; a part nobody rated is left out."""
    days, values = _days(asked)
    with connection.cursor() as cursor:
        cursor.execute(_SCORES.format(months=days), [*_parts(asked), *values])
        return {(part, month): round(score * 100) for part, month, score in cursor.fetchall()}


def _days(asked: Asked) -> tuple[str, list[date]]:
    """A condition that the index on hall and day serves, for months that need not follow each other."""
    bounds = [(first_day(month), first_day(add_months(month, 1))) for month in asked.months]
    condition = " OR ".join("t.day >= %s AND t.day < %s" for _pair in bounds)
    return condition or "false", [day for pair in bounds for day in pair]


def _parts(asked: Asked) -> tuple[list[int], list[str]]:
    return [part.org_unit_id for part in asked.parts], [part.path for part in asked.parts]
