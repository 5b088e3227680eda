"""
Register values of a file are stored: new ones as pending, others held against what stands there.

A value of a billed period that differs from what stands is kept beside it (`LateReading`), and so is an actual one
where an estimate stands; `cis.operations.late_readings` settles them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.models import ReadingDoubt
from cis.models.metering import Reading, ReadingSource
from cis.operations.late_keeping import late_registers
from cis.operations.reading_places import Places, Stored
from cis.rating.registers import Register
from cis.reading_files import RegisterBatch
from config.shared.bulk_copy import copy_in, days_of_datetime64, read_columns
from config.shared.display_formats import format_register

_SOURCES = {
    "": ReadingSource.REMOTE,
    "remote": ReadingSource.REMOTE,
    "manual": ReadingSource.MANUAL,
    "self": ReadingSource.SELF,
    "photo": ReadingSource.PHOTO,
    "estimated": ReadingSource.ESTIMATED,
}

_INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_reading (
    row integer, installation_id bigint, register smallint, read_on date, account_id bigint, cycle integer,
    scheduled_on date, kind smallint, value_e4 bigint, source smallint) ON COMMIT DROP;
TRUNCATE incoming_reading
"""

_INSERT = """
WITH landed AS (
    INSERT INTO cis_reading (installation_id, register, read_on, account_id, cycle, kind, value_e4, advance_kwh_e2,
                             days, is_rollover, source, state, batch_id)
    SELECT installation_id, register, read_on, account_id, cycle, kind, value_e4, -1, 0, false, source, 0, %(import)s
    FROM incoming_reading ORDER BY installation_id, register, read_on
    ON CONFLICT DO NOTHING
    RETURNING installation_id, register, read_on)
SELECT n.row FROM incoming_reading n JOIN landed USING (installation_id, register, read_on)
"""

_STORED = """
SELECT n.row, r.value_e4, r.state::int2, d.id IS NOT NULL, coalesce(d.id, 0)
FROM incoming_reading n
JOIN cis_reading r USING (installation_id, register, read_on)
LEFT JOIN cis_reading_doubt d ON d.installation_id = n.installation_id AND d.register = n.register
     AND d.read_on = n.read_on AND d.subject = 'register' AND d.resolved_at IS NULL
     AND d.reread_requested_at IS NOT NULL
WHERE n.row = ANY(%(rows)s)
"""

# A killed import left its readings pending: whoever sends the file again has them validated.
_ADOPT = """
UPDATE cis_reading r SET batch_id = %(import)s FROM incoming_reading n
WHERE n.row = ANY(%(rows)s) AND r.installation_id = n.installation_id AND r.register = n.register
  AND r.read_on = n.read_on AND r.state = 0
"""

# Daily freezes bring many readings near the reading day: the nearest one closes the cycle, the earlier of two.
_ONE_CLOSES = """
UPDATE cis_reading r SET cycle = 0
FROM (SELECT DISTINCT installation_id, register, cycle, scheduled_on FROM incoming_reading WHERE cycle > 0) n
WHERE r.installation_id = n.installation_id AND r.register = n.register AND r.cycle = n.cycle
  AND r.read_on BETWEEN n.scheduled_on - %(tolerance)s AND n.scheduled_on + %(tolerance)s
  AND EXISTS (
    SELECT 1 FROM cis_reading o
    WHERE o.installation_id = n.installation_id AND o.register = n.register AND o.cycle = n.cycle
      AND o.read_on BETWEEN n.scheduled_on - %(tolerance)s AND n.scheduled_on + %(tolerance)s
      AND (abs(o.read_on - n.scheduled_on), o.read_on) < (abs(r.read_on - n.scheduled_on), r.read_on))
"""


