"""
Pending curves are judged, day after day: accepted, or put on the work list with what was found.

A day is judged by the accepted days before it, by the freeze difference of its register and by what the capacity
allows. A doubtful day is skipped, so that its successors are judged by themselves.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.models import IntervalDay, ReadingDoubt, ReadingImport
from cis.operations.reading_validation import Validated, publish_if_settled, unit_of
from cis.queries.curve_rows import DAYS_BEFORE, SLOTS, CurveRows, read_accepted, read_days
from cis.queries.validation_limits import Limits
from cis.rating.registers import Register
from cis.validation import CheckedCurves, CurveColumns, Thresholds, UsualDays, check_curves, usual_days
from config.shared.bulk_copy import copy_in, copy_rows, day_of, read_columns
from config.shared.jobs import Claim, ShardSpec, create_job

VALIDATE_JOB = "cis.validate-curves"
POINT_DAYS_PER_CHUNK = 40_000
POINTS_PER_SHARD = 20_000
_REGISTERS = 64  # more than any register's code

_PENDING = """
SELECT point_id, min(day), max(day) FROM cis_interval_day
WHERE state = 0 AND (%(batch)s::bigint IS NULL OR batch_id = %(batch)s)
  AND (%(low)s::bigint IS NULL OR point_id >= %(low)s) AND (%(high)s::bigint IS NULL OR point_id < %(high)s)
GROUP BY point_id ORDER BY point_id
"""


def validate_curves(
    *, at: datetime, batch_id: int | None = None, low: int | None = None, high: int | None = None
) -> Validated:
    """
    Judge pending days of curves, of one import and of points in [low, high) where given.

    Works in chunks of points, each a transaction of its own: repeat it after an interruption.
    """
    counts = Validated()
    points = _pending(batch_id, low, high)
    start = 0
    while start < len(points["point"]):
        span = int(points["last"][start:].max() - points["first"][start:].min()) + 1 + DAYS_BEFORE
        stop = start + max(POINT_DAYS_PER_CHUNK // span, 1)
        chunk = {name: column[start:stop] for name, column in points.items()}
        with transaction.atomic(), connection.cursor() as cursor:
            counts = counts.plus(_validate_chunk(cursor, chunk, batch_id, at))
        start = stop
    return counts


def start_validation(*, batch_id: int, created_by_id: int | None, at: datetime) -> int:
    """Have a job judge the pending curves of an import; gives its id."""
    points = _pending(batch_id, None, None)["point"].tolist()
    chunks = [points[start : start + POINTS_PER_SHARD] for start in range(0, len(points), POINTS_PER_SHARD)]
    with transaction.atomic():
        return create_job(
            kind=VALIDATE_JOB,
            parameters={"batch_id": batch_id},
            shards=[ShardSpec(low=chunk[0], high=chunk[-1] + 1, units=len(chunk)) for chunk in chunks],
            created_by_id=created_by_id,
            at=at,
            org_unit_id=unit_of(created_by_id),
        )


def validate_shard(claim: Claim, *, at: datetime) -> None:
    """One shard of a validation job: the points in [low, high)."""
    batch_id = claim.parameters["batch_id"]
    counts = validate_curves(batch_id=batch_id, low=claim.low, high=claim.high, at=at)
    with transaction.atomic():
        ReadingImport.objects.filter(pk=batch_id).update(doubtful=F("doubtful") + counts.doubtful)
        claim.finish(
            result={"accepted": counts.accepted, "doubtful": counts.doubtful}, done_units=claim.high - claim.low, at=at
        )


def judge_days(rows: CurveRows, earlier_wh: NDArray[np.int64], limits: Limits) -> tuple[CheckedCurves, UsualDays]:
    """Have the kernel judge days by the (n, k, 96) before each, by the limits of their accounts' units."""
    is_total = rows.columns["register"] == int(Register.TOTAL)
    # Reactive energy and what a roof feeds in come and go by themselves: they have no usual day.
    usual = usual_days(np.where(is_total[:, None, None], earlier_wh, -1))
    sets, set_of = limits.of_rows(rows.columns["unit"], rows.columns["day"])
    capacity = np.where(is_total, rows.columns["capacity_kva"], 0)

    def judge(chosen: Any, thresholds: Thresholds) -> CheckedCurves:
        energy = rows.energy_wh[chosen]
        columns = CurveColumns(
            energy_wh=energy,
            present=energy >= 0,
            capacity_kva=capacity[chosen],
            freeze_wh=rows.freeze_wh[chosen],
            multiplier=rows.columns["multiplier"][chosen],
            usual=usual.block(chosen),
        )
        return check_curves(columns, thresholds)

    if len(sets) == 1:
        return judge(slice(None), sets[0]), usual
    flags, doubtful = np.zeros(len(rows), np.uint32), np.zeros((len(rows), SLOTS), np.bool_)
    numbers = np.zeros((4, len(rows)), np.int64)
    for number, thresholds in enumerate(sets):
        chosen = np.flatnonzero(set_of == number)
        one = judge(chosen, thresholds)
        flags[chosen], doubtful[chosen] = one.flags, one.doubtful_slots
        numbers[:, chosen] = one.energy_wh, one.missing_slots, one.longest_gap_slots, one.may_fill_linearly
    return CheckedCurves(flags, numbers[0], numbers[1], numbers[2], numbers[3] > 0, doubtful), usual


