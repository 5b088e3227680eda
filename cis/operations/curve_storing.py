"""
Curves of a file are stored: new days as pending, known ones completed where quarter-hours were missing or estimated.

A day that a bill was made from stands as it is: what came for it is kept beside it (`LateReading`) and settled by
`cis.operations.late_readings`.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.operations.late_keeping import late_curves
from cis.operations.reading_places import Places, Stored
from cis.operations.register_storing import register_codes
from cis.reading_files import IntervalBatch
from config.shared.bulk_copy import days_of_datetime64, encode, read_columns

SLOTS = 96

_INCOMING_CURVES = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_curve (
    row integer, point_id bigint, register smallint, day date, missing_slots smallint, energy_wh integer[])
ON COMMIT DROP;
TRUNCATE incoming_curve
"""

_INSERT_CURVES = """
WITH landed AS (
    INSERT INTO cis_interval_day (point_id, register, day, energy_wh, missing_slots, source, batch_id, state)
    SELECT point_id, register, day, energy_wh, missing_slots, 1, %(import)s, 0 FROM incoming_curve
    ORDER BY point_id, register, day
    ON CONFLICT DO NOTHING
    RETURNING point_id, register, day)
SELECT n.row FROM incoming_curve n JOIN landed USING (point_id, register, day)
"""

# Stored slots and new ones may complete each other; where both are there they must agree. What was estimated (2) gives
# way to what was collected after all.
_STORED_CURVES = """
SELECT n.row, s.conflicts, s.fills
FROM incoming_curve n
JOIN cis_interval_day r USING (point_id, register, day)
CROSS JOIN LATERAL (
    SELECT (count(*) FILTER (WHERE u.new >= 0 AND u.old >= 0 AND u.new <> u.old
                                   AND coalesce(u.quality, 1) <> 2))::int4 AS conflicts,
           (count(*) FILTER (WHERE u.new >= 0 AND (u.old < 0 OR u.quality = 2)))::int4 AS fills
    FROM unnest(n.energy_wh, r.energy_wh, r.quality) AS u(new, old, quality)) s
WHERE n.row = ANY(%(rows)s)
"""

_COMPLETE_CURVES = """
WITH merged AS (
    SELECT n.point_id, n.register, n.day, o.energy_wh AS before_wh,
           coalesce(o.quality, ARRAY(SELECT (v >= 0)::int::smallint FROM unnest(o.energy_wh) WITH ORDINALITY u(v, slot)
                                     ORDER BY u.slot)) AS quality_before,
           o.quality IS NOT NULL AS was_filled, s.energy_wh, s.quality
    FROM incoming_curve n JOIN cis_interval_day o USING (point_id, register, day)
    CROSS JOIN LATERAL (
        SELECT array_agg(CASE WHEN u.new >= 0 THEN u.new ELSE u.old END ORDER BY u.slot) AS energy_wh,
               array_agg(CASE WHEN u.new >= 0 AND coalesce(u.quality, 1) <> 3 THEN 1 WHEN u.old < 0 THEN 0
                              ELSE coalesce(u.quality, 1) END::smallint ORDER BY u.slot) AS quality
        FROM unnest(n.energy_wh, o.energy_wh, o.quality) WITH ORDINALITY u(new, old, quality, slot)) s
    WHERE n.row = ANY(%(rows)s)),
kept AS (
    INSERT INTO cis_curve_edit (point_id, register, day, before_wh, after_wh, quality_before, quality_after, method,
                                reason, edited_by_id, edited_at)
    SELECT point_id, register, day, before_wh, energy_wh, quality_before, quality, 'collected', %(reason)s, %(actor)s,
           %(at)s FROM merged WHERE was_filled)
UPDATE cis_interval_day r SET energy_wh = m.energy_wh, batch_id = %(import)s, state = 0,
       quality = CASE WHEN m.was_filled THEN m.quality END,
       missing_slots = (SELECT count(*) FROM unnest(m.energy_wh) v WHERE v < 0)
FROM merged m
WHERE r.point_id = m.point_id AND r.register = m.register AND r.day = m.day
"""

