"""
What came late takes the place of what stands: registers and curves, set-wise, with the values before kept as edits.

Only for those who settle the bills in the same transaction (`bill_corrections`, `late_readings`). Validation judges
the new values as any reading, against the values around them as they are after all of them changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.models import LateReading
from cis.operations.bill_differences import Record
from cis.operations.curve_validation import judge_stored
from cis.operations.reading_judgement import judge_by_limits, load
from cis.operations.reading_validation import recompute_followers, write_judged
from cis.queries.validation_limits import Limits
from config.shared.bulk_copy import day_of

_REPLACE_REGISTERS = """
WITH late AS (
    SELECT l.installation_id, l.register, l.read_on, l.value_e4, l.source, l.replaces_estimate, l.reading_import_id,
           r.value_e4 AS before_e4
    FROM cis_late_reading l JOIN cis_reading r USING (installation_id, register, read_on)
    WHERE l.id = ANY(%(ids)s) AND r.state = 1 ORDER BY l.id),
kept AS (
    INSERT INTO cis_reading_edit (installation_id, register, read_on, value_before_e4, value_after_e4, method, reason,
                                  edited_by_id, edited_at)
    SELECT installation_id, register, read_on, before_e4, value_e4,
           CASE WHEN replaces_estimate THEN 'late-actual' ELSE 'corrected' END, %(reason)s, %(actor)s, %(at)s FROM late)
UPDATE cis_reading r SET value_e4 = l.value_e4, source = l.source, batch_id = l.reading_import_id
FROM late l WHERE r.installation_id = l.installation_id AND r.register = l.register AND r.read_on = l.read_on
"""

_REPLACE_CURVES = """
WITH merged AS (
    SELECT o.point_id, o.register, o.day, o.energy_wh AS before_wh, l.reading_import_id,
           coalesce(o.quality, ARRAY(SELECT (v >= 0)::int::smallint FROM unnest(o.energy_wh) WITH ORDINALITY u(v, slot)
                                     ORDER BY u.slot)) AS quality_before, s.energy_wh, s.quality
    FROM cis_late_reading l
    JOIN cis_meter_installation i ON i.id = l.installation_id
    JOIN cis_interval_day o ON o.point_id = i.point_id AND o.register = l.register AND o.day = l.read_on
    CROSS JOIN LATERAL (
        SELECT array_agg(CASE WHEN u.new >= 0 THEN u.new ELSE u.old END ORDER BY u.slot) AS energy_wh,
               array_agg(CASE WHEN u.new >= 0 THEN 1 WHEN u.old < 0 THEN 0 ELSE coalesce(u.quality, 1) END::smallint
                         ORDER BY u.slot) AS quality
        FROM unnest(l.energy_wh, o.energy_wh, o.quality) WITH ORDINALITY u(new, old, quality, slot)) s
    WHERE l.id = ANY(%(ids)s)),
kept AS (
    INSERT INTO cis_curve_edit (point_id, register, day, before_wh, after_wh, quality_before, quality_after, method,
                                reason, edited_by_id, edited_at)
    SELECT point_id, register, day, before_wh, energy_wh, quality_before, quality, 'collected', %(reason)s, %(actor)s,
           %(at)s FROM merged)
UPDATE cis_interval_day r SET energy_wh = m.energy_wh, quality = m.quality, batch_id = m.reading_import_id,
       missing_slots = (SELECT count(*) FROM unnest(m.energy_wh) v WHERE v < 0)
FROM merged m WHERE r.point_id = m.point_id AND r.register = m.register AND r.day = m.day
"""

_KEYS = """(installation_id, register, read_on) IN (
    SELECT * FROM unnest(%(installations)s::bigint[], %(registers)s::int2[], %(days)s::date[]))"""


def put_in_place(late: Sequence[LateReading], record: Record) -> dict[int, int]:
    """
    Put these values where others stand, one for a key; gives what validation doubts of each, by id.

    One round of statements a month of each register, whatever the number of meters.
    """
    parameters = {"reason": record.reason, "actor": record.asked_by_id, "at": record.at}
    registers = [one for one in late if one.value_e4 is not None]
    curves = [one for one in late if one.value_e4 is None]
    flags: dict[int, int] = {}
    with connection.cursor() as cursor:
        if registers:
            cursor.execute(_REPLACE_REGISTERS, parameters | {"ids": [one.pk for one in registers]})
            flags |= _judge_registers(cursor, registers, record)
        if curves:
            cursor.execute(_REPLACE_CURVES, parameters | {"ids": [one.pk for one in curves]})
            flags |= judge_days(cursor, {(one.installation_id, one.register, one.read_on): one.pk for one in curves})
    return flags


def _judge_registers(cursor: Any, late: Sequence[LateReading], record: Record) -> dict[int, int]:
    """Judge and compute anew, round by round: the first changed reading of every register, then the second, …"""
    rounds: dict[int, list[LateReading]] = {}
    seen: dict[tuple[int, int], int] = {}
    for one in sorted(late, key=lambda one: one.read_on):
        of = (one.installation_id, one.register)
        rounds.setdefault(seen.get(of, 0), []).append(one)
        seen[of] = seen.get(of, 0) + 1
    flags: dict[int, int] = {}
    limits = Limits()
    for number in sorted(rounds):
        of_round = {(one.installation_id, one.register, one.read_on): one.pk for one in rounds[number]}
        installations, of_register, days = zip(*of_round, strict=True)
        rows = load(
            cursor,
            _KEYS,
            {"installations": list(installations), "registers": list(of_register), "days": list(days)},
        )
        judged = judge_by_limits(rows, limits)
        for at, key in enumerate(_keys(rows["installation"], rows["register"], rows["read_on"])):
            flags[of_round[key]] = int(judged.flags[at])
        none = np.zeros(len(judged.flags), dtype=np.bool_)
        write_judged(cursor, rows, judged, none, from_state=1, at=record.at)
        recompute_followers(cursor, rows, np.arange(len(none)), limits, record.at, even_billed=True)
    return flags


def judge_days(cursor: Any, wanted: Mapping[tuple[int, int, Any], int]) -> dict[int, int]:
    """What the checks doubt of stored days of curves, by what stands for (installation, register, day)."""
    points = _points(cursor, sorted({key[0] for key in wanted}))
    rows, checked = judge_stored(
        cursor,
        [points[installation] for installation, _register, _day in wanted],
        [register for _installation, register, _day in wanted],
        [day for _installation, _register, day in wanted],
    )
    columns = rows.columns
    found = _keys(columns["installation"], columns["register"], columns["day"])
    return {wanted[key]: int(checked.flags[at]) for at, key in enumerate(found) if key in wanted}


def _points(cursor: Any, installations: list[int]) -> dict[int, int]:
    cursor.execute("SELECT id, point_id FROM cis_meter_installation WHERE id = ANY(%s)", [installations])
    return dict(cursor.fetchall())


def _keys(
    installation: NDArray[np.int64], register: NDArray[np.int64], day: NDArray[np.int64]
) -> list[tuple[int, int, Any]]:
    return [
        (one, of, day_of(on))
        for one, of, on in zip(installation.tolist(), register.tolist(), day.tolist(), strict=True)
    ]


def of_one_key(late: Sequence[LateReading]) -> list[LateReading]:
    """The first that came of each register and day; two values of one cannot both stand."""
    first: dict[tuple[int, int, Any], LateReading] = {}
    for one in sorted(late, key=lambda one: one.pk):
        first.setdefault((one.installation_id, one.register, one.read_on), one)
    return list(first.values())