def _pending(batch_id: int | None, low: int | None, high: int | None) -> dict[str, NDArray[Any]]:
    with connection.cursor() as cursor:
        parameters = {"batch": batch_id, "low": low, "high": high}
        return read_columns(cursor, _PENDING, parameters, {"point": "int8", "first": "date", "last": "date"})


def _validate_chunk(cursor: Any, points: dict[str, NDArray[Any]], batch_id: int | None, at: datetime) -> Validated:
    where = "d.state = 0 AND d.point_id = ANY(%(points)s) AND (%(batch)s::bigint IS NULL OR d.batch_id = %(batch)s)"
    rows = read_days(cursor, where, {"points": points["point"].tolist(), "batch": batch_id})
    if not len(rows):
        return Validated()
    first, last = int(rows.columns["day"].min()) - DAYS_BEFORE, int(rows.columns["day"].max())
    key = np.stack([rows.columns["point"], rows.columns["register"].astype(np.int64)])
    known = read_accepted(cursor, np.unique(key[0]).tolist(), day_of(first), day_of(last + 1))
    places, place_of = np.unique(key, axis=1, return_inverse=True)
    place_of = place_of.reshape(-1)
    # What is accepted, by place and day; days of this chunk come in as they are judged.
    past = np.full((places.shape[1], last - first + 1, SLOTS), -1, dtype=np.int32)
    codes = places[0] * _REGISTERS + places[1]
    known_codes = known[0] * _REGISTERS + known[1]
    number = np.minimum(np.searchsorted(codes, known_codes), len(codes) - 1)
    ours = codes[number] == known_codes
    past[number[ours], known[2][ours] - first] = known[3][ours]
    limits, accepted, doubtful = Limits(), 0, 0
    for day in np.unique(rows.columns["day"]).tolist():
        of_day = np.flatnonzero(rows.columns["day"] == day)
        one = CurveRows({name: column[of_day] for name, column in rows.columns.items()}, rows.energy_wh[of_day])
        earlier = past[place_of[of_day], day - first - DAYS_BEFORE : day - first].astype(np.int64)
        checked, usual = judge_days(one, earlier, limits)
        in_doubt = checked.flags > 0
        past[place_of[of_day[~in_doubt]], day - first] = one.energy_wh[~in_doubt]
        _write(cursor, one, checked, usual, at)
        accepted, doubtful = accepted + int((~in_doubt).sum()), doubtful + int(in_doubt.sum())
    return Validated(accepted, doubtful)


_STORED = """(d.point_id, d.register, d.day) IN (
    SELECT * FROM unnest(%(points)s::bigint[], %(registers)s::int2[], %(days)s::date[]))"""


def judge_stored(
    cursor: Any, points: list[int], registers: list[int], days: list[date]
) -> tuple[CurveRows, CheckedCurves]:
    """What the checks say of these stored days, by the accepted days before each; writes nothing."""
    rows = read_days(cursor, _STORED, {"points": points, "registers": registers, "days": days})
    first, last = int(rows.columns["day"].min()) - DAYS_BEFORE, int(rows.columns["day"].max())
    known = read_accepted(cursor, sorted(set(points)), day_of(first), day_of(last + 1))
    place = {
        key: at for at, key in enumerate(zip(known[0].tolist(), known[1].tolist(), known[2].tolist(), strict=True))
    }
    earlier = np.full((len(rows), DAYS_BEFORE, SLOTS), -1, dtype=np.int64)
    names = ("point", "register", "day")
    for at, (point, register, day) in enumerate(zip(*(rows.columns[one].tolist() for one in names), strict=True)):
        for back in range(DAYS_BEFORE):
            found = place.get((point, register, day - DAYS_BEFORE + back))
            if found is not None:
                earlier[at, back] = known[3][found]
    checked, _usual = judge_days(rows, earlier, Limits())
    return rows, checked


_JUDGED = """
CREATE TEMPORARY TABLE IF NOT EXISTS judged_curve (
    point_id bigint, register smallint, day date, account_id bigint, state smallint) ON COMMIT DROP;
TRUNCATE judged_curve
"""