_CURVE_TYPES = {
    "row": "int4",
    "point_id": "int8",
    "register": "int2",
    "day": "date",
    "missing_slots": "int2",
}
_ARRAY_HEAD = 5 * 4
_INT4_OID = 23


def store_curves(
    cursor: Any,
    import_id: int,
    batch: IntervalBatch,
    places: Places,
    good: NDArray[np.intp],
    actor_id: int | None,
    at: datetime,
) -> Stored:
    """Store the days that have a place, in the caller's transaction; a day that is completed counts as landed."""
    if not len(good):
        return Stored()
    days = days_of_datetime64(batch.read_on)[good]
    for month in np.unique(batch.read_on[good].astype("datetime64[M]")).astype("datetime64[D]").tolist():
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [month, month])
    cursor.execute(_INCOMING_CURVES)
    stream = io.BytesIO(
        _encode_curves(
            {
                "row": good,
                "point_id": places.point[good],
                "register": register_codes(batch.register)[good],
                "day": days,
                "missing_slots": SLOTS - batch.present[good].sum(axis=1),
            },
            np.where(batch.present, batch.energy_wh, -1)[good],
        )
    )
    names = ", ".join([*_CURVE_TYPES, "energy_wh"])
    cursor.copy_expert(f"COPY incoming_curve ({names}) FROM STDIN (FORMAT binary)", stream)
    cursor.execute(_INSERT_CURVES, {"import": import_id})
    landed_rows = np.array([row[0] for row in cursor.fetchall()], dtype=np.int64)
    rest = np.setdiff1d(good, landed_rows)
    if not len(rest):
        return Stored(len(landed_rows))
    types = {"row": "int4", "conflicts": "int4", "fills": "int4"}
    stored = read_columns(cursor, _STORED_CURVES, {"rows": rest.tolist()}, types)
    differs = (stored["conflicts"] > 0) | (stored["fills"] > 0)
    came_late = late_curves(cursor, import_id, stored["row"][differs].tolist(), at)
    late = sum(came_late.values())
    is_late = np.isin(stored["row"], list(came_late))
    fills = stored["row"][(stored["conflicts"] == 0) & (stored["fills"] > 0) & ~is_late].tolist()
    if fills:
        cursor.execute(
            _COMPLETE_CURVES,
            {
                "import": import_id,
                "rows": fills,
                "reason": _("补采数据随导入文件 %(import)s 到达") % {"import": import_id},
                "actor": actor_id,
                "at": at,
            },
        )
    conflicts = {
        row: ("conflicts-with-stored", _("该日曲线已入库，其中 %(slots)s 点与本行不同。") % {"slots": slots})
        for row, slots in zip(stored["row"].tolist(), stored["conflicts"].tolist(), strict=True)
        if slots and row not in came_late
    }
    unchanged = len(stored["row"]) - len(fills) - len(conflicts) - late
    return Stored(len(landed_rows) + len(fills), unchanged, late, conflicts)


def _encode_curves(columns: dict[str, Any], energy_wh: NDArray[np.integer[Any]]) -> bytes:
    """
    The binary COPY stream of fixed-width columns followed by one int4 array of 96 values a row.

    The array is as wide in every row (head of five int4, then length and value of each), so it is one record too.
    """
    fixed = encode({name: (kind, np.asarray(columns[name])) for name, kind in _CURVE_TYPES.items()})
    head, tail = fixed[:19], fixed[-2:]
    body = np.frombuffer(fixed[19:-2], dtype=np.uint8).reshape(len(energy_wh), -1).copy()
    body[:, 0:2] = np.frombuffer(np.array([len(_CURVE_TYPES) + 1], dtype=">i2").tobytes(), dtype=np.uint8)
    array = np.empty((len(energy_wh), 1 + 5 + 2 * SLOTS), dtype=">i4")
    array[:, 0] = _ARRAY_HEAD + SLOTS * 8
    array[:, 1:6] = (1, 0, _INT4_OID, SLOTS, 1)
    array[:, 6::2] = 4
    array[:, 7::2] = energy_wh
    octets = np.frombuffer(array.tobytes(), dtype=np.uint8).reshape(len(energy_wh), -1)
    return head + np.hstack([body, octets]).tobytes() + tail
