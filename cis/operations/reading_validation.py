"""
Pending readings are judged: accepted, or put on the work list with what was found.

A reading is judged against the accepted reading before it on the same register. The first one of a register has
nothing before it: it is accepted as the base that later ones are counted from, without an advance. A doubtful reading
is skipped, so that its successors are judged by themselves; when it is settled, its successor's advance is computed
anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from numpy.typing import NDArray

from cis.events import ReadingsAccepted
from cis.models import Account, ReadingDoubt, ReadingImport
from cis.models.metering import Reading
from cis.operations.reading_judgement import Columns, Judged, judge_by_limits, load
from cis.queries.validation_limits import Limits
from cis.validation import (
    HOLDS_BILL,
    Doubt,
)
from config.shared.bulk_copy import copy_in, copy_rows, day_of, read_columns
from config.shared.events import publish
from config.shared.jobs import Claim, ShardSpec, create_job
from config.shared.models import User
from config.shared.periods import add_months, cycle_of, reading_date

INSTALLATIONS_PER_CHUNK = 20_000
VALIDATE_JOB = "cis.validate-readings"

# What makes an advance impossible to bill, whatever a person thinks of the value.
IMPOSSIBLE = Doubt.OUT_OF_RANGE | Doubt.OVERFLOW | Doubt.DATES_OUT_OF_ORDER | Doubt.MASTER_DATA
WENT_BACK = Doubt.NEGATIVE | Doubt.ROLLOVER_IMPLAUSIBLE


@dataclass(frozen=True)
class Validated:
    """How many readings were accepted and how many went to the work list."""

    accepted: int = 0
    doubtful: int = 0

    def plus(self, other: Validated) -> Validated:
        """Both together."""
        return Validated(self.accepted + other.accepted, self.doubtful + other.doubtful)


# --- Validation of what is pending ----------------------------------------------------------


def validate_pending(
    *, at: datetime, batch_id: int | None = None, low: int | None = None, high: int | None = None
) -> Validated:
    """
    Judge pending readings, of one import and of installations in [low, high) where given, in order of their days.

    Works in chunks of installations, each step a transaction of its own: repeat it after an interruption.
    """
    only, parameters = "state = 0", {"batch": batch_id, "low": low, "high": high}
    only += " AND batch_id = %(batch)s" if batch_id is not None else ""
    only += " AND installation_id >= %(low)s" if low is not None else ""
    only += " AND installation_id < %(high)s" if high is not None else ""
    counts = Validated()
    for first, last, _size in _chunks(only, parameters):
        # The k-th reading of each register is judged after the k-1 before it are settled.
        where = only + " AND installation_id BETWEEN %(first)s AND %(last)s"
        while step := _validate_step(where, {**parameters, "first": first, "last": last}, at):
            counts = counts.plus(step)
    return counts


def start_validation(*, batch_id: int, created_by_id: int | None, at: datetime) -> int:
    """Have a job judge the pending readings of an import; gives its id."""
    parameters = {"batch": batch_id}
    shards = [
        ShardSpec(low=first, high=last + 1, units=size)
        for first, last, size in _chunks("state = 0 AND batch_id = %(batch)s", parameters)
    ]
    with transaction.atomic():
        return create_job(
            kind=VALIDATE_JOB,
            parameters={"batch_id": batch_id},
            shards=shards,
            created_by_id=created_by_id,
            at=at,
            org_unit_id=unit_of(created_by_id),
        )


def unit_of(user_id: int | None) -> int | None:
    """Whose affair the work of this user is."""
    return User.objects.values_list("org_unit_id", flat=True).get(pk=user_id) if user_id is not None else None


def validate_shard(claim: Claim, *, at: datetime) -> None:
    """One shard of a validation job: the installations in [low, high)."""
    batch_id = claim.parameters["batch_id"]
    counts = validate_pending(batch_id=batch_id, low=claim.low, high=claim.high, at=at)
    with transaction.atomic():
        ReadingImport.objects.filter(pk=batch_id).update(doubtful=F("doubtful") + counts.doubtful)
        claim.finish(
            result={"accepted": counts.accepted, "doubtful": counts.doubtful}, done_units=claim.high - claim.low, at=at
        )


def _chunks(only: str, parameters: dict[str, Any]) -> list[tuple[int, int, int]]:
    """(first, last, count) of installations with readings to judge, some twenty thousand at a time."""
    sql = f"SELECT DISTINCT installation_id FROM cis_reading WHERE {only} ORDER BY 1"  # noqa: S608 - constant parts
    with connection.cursor() as cursor:
        ids = read_columns(cursor, sql, parameters, {"id": "int8"})["id"]
    starts = range(0, len(ids), INSTALLATIONS_PER_CHUNK)
    chunks = [ids[start : start + INSTALLATIONS_PER_CHUNK] for start in starts]
    return [(int(chunk[0]), int(chunk[-1]), len(chunk)) for chunk in chunks]


def _validate_step(where: str, parameters: dict[str, Any], at: datetime) -> Validated | None:
    """Judge the earliest pending reading of each register; None when there is none."""
    with transaction.atomic(), connection.cursor() as cursor:
        rows = load(cursor, where, parameters)
        if not len(rows["installation"]):
            return None
        limits = Limits()
        judged = judge_by_limits(rows, limits)
        doubtful = (judged.flags & np.uint32(HOLDS_BILL)) > 0
        moved = write_judged(cursor, rows, judged, doubtful, from_state=Reading.State.PENDING, at=at)
        recompute_followers(cursor, rows, np.flatnonzero(~doubtful), limits, at)
        _tell_of_rereads(cursor)
    return moved


_JUDGED = """
CREATE TEMPORARY TABLE IF NOT EXISTS judged_reading (
    installation_id bigint, register smallint, read_on date, advance_kwh_e2 bigint, days smallint, is_rollover boolean,
    state smallint) ON COMMIT DROP;