_MOVE = """
UPDATE cis_interval_day d SET state = j.state FROM judged_curve j
WHERE d.point_id = j.point_id AND d.register = j.register AND d.day = j.day AND d.state = 0
"""

# What was collected again and is right now ends the doubt about it.
_SETTLED = """
UPDATE cis_reading_doubt o SET resolution = %(resolution)s, reason = %(reason)s, resolved_at = %(at)s
FROM judged_curve j JOIN cis_meter_installation i ON i.point_id = j.point_id AND i.valid @> j.day
WHERE j.state = 1 AND o.subject = 'curve' AND o.resolved_at IS NULL AND o.account_id = j.account_id
  AND o.installation_id = i.id AND o.register = j.register AND o.read_on = j.day
RETURNING o.account_id, o.read_on
"""

_DOUBTS = """
CREATE TEMPORARY TABLE IF NOT EXISTS found_curve_doubt (
    installation_id bigint, register smallint, day date, account_id bigint, unit_id bigint, doubts integer, facts jsonb)
ON COMMIT DROP;
TRUNCATE found_curve_doubt
"""

_OPEN = """
INSERT INTO cis_reading_doubt (subject, installation_id, register, read_on, account_id, cycle, doubts, facts,
                               owner_unit_id, opened_at, resolution, reason)
SELECT 'curve', installation_id, register, day, account_id, 0, doubts, facts, unit_id, %(at)s, '', ''
FROM found_curve_doubt
ON CONFLICT (installation_id, register, read_on, subject) WHERE resolved_at IS NULL
DO UPDATE SET doubts = excluded.doubts, facts = excluded.facts
"""


def _write(cursor: Any, rows: CurveRows, checked: CheckedCurves, usual: UsualDays, at: datetime) -> None:
    """Write what was found to days that are still pending, open doubts, and end those that are settled."""
    columns, in_doubt = rows.columns, checked.flags > 0
    cursor.execute(_JUDGED)
    copy_in(
        cursor,
        "judged_curve",
        {
            "point_id": ("int8", columns["point"]),
            "register": ("int2", columns["register"]),
            "day": ("date", columns["day"]),
            "account_id": ("int8", columns["account"]),
            "state": ("int2", np.where(in_doubt, int(IntervalDay.State.DOUBTFUL), int(IntervalDay.State.ACCEPTED))),
        },
    )
    cursor.execute(_MOVE)
    if in_doubt.any():
        cursor.execute(_DOUBTS)
        freeze = rows.freeze_wh
        copy_rows(
            cursor,
            "found_curve_doubt",
            ("installation_id", "register", "day", "account_id", "unit_id", "doubts", "facts"),
            (
                (
                    int(columns["installation"][row]),
                    int(columns["register"][row]),
                    day_of(int(columns["day"][row])).isoformat(),
                    int(columns["account"][row]),
                    int(columns["unit"][row]),
                    int(checked.flags[row]),
                    json.dumps(curve_facts(rows, checked, usual, freeze, row)),
                )
                for row in np.flatnonzero(in_doubt).tolist()
            ),
        )
        cursor.execute(_OPEN, {"at": at})
    reason = _("补采的曲线已到，重新审核无疑点")
    resolution = str(ReadingDoubt.Resolution.REREAD)
    cursor.execute(_SETTLED, {"resolution": resolution, "reason": reason, "at": at})
    for account_id, day in cursor.fetchall():
        publish_if_settled(account_id, 0, day, is_curve=True)


def curve_facts(
    rows: CurveRows, checked: CheckedCurves, usual: UsualDays, freeze_wh: NDArray[np.int64], row: int
) -> dict[str, Any]:
    """What a person needs to see beside a doubtful day."""
    day_wh, freeze = int(usual.day_wh[row]), int(freeze_wh[row])
    return {
        "energy_kwh_e2": (int(checked.energy_wh[row]) + 5) // 10,
        "expected_kwh_e2": (day_wh + 5) // 10 if day_wh >= 0 else None,
        "freeze_kwh_e2": (freeze + 5) // 10 if freeze >= 0 else None,
        "freeze_wh": freeze if freeze >= 0 else None,
        "missing_slots": int(checked.missing_slots[row]),
        "longest_gap_slots": int(checked.longest_gap_slots[row]),
        "doubtful_slots": np.flatnonzero(checked.doubtful_slots[row]).tolist(),
        "usual_wh": usual.slot_wh[row].tolist() if (usual.slot_wh[row] >= 0).any() else None,
        "capacity_kva": int(rows.columns["capacity_kva"][row]) or None,
        "multiplier": int(rows.columns["multiplier"][row]),
    }