def store_registers(
    cursor: Any,
    import_id: int,
    batch: RegisterBatch,
    places: Places,
    good: NDArray[np.intp],
    actor_id: int | None,
    at: datetime,
) -> Stored:
    """Store the rows that have a place, in the caller's transaction."""
    cursor.execute(_INCOMING)
    if not len(good):
        return Stored()
    source = np.array([int(_SOURCES[word]) for word in batch.source.tolist()], dtype=np.int16)
    source[batch.quality == "estimated"] = int(ReadingSource.ESTIMATED)
    source[batch.quality == "edited"] = int(ReadingSource.CORRECTED)
    copy_in(
        cursor,
        "incoming_reading",
        {
            "row": ("int4", good),
            "installation_id": ("int8", places.installation[good]),
            "register": ("int2", register_codes(batch.register)[good]),
            "read_on": ("date", days_of_datetime64(batch.read_on)[good]),
            "account_id": ("int8", places.account[good]),
            "cycle": ("int4", places.cycle[good]),
            "scheduled_on": ("date", places.scheduled_on[good]),
            "kind": ("int2", places.kind[good]),
            "value_e4": ("int8", batch.value_e4[good]),
            "source": ("int2", source[good]),
        },
    )
    cursor.execute(_INSERT, {"import": import_id})
    landed_rows = np.array([row[0] for row in cursor.fetchall()], dtype=np.int64)
    rest = np.setdiff1d(good, landed_rows)
    unchanged, late, conflicts, rereads = 0, 0, {}, []
    if len(rest):
        types = {"row": "int4", "value_e4": "int8", "state": "int2", "reread": "bool", "doubt": "int8"}
        stored = read_columns(cursor, _STORED, {"rows": rest.tolist()}, types)
        same = stored["value_e4"] == batch.value_e4[stored["row"]]
        awaits = ~same & stored["reread"] & (stored["state"] == int(Reading.State.DOUBTFUL))
        rereads = list(zip(stored["row"][awaits].tolist(), stored["doubt"][awaits].tolist(), strict=True))
        came_late = late_registers(cursor, import_id, stored["row"][~awaits].tolist(), at)
        late = sum(came_late.values())
        is_late = np.isin(stored["row"], list(came_late))
        unchanged = int((same & ~is_late).sum()) + len(came_late) - late
        refused = ~same & ~awaits & ~is_late
        for row, value in zip(stored["row"][refused].tolist(), stored["value_e4"][refused].tolist(), strict=True):
            conflicts[row] = (
                "conflicts-with-stored",
                _("已入库的示数为 %(stored)s，与本行不同。要更改请先申请复抄或更正。")
                % {"stored": format_register(value)},
            )
        pending = stored["row"][same & (stored["state"] == int(Reading.State.PENDING))].tolist()
        if pending:
            cursor.execute(_ADOPT, {"import": import_id, "rows": pending})
    if rereads:
        _replace_by_rereads(cursor, import_id, rereads, actor_id, at)
    cursor.execute(_ONE_CLOSES, {"tolerance": settings.READING_DAY_TOLERANCE_DAYS})
    return Stored(len(landed_rows) + len(rereads), unchanged, late, conflicts)


_REREAD = """
WITH asked AS (
    SELECT n.installation_id, n.register, n.read_on, n.value_e4, n.source, a.doubt_id, r.value_e4 AS before_e4
    FROM unnest(%(rows)s::int[], %(doubts)s::bigint[]) AS a(row, doubt_id)
    JOIN incoming_reading n ON n.row = a.row
    JOIN cis_reading_doubt d ON d.id = a.doubt_id AND d.resolved_at IS NULL
    JOIN cis_reading r ON r.installation_id = n.installation_id AND r.register = n.register AND r.read_on = n.read_on
    ORDER BY a.doubt_id),
kept AS (
    INSERT INTO cis_reading_edit (installation_id, register, read_on, value_before_e4, value_after_e4, method, reason,
                                  edited_by_id, edited_at)
    SELECT installation_id, register, read_on, before_e4, value_e4, 'reread', %(reason)s, %(actor)s, %(at)s FROM asked),
replaced AS (
    UPDATE cis_reading r SET value_e4 = a.value_e4, source = a.source, state = 0, advance_kwh_e2 = -1, days = 0,
           is_rollover = false, batch_id = %(import)s
    FROM asked a WHERE r.installation_id = a.installation_id AND r.register = a.register AND r.read_on = a.read_on)
UPDATE cis_reading_doubt d SET resolution = %(resolution)s, reason = %(reason)s, resolved_by_id = %(actor)s,
       resolved_at = %(at)s
FROM asked a WHERE d.id = a.doubt_id
"""


def _replace_by_rereads(
    cursor: Any, import_id: int, rereads: list[tuple[int, int]], actor_id: int | None, at: datetime
) -> None:
    """Put the new values in the place of doubtful ones that were to be read again; the raw values stay on record."""
    doubt_ids = [doubt for _row, doubt in rereads]
    cursor.execute("SELECT 1 FROM cis_reading_doubt WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [doubt_ids])
    cursor.execute(
        _REREAD,
        {
            "rows": [row for row, _doubt in rereads],
            "doubts": doubt_ids,
            "import": import_id,
            "reason": _("复抄示数随导入文件 %(import)s 到达") % {"import": import_id},
            "resolution": str(ReadingDoubt.Resolution.REREAD),
            "actor": actor_id,
            "at": at,
        },
    )


def register_codes(names: NDArray[np.object_]) -> NDArray[np.int16]:
    words, word_of = np.unique(names.astype(str), return_inverse=True)
    codes = np.array([int(Register[word.upper()]) for word in words.tolist()], dtype=np.int16)
    return np.asarray(codes[word_of], dtype=np.int16)
