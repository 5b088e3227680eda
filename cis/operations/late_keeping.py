"""Rows of a file that say something else than what was billed are kept, once each; a fixed number of statements."""

from __future__ import annotations

from datetime import datetime
from typing import Any

# A reading bounds a billed stretch of its meter, whoever had the point then; bills lie near it by the reading route.
_IS_BILLED = """EXISTS (
    SELECT 1 FROM cis_meter_installation i
    JOIN cis_account_point ap ON ap.point_id = i.point_id
    JOIN cis_bill b ON b.account_id = ap.account_id AND b.months > 0
         AND b.period_start <= n.read_on + 20 AND b.period_end >= n.read_on - 20
    JOIN cis_bill_usage u ON u.bill_id = b.id AND u.installation_id = n.installation_id AND NOT u.is_from_curve
         AND n.read_on IN (u.from_on, u.to_on)
    WHERE i.id = n.installation_id)"""

_KEEP_REGISTERS = f"""
WITH late AS MATERIALIZED (
    SELECT n.row, n.installation_id, n.register, n.read_on, r.account_id, n.value_e4, n.source, r.value_e4 AS stood_e4,
           r.source = 4 AS replaces_estimate
    FROM incoming_reading n JOIN cis_reading r USING (installation_id, register, read_on)
    WHERE n.row = ANY(%(rows)s) AND r.state = 1 AND n.source <> 4
      AND (r.source = 4 OR r.value_e4 <> n.value_e4 AND {_IS_BILLED})),
kept AS (
    INSERT INTO cis_late_reading AS k (installation_id, register, read_on, account_id, value_e4, source, stood_e4,
                                       replaces_estimate, reading_import_id, arrived_at, state, why, doubts, detail,
                                       reason)
    SELECT installation_id, register, read_on, account_id, value_e4, source, stood_e4, replaces_estimate, %(import)s,
           %(at)s, 'arrived', '', 0, '', ''
    FROM (SELECT DISTINCT ON (installation_id, register, read_on, value_e4) * FROM late
          ORDER BY installation_id, register, read_on, value_e4) once
    ON CONFLICT (installation_id, register, read_on, value_e4, energy_wh)
    DO UPDATE SET reading_import_id = excluded.reading_import_id WHERE k.state = 'arrived'
    RETURNING installation_id, register, read_on, value_e4)
SELECT l.row, k.installation_id IS NOT NULL
FROM late l LEFT JOIN kept k USING (installation_id, register, read_on, value_e4)
"""  # noqa: S608 - constants of this file

_CURVE_IS_BILLED = """n.register = 1 AND EXISTS (
    SELECT 1 FROM cis_meter_installation i
    JOIN cis_account_point ap ON ap.point_id = i.point_id AND ap.valid @> n.day
    JOIN cis_bill b ON b.account_id = ap.account_id AND b.months > 0
         AND b.period_start <= n.day AND b.period_end > n.day
    JOIN cis_bill_usage u ON u.bill_id = b.id AND u.installation_id = i.id AND u.is_from_curve
         AND n.day >= u.from_on AND n.day < u.to_on
    WHERE i.point_id = n.point_id AND i.valid @> n.day)"""

_KEEP_CURVES = f"""
WITH late AS MATERIALIZED (
    SELECT n.row, i.id AS installation_id, n.register, n.day AS read_on, ap.account_id, n.energy_wh,
           NOT EXISTS (SELECT 1 FROM unnest(n.energy_wh, r.energy_wh, r.quality) AS u(new, old, quality)
                       WHERE u.new >= 0 AND u.new <> u.old AND coalesce(u.quality, 1) <> 2) AS replaces_estimate
    FROM incoming_curve n JOIN cis_interval_day r USING (point_id, register, day)
    JOIN cis_meter_installation i ON i.point_id = n.point_id AND i.valid @> n.day
    JOIN cis_account_point ap ON ap.point_id = n.point_id AND ap.valid @> n.day
    WHERE n.row = ANY(%(rows)s) AND r.state = 1 AND {_CURVE_IS_BILLED}),
kept AS (
    INSERT INTO cis_late_reading AS k (installation_id, register, read_on, account_id, energy_wh, source,
                                       replaces_estimate, reading_import_id, arrived_at, state, why, doubts, detail,
                                       reason)
    SELECT installation_id, register, read_on, account_id, energy_wh, 1, replaces_estimate, %(import)s, %(at)s,
           'arrived', '', 0, '', ''
    FROM (SELECT DISTINCT ON (installation_id, register, read_on, energy_wh) * FROM late
          ORDER BY installation_id, register, read_on, energy_wh) once
    ON CONFLICT (installation_id, register, read_on, value_e4, energy_wh)
    DO UPDATE SET reading_import_id = excluded.reading_import_id WHERE k.state = 'arrived'
    RETURNING installation_id, register, read_on, energy_wh)
SELECT l.row, k.installation_id IS NOT NULL
FROM late l LEFT JOIN kept k USING (installation_id, register, read_on, energy_wh)
"""  # noqa: S608 - constants of this file


def late_registers(cursor: Any, import_id: int, rows: list[int], at: datetime) -> dict[int, bool]:
    """Of rows of `incoming_reading` those that came late, and whether each is new (or was left by a killed import)."""
    return _keep(cursor, _KEEP_REGISTERS, import_id, rows, at)


def late_curves(cursor: Any, import_id: int, rows: list[int], at: datetime) -> dict[int, bool]:
    """The same of rows of `incoming_curve`."""
    return _keep(cursor, _KEEP_CURVES, import_id, rows, at)


def _keep(cursor: Any, statement: str, import_id: int, rows: list[int], at: datetime) -> dict[int, bool]:
    if not rows:
        return {}
    cursor.execute(statement, {"rows": rows, "import": import_id, "at": at})
    return dict(cursor.fetchall())