TRUNCATE judged_reading
"""

_MOVE = """
WITH moved AS (
    UPDATE cis_reading r SET advance_kwh_e2 = j.advance_kwh_e2, days = j.days, is_rollover = j.is_rollover,
           state = j.state
    FROM judged_reading j
    WHERE r.installation_id = j.installation_id AND r.register = j.register AND r.read_on = j.read_on
      AND r.state = %(from_state)s
    RETURNING r.state)
SELECT count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2) FROM moved
"""

_DOUBTS = """
CREATE TEMPORARY TABLE IF NOT EXISTS found_doubt (
    installation_id bigint, register smallint, read_on date, doubts integer, facts jsonb) ON COMMIT DROP;
TRUNCATE found_doubt
"""

_OPEN_DOUBTS = """
INSERT INTO cis_reading_doubt (installation_id, register, read_on, account_id, cycle, doubts, facts, owner_unit_id,
                               opened_at, resolution, reason)
SELECT d.installation_id, d.register, d.read_on, r.account_id, r.cycle, d.doubts, d.facts, a.org_unit_id, %(at)s, '', ''
FROM found_doubt d
JOIN cis_reading r ON r.installation_id = d.installation_id AND r.register = d.register AND r.read_on = d.read_on
     AND r.state = 2
JOIN cis_account a ON a.id = r.account_id
ON CONFLICT DO NOTHING
"""


def write_judged(
    cursor: Any,
    rows: Columns,
    judged: Judged,
    doubtful: NDArray[np.bool_],
    *,
    from_state: int,
    at: datetime,
) -> Validated:
    """Write what was found to readings still in `from_state`, and open doubts."""
    if not len(doubtful):
        return Validated()
    cursor.execute(_JUDGED)
    copy_in(
        cursor,
        "judged_reading",
        {
            "installation_id": ("int8", rows["installation"]),
            "register": ("int2", rows["register"]),
            "read_on": ("date", rows["read_on"]),
            "advance_kwh_e2": ("int8", judged.energy_kwh_e2),
            "days": ("int2", np.clip(judged.days, 0, 32_767)),
            "is_rollover": ("bool", judged.rolled_over),
            "state": ("int2", np.where(doubtful, int(Reading.State.DOUBTFUL), int(Reading.State.ACCEPTED))),
        },
    )
    cursor.execute(_MOVE, {"from_state": int(from_state)})
    accepted, in_doubt = cursor.fetchone()
    if in_doubt:
        cursor.execute(_DOUBTS)
        copy_rows(
            cursor,
            "found_doubt",
            ("installation_id", "register", "read_on", "doubts", "facts"),
            (
                (
                    int(rows["installation"][row]),
                    int(rows["register"][row]),
                    day_of(int(rows["read_on"][row])).isoformat(),
                    int(judged.flags[row]),
                    json.dumps(_facts(rows, judged, row)),
                )
                for row in np.flatnonzero(doubtful).tolist()
            ),
        )
        cursor.execute(_OPEN_DOUBTS, {"at": at})
    return Validated(accepted, in_doubt)


def _facts(rows: Columns, judged: Judged, row: int) -> dict[str, Any]:
    """What a person needs to see beside a doubt: values, what was expected, and the limits that were broken."""
    one = {name: int(column[row]) for name, column in rows.items()}
    days, per_day = int(judged.days[row]), int(judged.expected_e2_per_day[row])
    thresholds = judged.limits[judged.limit_of[row]]
    is_large = one["capacity_kva"] >= settings.LARGE_CUSTOMER_KVA
    facts: dict[str, Any] = {
        "current_e4": one["value_e4"],
        "previous_e4": one["before_e4"] if one["has_before"] else None,
        "previous_on": day_of(one["before_on"]).isoformat() if one["has_before"] else None,
        "days": days,
        "multiplier": one["multiplier"],
        "digits": one["digits"],
        "energy_kwh_e2": int(judged.energy_kwh_e2[row]),
        "expected_kwh_e2": None,
        "low_kwh_e2": None,
        "high_kwh_e2": None,
        "capacity_kva": one["capacity_kva"] or None,
        "capacity_kwh_e2": one["capacity_kva"] * days * 24 * thresholds.capacity_factor_permille // 10 or None,
    }
    if per_day >= 0 and days > 0:
        expected = per_day * days
        size = "large" if is_large else "residential"
        floor = getattr(thresholds, f"change_floor_kwh_{size}") * 100
        reference = int(judged.reference_e2_per_day[row]) * days
        least, most = (min(expected, reference), max(expected, reference)) if reference >= 0 else (expected, expected)
        fall = least * getattr(thresholds, f"fall_permille_{size}") // 1000
        rise = most * getattr(thresholds, f"rise_permille_{size}") // 1000
        facts["expected_kwh_e2"] = expected
        facts["low_kwh_e2"] = max(least - max(fall, floor), 0)
        facts["high_kwh_e2"] = most + max(rise, floor)
    return facts


_FOLLOWERS = """(installation_id, register, read_on) IN (
    SELECT j.installation_id, j.register, f.read_on
    FROM unnest(%(installations)s::bigint[], %(registers)s::int2[], %(days)s::date[])
         AS j(installation_id, register, day)
    CROSS JOIN LATERAL (
        SELECT read_on, account_id, cycle, kind FROM cis_reading
        WHERE installation_id = j.installation_id AND register = j.register AND read_on > j.day AND state = 1
        ORDER BY read_on LIMIT 1) f
    WHERE %(even_billed)s OR NOT EXISTS (
        SELECT 1 FROM cis_bill b WHERE b.account_id = f.account_id
          AND (b.cycle = f.cycle OR f.kind <> 0 AND f.read_on BETWEEN b.period_start AND b.period_end)))"""


def recompute_followers(
    cursor: Any,
    rows: Columns,
    accepted: NDArray[np.intp],
    limits: Limits,
    at: datetime,
    *,
    even_billed: bool = False,
) -> None:
    """
    Compute anew what the accepted readings after these advanced, since another one precedes them now.

    Only arithmetic: one that was accepted stays so unless its value has become impossible. What is billed stays,
    unless the caller corrects the bills too (`even_billed`).
    """
    if not len(accepted):
        return
    parameters = {
        "installations": rows["installation"][accepted].tolist(),
        "registers": rows["register"][accepted].tolist(),
        "days": [day_of(day) for day in rows["read_on"][accepted].tolist()],
        "even_billed": even_billed,
    }
    followers = load(cursor, _FOLLOWERS, parameters)
    if not len(followers["installation"]):
        return
    judged = judge_by_limits(followers, limits)
    impossible = (judged.flags & np.uint32(IMPOSSIBLE | WENT_BACK)) > 0
    write_judged(cursor, followers, judged, impossible, from_state=Reading.State.ACCEPTED, at=at)


_REREADS_ACCEPTED = """
SELECT DISTINCT r.account_id, r.cycle, r.read_on
FROM judged_reading j
JOIN cis_reading r ON r.installation_id = j.installation_id AND r.register = j.register AND r.read_on = j.read_on
JOIN cis_reading_doubt d ON d.account_id = r.account_id AND d.installation_id = r.installation_id
     AND d.register = r.register AND d.read_on = r.read_on AND d.subject = 'register' AND d.resolution = 'reread'
