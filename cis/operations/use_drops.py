"""
Uses that fell and stay down: lost phases, possible theft. Looked for unit by unit, against history and the neighbours.

What is found stands on the work list and holds no bill: a person explains it or hands it to inspection.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from cis.queries.use_levels import UnitLevels, last_day_with_curves, read_levels, units_with_accounts
from cis.queries.validation_limits import Limits
from cis.rating.registers import Register
from cis.validation import LevelColumns, check_levels
from cis.validation.levels import level_facts
from config.shared.bulk_copy import copy_rows

QUIET_DAYS = 60
"""so long after a doubt of use was ended, the same point raises none: what was explained stays explained"""
_KINDS = 16  # more than there are price classes

_FOUND = """
CREATE TEMPORARY TABLE IF NOT EXISTS found_use (installation_id bigint, account_id bigint, doubts integer, facts jsonb)
ON COMMIT DROP;
TRUNCATE found_use
"""

_OPEN = """
INSERT INTO cis_reading_doubt (subject, installation_id, register, read_on, account_id, cycle, doubts, facts,
                               owner_unit_id, opened_at, resolution, reason)
SELECT 'use', f.installation_id, %(register)s, %(day)s, f.account_id, 0, f.doubts, f.facts, a.org_unit_id, %(at)s,
       '', ''
FROM found_use f JOIN cis_account a ON a.id = f.account_id
WHERE NOT EXISTS (
    SELECT 1 FROM cis_reading_doubt o
    WHERE o.account_id = f.account_id AND o.subject = 'use' AND o.installation_id = f.installation_id
      AND (o.resolved_at IS NULL OR o.read_on > %(day)s::date - %(quiet)s))
ON CONFLICT DO NOTHING
"""


def look_for_drops(*, until: date, at: datetime) -> int:
    """
    Judge the use of every point by the newest day up to `until` that has curves; gives how many doubts were opened.

    One transaction a unit; run twice it opens nothing twice.
    """
    day = last_day_with_curves(until=until)
    if day is None:
        return 0
    limits, opened = Limits(), 0
    for unit_id, path in units_with_accounts():
        levels = read_levels(unit_id=unit_id, day=day)
        if len(levels.daily_wh):
            opened += _judge_unit(levels, limits, path, at)
    return opened


def _judge_unit(levels: UnitLevels, limits: Limits, path: str, at: datetime) -> int:
    own = levels.columns
    columns = LevelColumns(
        daily_wh=levels.daily_wh,
        neighbours=own["district"] * _KINDS + own["price_class"],
        wider=own["price_class"],
        multiplier=own["multiplier"],
    )
    flags = check_levels(columns, limits.on(levels.day, path))
    found = np.flatnonzero(flags)
    if not len(found):
        return 0
    facts = level_facts(columns)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FOUND)
        copy_rows(
            cursor,
            "found_use",
            ("installation_id", "account_id", "doubts", "facts"),
            (
                (
                    int(own["installation"][row]),
                    int(own["account"][row]),
                    int(flags[row]),
                    json.dumps(_facts(facts, row)),
                )
                for row in found.tolist()
            ),
        )
        cursor.execute(_OPEN, {"register": int(Register.TOTAL), "day": levels.day, "at": at, "quiet": QUIET_DAYS})
        return int(cursor.rowcount)


def _facts(facts: dict[str, Any], row: int) -> dict[str, Any]:
    base, newer = int(facts["base_wh_per_day"][row]), int(facts["newer_permille"][row])
    return {
        "base_kwh_e2": base // 10,
        "older_percent": (int(facts["older_permille"][row]) + 5) // 10,
        "newer_percent": (newer + 5) // 10,
        "energy_kwh_e2": base * newer // 10_000,
        "expected_kwh_e2": base // 10,
    }
