"""What the indicators of grid service count: how fast questions are answered, who is covered, whom notices reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.db import connection

from config.shared.indicators import Asked
from config.shared.periods import add_months, first_day

Key = tuple[int, int]

# Every part and month asked for; months begin and end at midnight of the billing time zone.
_ASKED = """
WITH asked AS (
    SELECT p.id AS part, p.path, m.month, m.starts, m.ends
    FROM unnest(%(parts)s::bigint[], %(paths)s::text[]) AS p(id, path)
    CROSS JOIN unnest(%(months)s::int[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS m(month, starts, ends)
)
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """Seconds from a question to its answer: the middle one, and what nine of ten stay below."""

    p50_s: int
    p90_s: int


def _values(asked: Asked) -> dict[str, Any]:
    return {
        "parts": [part.org_unit_id for part in asked.parts],
        "paths": [part.path for part in asked.parts],
        "months": list(asked.months),
        "starts": [_begin(month) for month in asked.months],
        "ends": [_begin(add_months(month, 1)) for month in asked.months],
    }


def _begin(month: int) -> datetime:
    return datetime.combine(first_day(month), time(), settings.BILLING_TIME_ZONE)


def answers_of(asked: Asked) -> dict[Key, Answers]:
    """First answers to the questions of each month, by the district's unit; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ASKED  # noqa: S608 - our own text
            + """
            SELECT a.part, a.month,
                   percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM q.answered_at - q.asked_at))::bigint,
                   percentile_disc(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM q.answered_at - q.asked_at))::bigint
            FROM asked a
            JOIN grid_service_question q ON q.answered_at IS NOT NULL
                AND q.asked_at >= a.starts AND q.asked_at < a.ends
            JOIN grid_service_district d ON d.id = q.service_district_id
            JOIN shared_org_unit u ON u.id = d.org_unit_id AND starts_with(u.path, a.path)
            GROUP BY 1, 2
            """,
            _values(asked),
        )
        return {(part, month): Answers(p50, p90) for part, month, p50, p90 in cursor.fetchall()}


def covered_of(asked: Asked) -> dict[int, tuple[int, int]]:
    """By part: open accounts behind a transformer district that a district covers today, and all; one statement."""
    # What begins in the course of the day counts, what is planned for later does not.
    day_ends = datetime.combine(asked.today, time.max, settings.BILLING_TIME_ZONE)
    values = {**_values(asked), "at": day_ends}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.id, count(*) FILTER (WHERE c.id IS NOT NULL), count(*)
            FROM unnest(%(parts)s::bigint[], %(paths)s::text[]) AS p(id, path)
            JOIN shared_org_unit u ON starts_with(u.path, p.path)
            JOIN cis_account a ON a.org_unit_id = u.id AND a.state = 'open'
            JOIN cis_premise h ON h.id = a.premise_id
            LEFT JOIN grid_service_coverage c
                ON c.transformer_district_id = h.transformer_district_id AND c.valid @> %(at)s
            GROUP BY 1
            """,
            values,
        )
        return {part: (covered, every) for part, covered, every in cursor.fetchall()}


def reached_of(asked: Asked) -> dict[Key, tuple[int, int]]:
    """Households that heard of the notices of a month (or that somebody told), and all concerned; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ASKED  # noqa: S608 - our own text
            + """
            SELECT part, month, count(*) FILTER (WHERE is_reached), count(*) FROM (
                SELECT a.part, a.month, r.version_id, r.account_id,
                       bool_or(f.id IS NOT NULL OR s.state IN ('sent', 'delivered', 'read')
                               OR i.state IN ('delivered', 'read')) AS is_reached
                FROM asked a
                JOIN grid_service_notice_version v ON v.published_at >= a.starts AND v.published_at < a.ends
                JOIN grid_service_notice n ON n.id = v.notice_id
                JOIN shared_org_unit u ON u.id = n.org_unit_id AND starts_with(u.path, a.path)
                JOIN grid_service_notice_recipient r ON r.version_id = v.id
                LEFT JOIN shared_message s ON s.dedupe_key = 'notice:' || v.id || ':sms:' || r.person_key
                LEFT JOIN shared_message i ON i.dedupe_key = 'notice:' || v.id || ':in_app:' || r.person_key
                LEFT JOIN grid_service_notice_follow_up f ON f.version_id = v.id AND f.account_id = r.account_id
                GROUP BY 1, 2, 3, 4) AS household
            GROUP BY 1, 2
            """,
            _values(asked),
        )
        return {(part, month): (reached, every) for part, month, reached, every in cursor.fetchall()}