WHERE r.state = 1 AND NOT EXISTS (
    SELECT 1 FROM cis_reading o WHERE o.installation_id = r.installation_id AND o.read_on = r.read_on AND o.state = 0)
"""


def _tell_of_rereads(cursor: Any) -> None:
    """Say which accounts can be billed now that the readings that were taken again are accepted."""
    cursor.execute(_REREADS_ACCEPTED)
    for account_id, cycle, read_on in cursor.fetchall():
        publish_if_settled(account_id, cycle, read_on)


def publish_if_settled(account_id: int, cycle: int, read_on: date, *, is_curve: bool = False) -> None:
    """
    Publish that the account can be billed for the cycle, unless another doubt about it is open.

    A curve is the day `read_on` itself, a reading closes what lies before it.
    """
    account = Account.objects.select_related("route").get(pk=account_id)

    def closes(own_cycle: int, day: date) -> int:
        # A reading inside a period, such as that of a meter exchange, belongs to the cycle that closes next.
        if own_cycle:
            return own_cycle
        route, month = account.route, add_months(cycle_of(day), -1)
        while (month % 100) % route.cycle_months != route.cycle_phase or reading_date(month, route.reading_day) < day:
            month = add_months(month, 1)
        return month

    settled = closes(cycle, read_on + timedelta(days=is_curve))
    others = (
        ReadingDoubt.objects.filter(account_id=account_id, resolved_at=None)
        .exclude(subject=ReadingDoubt.Subject.USE)
        .values_list("cycle", "read_on", "subject")
    )
    if all(
        closes(other, day + timedelta(days=subject == ReadingDoubt.Subject.CURVE)) != settled
        for other, day, subject in others
    ):
        publish(ReadingsAccepted(account_id=account_id, cycle=settled))
