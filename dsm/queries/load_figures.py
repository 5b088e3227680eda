"""
Figures of load behind the indicators: by part of the organisation and month, a fixed number of statements each.

Of a part that covers the whole utility they are the system's; of a smaller one they are those of its feeders.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection

from cis.queries.curve_sums import list_feeders
from config.shared.indicators import Asked, Figures, Part
from config.shared.periods import add_months, first_day
from config.shared.permissions import holds_everywhere
from dsm.models.loads import SLOTS

_SUM_OF_SLOTS = ", ".join(f"sum(greatest(d.load_w[{slot}], 0))" for slot in range(1, SLOTS + 1))
_MONTH = "(extract(year FROM {0}) * 100 + extract(month FROM {0}))::int"

# The highest quarter-hour of what the scopes of a part had together.
_PEAKS = f"""
WITH days AS (
    SELECT m.unit, d.day, ARRAY[{_SUM_OF_SLOTS}] AS load_w
    FROM unnest(%(units)s::bigint[], %(scopes)s::text[], %(ids)s::bigint[]) AS m(unit, scope, scope_id)
    JOIN dsm_load_day d ON d.scope = m.scope AND d.scope_id = m.scope_id AND d.day >= %(first)s AND d.day < %(end)s
    GROUP BY m.unit, d.day)
SELECT unit, {_MONTH.format("day")}, max((SELECT max(w) FROM unnest(load_w) AS w))::bigint FROM days GROUP BY 1, 2
"""  # noqa: S608 - made of this file's own words

# Of each day the last forecast made before it began; the mean over days and scopes.
_ACCURACY = f"""
WITH mine AS (
    SELECT * FROM unnest(%(units)s::bigint[], %(scopes)s::text[], %(ids)s::bigint[]) AS m(unit, scope, scope_id)),
last AS (
    SELECT DISTINCT ON (m.unit, f.scope, f.scope_id, f.day) m.unit, f.day, o.accuracy_e4
    FROM mine m
    JOIN dsm_load_forecast f ON f.scope = m.scope AND f.scope_id = m.scope_id
     AND f.day >= %(first)s AND f.day < %(end)s AND f.forecaster = %(forecaster)s
     AND f.issued_at < f.day::timestamp AT TIME ZONE %(zone)s
    JOIN dsm_forecast_outcome o ON o.forecast_id = f.id
    ORDER BY m.unit, f.scope, f.scope_id, f.day, f.issued_at DESC)
SELECT unit, {_MONTH.format("day")}, round(avg(accuracy_e4))::bigint FROM last GROUP BY 1, 2
"""  # noqa: S608 - made of this file's own words


def peaks_of(asked: Asked) -> Figures:
    """The highest mean load of a quarter-hour in each month, in kW; of a part the highest sum of its feeders."""
    return {key: (watts + 500) // 1000 for key, watts in _found(_PEAKS, asked, {}).items()}


def accuracy_of(asked: Asked) -> Figures:
    """The mean daily accuracy (`ForecastOutcome`) of day-ahead forecasts in each month, in 0.01 %."""
    words = {"forecaster": settings.DSM_FORECASTER, "zone": settings.BILLING_TIME_ZONE.key}
    return _found(_ACCURACY, asked, words)


def _found(sql: str, asked: Asked, words: dict[str, Any]) -> dict[tuple[int, int], int]:
    rows = _scopes(asked.parts)
    result: dict[tuple[int, int], int] = {}
    with connection.cursor() as cursor:
        for first, end in _stretches(asked.months):
            cursor.execute(
                sql,
                {
                    "units": [row[0] for row in rows],
                    "scopes": [row[1] for row in rows],
                    "ids": [row[2] for row in rows],
                    "first": first,
                    "end": end,
                    **words,
                },
            )
            result |= {(unit, month): int(value) for unit, month, value in cursor.fetchall()}
    return result


def _scopes(parts: tuple[Part, ...]) -> list[tuple[int, str, int]]:
    """(unit, scope, id) of what each part answers for."""
    feeders = list_feeders()
    rows: list[tuple[int, str, int]] = []
    for part in parts:
        if holds_everywhere([part.path]):
            rows.append((part.org_unit_id, "system", 0))
        else:
            own = [one.feeder_id for one in feeders if one.org_path.startswith(part.path)]
            rows += [(part.org_unit_id, "feeder", feeder_id) for feeder_id in own]
    return rows


def _stretches(months: tuple[int, ...]) -> list[tuple[date, date]]:
    """The months as stretches of days without holes between them."""
    stretches: list[tuple[date, date]] = []
    for month in sorted(set(months)):
        first, end = first_day(month), first_day(add_months(month, 1))
        if stretches and stretches[-1][1] == first:
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((first, end))
    return stretches
