"""
Readings between their arrival and the bill: validate what is pending, and let people end a doubt.

A reading is judged against the accepted reading before it on the same register. The first one of a register has
nothing before it: it is accepted as the base that later ones are counted from, without an advance. A doubtful reading
is skipped, so that its successors are judged by themselves; when it is settled, its successor's advance is computed
anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.events import ReadingsAccepted
from cis.models import Account, Bill, ReadingDoubt, ReadingEdit, ReadingImport, ValidationThresholds
from cis.models.metering import Reading, ReadingSource
from cis.rating.registers import Register, energy_kwh_e2
from cis.validation import (
    HOLDS_BILL,
    METHOD_CODES,
    ORDER_AT_SETTLEMENT,
    ORDER_INSIDE_GAP,
    AccountKind,
    Doubt,
    EstimateColumns,
    EstimateMethod,
    ReadingColumns,
    Thresholds,
    check,
    check_rate_sum,
    daily_energy_e2,
    estimate_advance,
    expect_daily_energy,
)
from config.shared.bulk_copy import copy_in, copy_rows, day_of, read_columns
from config.shared.errors import NotFound, Refused
from config.shared.events import publish
from config.shared.jobs import Claim, ShardSpec, create_job
from config.shared.models import User
from config.shared.periods import add_months, cycle_of, reading_date

INSTALLATIONS_PER_CHUNK = 20_000
VALIDATE_JOB = "cis.validate-readings"
_EXPORT = [int(register) for register in Register if register.name.startswith("EXPORT_")]
NOTHING_BEFORE = -1
"""`advance_kwh_e2` of a reading that no accepted one precedes"""

# What makes an advance impossible to bill, whatever a person thinks of the value.
IMPOSSIBLE = Doubt.OUT_OF_RANGE | Doubt.OVERFLOW | Doubt.DATES_OUT_OF_ORDER | Doubt.MASTER_DATA
WENT_BACK = Doubt.NEGATIVE | Doubt.ROLLOVER_IMPLAUSIBLE


class ReasonMissing(Refused):
    """Whoever ends or hands on a doubt says why."""

    code: ClassVar[str] = "reason-missing"
    status: ClassVar[int] = 422


class DoubtIsResolved(Refused):
    """The doubt was ended before."""

    code: ClassVar[str] = "doubt-is-resolved"


class DoubtIsClaimed(Refused):
    """Somebody else works on the doubt."""

    code: ClassVar[str] = "doubt-is-claimed"


class AlreadyBilled(Refused):
    """A bill was made from the reading or the one after it."""

    code: ClassVar[str] = "already-billed"


class ValueBelowPrevious(Refused):
    """The value lies below the reading before it, and the register cannot have rolled over."""

    code: ClassVar[str] = "value-below-previous"
    status: ClassVar[int] = 422


class ValueNotPossible(Refused):
    """The value or the meter's record makes no sense: digits, ratio, order of days."""

    code: ClassVar[str] = "value-not-possible"
    status: ClassVar[int] = 422


class TooManyEstimates(Refused):
    """The register was estimated too often in a row."""

    code: ClassVar[str] = "too-many-estimates"


class CannotEstimate(Refused):
    """Nothing is known that the reading could be estimated from."""

    code: ClassVar[str] = "cannot-estimate"


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
            org_unit_id=_unit_of(created_by_id),
        )


def _unit_of(user_id: int | None) -> int | None:
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


_LOAD = """
WITH asked AS (
    SELECT DISTINCT ON (installation_id, register) * FROM cis_reading
    WHERE {where}
    ORDER BY installation_id, register, read_on)
SELECT p.installation_id, p.register, p.read_on, p.value_e4, p.account_id, p.cycle, p.source,
       i.ct_ratio::int8 * i.pt_ratio, m.digits::int8,
       coalesce(c.capacity_kva, 0)::int8, coalesce(c.price_class, 1)::int8,
       before.read_on IS NOT NULL, coalesce(before.read_on, p.read_on), coalesce(before.value_e4, 0),
       coalesce(before.source, 0)::int2,
       coalesce(h.e1, -1), coalesce(h.d1, 0)::int8, coalesce(h.e2, -1), coalesce(h.d2, 0)::int8,
       coalesce(h.e3, -1), coalesce(h.d3, 0)::int8, coalesce(y.advance_kwh_e2, -1), coalesce(y.days, 0)::int8,
       coalesce(w.e1, -1), coalesce(w.e2, -1), coalesce(w.e3, -1)
FROM asked p
JOIN cis_meter_installation i ON i.id = p.installation_id
JOIN cis_meter m ON m.id = i.meter_id
LEFT JOIN cis_supply_contract c ON c.account_id = p.account_id AND c.valid @> (p.read_on - 1)
LEFT JOIN LATERAL (
    SELECT read_on, value_e4, source FROM cis_reading
    WHERE installation_id = p.installation_id AND register = p.register AND read_on < p.read_on AND state = 1
    ORDER BY read_on DESC LIMIT 1) before ON true
LEFT JOIN LATERAL (
    SELECT max(k.advance_kwh_e2) FILTER (WHERE k.n = 1) AS e1, max(k.days) FILTER (WHERE k.n = 1) AS d1,
           max(k.advance_kwh_e2) FILTER (WHERE k.n = 2) AS e2, max(k.days) FILTER (WHERE k.n = 2) AS d2,
           max(k.advance_kwh_e2) FILTER (WHERE k.n = 3) AS e3, max(k.days) FILTER (WHERE k.n = 3) AS d3
    FROM (SELECT x.advance_kwh_e2, x.days, row_number() OVER (ORDER BY x.read_on DESC) AS n
          FROM cis_meter_installation s
          CROSS JOIN LATERAL (
              SELECT read_on, advance_kwh_e2, days FROM cis_reading
              WHERE installation_id = s.id AND register = p.register AND read_on < p.read_on AND state = 1
                AND source <> 4 AND advance_kwh_e2 >= 0 AND days > 0 AND account_id = p.account_id
              ORDER BY read_on DESC LIMIT 3) x
          WHERE s.point_id = i.point_id
          ORDER BY x.read_on DESC LIMIT 3) k) h ON true
LEFT JOIN LATERAL (
    SELECT x.advance_kwh_e2, x.days
    FROM cis_meter_installation s
    JOIN cis_reading x ON x.installation_id = s.id AND x.register = p.register AND x.state = 1 AND x.source <> 4
         AND x.advance_kwh_e2 >= 0 AND x.days > 0 AND x.account_id = p.account_id
         AND x.read_on BETWEEN p.read_on - 380 AND p.read_on - 350
    WHERE s.point_id = i.point_id
    ORDER BY abs(x.read_on - (p.read_on - 365)) LIMIT 1) y ON true
LEFT JOIN LATERAL (
    SELECT max(x.advance_kwh_e2) FILTER (WHERE x.read_on = p.read_on - 7) AS e1,
           max(x.advance_kwh_e2) FILTER (WHERE x.read_on = p.read_on - 14) AS e2,
           max(x.advance_kwh_e2) FILTER (WHERE x.read_on = p.read_on - 21) AS e3
    FROM cis_reading x
    WHERE p.read_on - before.read_on = 1 AND x.installation_id = p.installation_id AND x.register = p.register
      AND x.read_on IN (p.read_on - 7, p.read_on - 14, p.read_on - 21) AND x.state = 1 AND x.source <> 4
      AND x.advance_kwh_e2 >= 0 AND x.days = 1 AND x.account_id = p.account_id) w ON true
"""
# History is the account's own: readings of meters that hung at the point before count, those of earlier customers and
# estimates do not.

_LOAD_TYPES = {
    "installation": "int8",
    "register": "int2",
    "read_on": "date",
    "value_e4": "int8",
    "account": "int8",
    "cycle": "int4",
    "source": "int2",
    "multiplier": "int8",
    "digits": "int8",
    "capacity_kva": "int8",
    "price_class": "int8",
    "has_before": "bool",
    "before_on": "date",
    "before_e4": "int8",
    "before_source": "int2",
    "e1": "int8",
    "d1": "int8",
    "e2": "int8",
    "d2": "int8",
    "e3": "int8",
    "d3": "int8",
    "year_e2": "int8",
    "year_days": "int8",
    "w1": "int8",
    "w2": "int8",
    "w3": "int8",
}

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class _Judged:
    """What the kernel says of loaded readings, (n,)."""

    flags: NDArray[np.uint32]
    advance_e4: NDArray[np.int64]
    energy_kwh_e2: NDArray[np.int64]
    rolled_over: NDArray[np.bool_]
    days: NDArray[np.int64]
    expected_e2_per_day: NDArray[np.int64]
    reference_e2_per_day: NDArray[np.int64]


def _load(cursor: Any, where: str, parameters: dict[str, Any]) -> Columns:
    return read_columns(cursor, _LOAD.format(where=where), parameters, _LOAD_TYPES)


def _thresholds(day: date) -> Thresholds:
    """
    The limits that hold on a day; the kernel's own where none are loaded.

    :raises ValueError: the stored row holds values that the kernel refuses
    """
    values = ValidationThresholds.objects.filter(valid__contains=day).values_list("values", flat=True).first()
    return Thresholds(**values) if values else Thresholds()


def _judge(rows: Columns, thresholds: Thresholds) -> _Judged:
    """Have the kernel judge each reading against the one before it; readings without one are beyond doubt."""
    recent = np.stack([daily_energy_e2(rows[f"e{n}"], rows[f"d{n}"]) for n in (1, 2, 3)], axis=1)
    last_year = daily_energy_e2(rows["year_e2"], rows["year_days"])
    expected = expect_daily_energy(recent, last_year)
    # A day is held against the same weekday, a longer period against the same season.
    weekdays = expect_daily_energy(np.stack([rows[f"w{n}"] for n in (1, 2, 3)], axis=1))
    reference = np.where(weekdays >= 0, weekdays, last_year)
    days = rows["read_on"].astype(np.int64) - rows["before_on"]
    is_large = rows["capacity_kva"] >= settings.LARGE_CUSTOMER_KVA
    is_demand = rows["register"] == int(Register.DEMAND)
    is_base = ~rows["has_before"] | is_demand
    checked = check(
        ReadingColumns(
            previous_e4=np.where(is_base, rows["value_e4"], rows["before_e4"]),
            current_e4=rows["value_e4"],
            multiplier=rows["multiplier"],
            digits=rows["digits"],
            days=np.where(is_base, 1, days),
            capacity_kva=rows["capacity_kva"],
            expected_kwh_e2_per_day=np.where(is_base, -1, expected),
            kind=np.where(is_large, int(AccountKind.LARGE), int(AccountKind.RESIDENTIAL)),
            previous_estimated=rows["before_source"] == int(ReadingSource.ESTIMATED),
            reference_kwh_e2_per_day=np.where(is_base, -1, reference),
            # What never fed in has export registers that stand at nothing; new panels have no history yet.
            unexpected_export=np.isin(rows["register"], _EXPORT) & (recent.max(axis=1) == 0) & ~is_base,
        ),
        thresholds,
    )
    flags = checked.flags.copy()
    # A maximum demand stands by itself: it may not exceed what the capacity allows.
    limit_e4 = rows["capacity_kva"] * thresholds.capacity_factor_permille * 10
    demand_e4 = rows["value_e4"].astype(np.float64) * rows["multiplier"]
    too_much = is_demand & (rows["capacity_kva"] > 0) & (demand_e4 > limit_e4)
    flags[too_much] |= np.uint32(Doubt.OVER_CAPACITY)
    flags |= _disagreements(rows, checked.advance_e4, is_base, thresholds)
    return _Judged(
        flags=flags,
        advance_e4=checked.advance_e4,
        energy_kwh_e2=np.where(is_base, NOTHING_BEFORE, checked.energy_kwh_e2),
        rolled_over=checked.rolled_over,
        days=np.where(rows["has_before"], days, 0),
        expected_e2_per_day=np.where(is_base, -1, expected),
        reference_e2_per_day=np.where(is_base, -1, reference),
    )


def _disagreements(
    rows: Columns, advance_e4: NDArray[np.int64], is_base: NDArray[np.bool_], thresholds: Thresholds
) -> NDArray[np.uint32]:
    """
    Where the period registers of a meter do not add up to its total, over the same days.

    Judged only where flat is read as well: without it, flat is what the others leave of the total (billing-rules 0.3).
    """
    flags = np.zeros(len(is_base), dtype=np.uint32)
    import_rows = np.flatnonzero(~is_base & (rows["register"] <= int(Register.DEEP_VALLEY)))
    if not len(import_rows):
        return flags
    keys = np.stack([rows[name][import_rows].astype(np.int64) for name in ("installation", "read_on", "before_on")])
    _keys, group = np.unique(keys, axis=1, return_inverse=True)
    group = group.reshape(-1).astype(np.int64)
    has_flat = np.zeros(group.max() + 1, dtype=np.bool_)
    has_flat[group[rows["register"][import_rows] == int(Register.FLAT)]] = True
    whole = has_flat[group]
    import_rows, group = import_rows[whole], group[whole]
    order = np.argsort(group, kind="stable")
    chosen = import_rows[order]
    flags[chosen] = check_rate_sum(
        group[order], rows["register"][chosen] == int(Register.TOTAL), advance_e4[chosen], thresholds
    )
    return flags


def _validate_step(where: str, parameters: dict[str, Any], at: datetime) -> Validated | None:
    """Judge the earliest pending reading of each register; None when there is none."""
    with transaction.atomic(), connection.cursor() as cursor:
        rows = _load(cursor, where, parameters)
        if not len(rows["installation"]):
            return None
        thresholds = _thresholds(day_of(int(rows["read_on"].max())))
        judged = _judge(rows, thresholds)
        doubtful = (judged.flags & np.uint32(HOLDS_BILL)) > 0
        moved = _write(cursor, rows, judged, doubtful, thresholds, from_state=Reading.State.PENDING, at=at)
        _recompute_followers(cursor, rows, np.flatnonzero(~doubtful), thresholds, at)
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


def _write(
    cursor: Any,
    rows: Columns,
    judged: _Judged,
    doubtful: NDArray[np.bool_],
    thresholds: Thresholds,
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
                    json.dumps(_facts(rows, judged, row, thresholds)),
                )
                for row in np.flatnonzero(doubtful).tolist()
            ),
        )
        cursor.execute(_OPEN_DOUBTS, {"at": at})
    return Validated(accepted, in_doubt)


def _facts(rows: Columns, judged: _Judged, row: int, thresholds: Thresholds) -> dict[str, Any]:
    """What a person needs to see beside a doubt: values, what was expected, and the limits that were broken."""
    one = {name: int(column[row]) for name, column in rows.items()}
    days, per_day = int(judged.days[row]), int(judged.expected_e2_per_day[row])
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
    WHERE NOT EXISTS (
        SELECT 1 FROM cis_bill b WHERE b.account_id = f.account_id
          AND (b.cycle = f.cycle OR f.kind <> 0 AND f.read_on BETWEEN b.period_start AND b.period_end)))"""


def _recompute_followers(
    cursor: Any, rows: Columns, accepted: NDArray[np.intp], thresholds: Thresholds, at: datetime
) -> None:
    """
    Compute anew what the accepted readings after these advanced, since another one precedes them now.

    Only arithmetic: one that was accepted stays so unless its value has become impossible. What is billed stays.
    """
    if not len(accepted):
        return
    parameters = {
        "installations": rows["installation"][accepted].tolist(),
        "registers": rows["register"][accepted].tolist(),
        "days": [day_of(day) for day in rows["read_on"][accepted].tolist()],
    }
    followers = _load(cursor, _FOLLOWERS, parameters)
    if not len(followers["installation"]):
        return
    judged = _judge(followers, thresholds)
    impossible = (judged.flags & np.uint32(IMPOSSIBLE | WENT_BACK)) > 0
    _write(cursor, followers, judged, impossible, thresholds, from_state=Reading.State.ACCEPTED, at=at)


_REREADS_ACCEPTED = """
SELECT DISTINCT r.account_id, r.cycle, r.read_on
FROM judged_reading j
JOIN cis_reading r ON r.installation_id = j.installation_id AND r.register = j.register AND r.read_on = j.read_on
JOIN cis_reading_doubt d ON d.account_id = r.account_id AND d.installation_id = r.installation_id
     AND d.register = r.register AND d.read_on = r.read_on AND d.resolution = 'reread'
WHERE r.state = 1 AND NOT EXISTS (
    SELECT 1 FROM cis_reading o WHERE o.installation_id = r.installation_id AND o.read_on = r.read_on AND o.state = 0)
"""


def _tell_of_rereads(cursor: Any) -> None:
    """Say which accounts can be billed now that the readings that were taken again are accepted."""
    cursor.execute(_REREADS_ACCEPTED)
    for account_id, cycle, read_on in cursor.fetchall():
        _publish_if_settled(account_id, cycle, read_on)


def _publish_if_settled(account_id: int, cycle: int, read_on: date) -> None:
    """Publish that the account can be billed for the cycle, unless another doubt about it is open."""
    account = Account.objects.select_related("route").get(pk=account_id)

    def closes(own_cycle: int, day: date) -> int:
        # A reading inside a period, such as that of a meter exchange, belongs to the cycle that closes next.
        if own_cycle:
            return own_cycle
        route, month = account.route, add_months(cycle_of(day), -1)
        while (month % 100) % route.cycle_months != route.cycle_phase or reading_date(month, route.reading_day) < day:
            month = add_months(month, 1)
        return month

    settled = closes(cycle, read_on)
    others = ReadingDoubt.objects.filter(account_id=account_id, resolved_at=None).values_list("cycle", "read_on")
    if all(closes(*other) != settled for other in others):
        publish(ReadingsAccepted(account_id=account_id, cycle=settled))


# --- What people do about a doubt -----------------------------------------------------------


def claim_doubt(*, doubt_id: int, user_id: int, take_over: bool = False, within: Sequence[str] | None = None) -> None:
    """
    Put a doubt on one's own list; `take_over` takes it from a colleague.

    :raises DoubtIsClaimed: a colleague has it
    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    """
    with transaction.atomic():
        doubt = _lock(doubt_id, within)
        if doubt.owner_id not in (None, user_id) and not take_over:
            raise DoubtIsClaimed(_("这条存疑示数已有同事在处理。要接手请选择“接手”。"))
        doubt.owner_id = user_id
        doubt.save(update_fields=["owner"])


def accept_reading(
    *,
    doubt_id: int,
    reason: str,
    resolved_by_id: int,
    at: datetime,
    as_rollover: bool = False,
    within: Sequence[str] | None = None,
) -> None:
    """
    Take the reading as it is. A value below the previous one can only be taken `as_rollover`: a person saw the meter.

    :raises AlreadyBilled: a bill was made from it or the reading after it
    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    :raises ValueBelowPrevious: it lies below the previous reading and is no roll-over
    :raises ValueNotPossible: digits, ratio or days make it impossible
    """
    with transaction.atomic():
        doubt, reading = _lock_with_reading(doubt_id, reason, within)
        _settle(doubt, reading, reading.value_e4, reading.source, as_rollover=as_rollover, at=at)
        _resolve(doubt, ReadingDoubt.Resolution.ACCEPTED, reason, resolved_by_id, at)


def correct_reading(
    *,
    doubt_id: int,
    value_e4: int,
    reason: str,
    resolved_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> None:
    """
    Put another value in its place (10^-4 of a register unit); the raw value stays on record.

    :raises AlreadyBilled: a bill was made from it or the reading after it
    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    :raises ValueBelowPrevious: the value lies below the previous reading and no roll-over is plausible
    :raises ValueNotPossible: the value does not fit the register
    """
    with transaction.atomic():
        doubt, reading = _lock_with_reading(doubt_id, reason, within)
        if not 0 <= value_e4 < 10**16:
            raise ValueNotPossible(_("示数超出可能的范围，请核对后再填。"))
        before = reading.value_e4
        _settle(doubt, reading, value_e4, ReadingSource.CORRECTED, at=at)
        _keep_edit(doubt, before, value_e4, "corrected", reason, resolved_by_id, at)
        _resolve(doubt, ReadingDoubt.Resolution.CORRECTED, reason, resolved_by_id, at)
        _settle_sum(doubt, resolved_by_id, at)


def estimate_reading(
    *,
    doubt_id: int,
    reason: str,
    resolved_by_id: int,
    at: datetime,
    method: str = "",
    within: Sequence[str] | None = None,
) -> int:
    """
    Put an estimate in its place and give it (10^-4 of a register unit); the next actual reading settles the rest.

    `method` is one of `same-month-last-year`, `recent-median`, `straight-line`, or empty for the first that is known.

    :raises AlreadyBilled: a bill was made from it or the reading after it
    :raises CannotEstimate: nothing is known to estimate from, or not by this method
    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    :raises TooManyEstimates: the register was estimated as often in a row as is allowed
    """
    with transaction.atomic():
        doubt, reading = _lock_with_reading(doubt_id, reason, within)
        earlier = Reading.objects.filter(
            installation_id=reading.installation_id,
            register=reading.register,
            read_on__lt=reading.read_on,
            state=Reading.State.ACCEPTED,
        )
        limit = settings.MAX_CONSECUTIVE_ESTIMATES
        last = list(earlier.order_by("-read_on").values_list("source", flat=True)[:limit])
        if len(last) == limit and all(source == ReadingSource.ESTIMATED for source in last):
            raise TooManyEstimates(_("该示数已连续估算 %(limit)s 次，请安排现场抄表。") % {"limit": limit})
        value_e4, used = _estimate(reading, method)
        before = reading.value_e4
        _settle(doubt, reading, value_e4, ReadingSource.ESTIMATED, at=at, as_rollover=True)
        _keep_edit(doubt, before, value_e4, METHOD_CODES[used], reason, resolved_by_id, at)
        _resolve(doubt, ReadingDoubt.Resolution.ESTIMATED, reason, resolved_by_id, at)
        _settle_sum(doubt, resolved_by_id, at)
    return value_e4


def request_reread(
    *, doubt_id: int, reason: str, requested_by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    Have the meter read again: another value for the same day, in any import, then ends the doubt.

    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    """
    with transaction.atomic():
        doubt, _reading = _lock_with_reading(doubt_id, reason, within)
        doubt.reread_requested_at = at
        doubt.reason = reason.strip()
        doubt.owner_id = doubt.owner_id or requested_by_id
        doubt.save(update_fields=["reread_requested_at", "reason", "owner"])


def _lock(doubt_id: int, within: Sequence[str] | None) -> ReadingDoubt:
    doubt = (
        ReadingDoubt.objects.select_for_update(of=("self",)).select_related("owner_unit").filter(pk=doubt_id).first()
    )
    if doubt is None or (within is not None and not any(doubt.owner_unit.path.startswith(path) for path in within)):
        raise NotFound(_("没有这条存疑示数。"))
    if doubt.resolved_at is not None:
        raise DoubtIsResolved(_("这条存疑示数已经处理完毕，无需再处理。"))
    return doubt


def _lock_with_reading(doubt_id: int, reason: str, within: Sequence[str] | None) -> tuple[ReadingDoubt, Reading]:
    doubt = _lock(doubt_id, within)
    if not reason.strip():
        raise ReasonMissing(_("请填写原因。"))
    reading = Reading.objects.select_for_update().get(
        installation_id=doubt.installation_id, register=doubt.register, read_on=doubt.read_on
    )
    return doubt, reading


def _is_billed(*, account_id: int, cycle: int, kind: int, read_on: date) -> bool:
    """Whether a bill was made from such a reading: one that closes a billed cycle, or of an exchange or move within."""
    bills = Bill.objects.filter(account_id=account_id)
    if cycle and bills.filter(cycle=cycle).exists():
        return True
    return kind != Reading.Kind.CYCLE and bills.filter(period_start__lte=read_on, period_end__gte=read_on).exists()


def _settle(
    doubt: ReadingDoubt, reading: Reading, value_e4: int, source: int, *, at: datetime, as_rollover: bool = False
) -> None:
    """Accept the reading with this value: what it advanced, and what the reading after it advances from it."""
    key = {"installation_id": reading.installation_id, "register": reading.register}
    counts = bool(reading.cycle) or reading.kind != Reading.Kind.CYCLE
    follower = Reading.objects.filter(**key, read_on__gt=reading.read_on, state=Reading.State.ACCEPTED)
    after = follower.order_by("read_on").values("account_id", "cycle", "kind", "read_on").first()
    own = {name: getattr(reading, name) for name in ("account_id", "cycle", "kind", "read_on")}
    if counts and (_is_billed(**own) or (after is not None and _is_billed(**after))):
        raise AlreadyBilled(_("这条示数或其后的示数已经出账，不能再改。请走电费退补。"))

    thresholds = _thresholds(reading.read_on)
    with connection.cursor() as cursor:
        where = "installation_id = %(installation)s AND register = %(register)s AND read_on = %(day)s"
        parameters = {"installation": reading.installation_id, "register": reading.register, "day": reading.read_on}
        rows = _load(cursor, where, parameters)
        rows["value_e4"] = np.array([value_e4], dtype=np.int64)
        judged = _judge(rows, thresholds)
        flags = int(judged.flags[0])
        if flags & IMPOSSIBLE:
            raise ValueNotPossible(_("示数、表位数、倍率或日期不可能成立，请先改正档案或更正示数。"))
        energy, rolled = int(judged.energy_kwh_e2[0]), bool(judged.rolled_over[0])
        went_back = bool(rows["has_before"][0]) and value_e4 < int(rows["before_e4"][0]) and not rolled
        if went_back and as_rollover:
            turned = value_e4 - int(rows["before_e4"][0]) + 10_000 * 10 ** int(rows["digits"][0])
            energy, rolled = int(energy_kwh_e2(turned, int(rows["multiplier"][0]))[()]), True
        elif flags & WENT_BACK and not flags & Doubt.AFTER_ESTIMATE_REFUND:
            raise ValueBelowPrevious(
                _("示数低于上次示数且不是翻转。请更正、估算或安排复抄；确已翻转的请选“按翻转采信”。")
            )
        Reading.objects.filter(**key, read_on=reading.read_on).update(
            value_e4=value_e4,
            source=source,
            advance_kwh_e2=energy,
            days=int(judged.days[0]),
            is_rollover=rolled,
            state=Reading.State.ACCEPTED,
        )
        _recompute_followers(cursor, rows, np.array([0]), thresholds, at)


def _estimate(reading: Reading, method: str) -> tuple[int, EstimateMethod]:
    """The estimated value and how it was made."""
    codes = {code: kind for kind, code in METHOD_CODES.items()}
    if method and codes.get(method, EstimateMethod.NONE) is EstimateMethod.NONE:
        raise CannotEstimate(_("没有名为“%(method)s”的估算方法。") % {"method": method})
    with connection.cursor() as cursor:
        where = "installation_id = %(installation)s AND register = %(register)s AND read_on = %(day)s"
        rows = _load(
            cursor,
            where,
            {"installation": reading.installation_id, "register": reading.register, "day": reading.read_on},
        )
    following = (
        Reading.objects.filter(
            installation_id=reading.installation_id,
            register=reading.register,
            read_on__gt=reading.read_on,
            state=Reading.State.ACCEPTED,
        )
        .order_by("read_on")
        .values_list("value_e4", "read_on")
        .first()
    )
    has_before = bool(rows["has_before"][0]) and reading.register != Register.DEMAND
    before_e4, before_on = int(rows["before_e4"][0]), day_of(int(rows["before_on"][0]))
    if following is not None:
        line_advance, line_days = following[0] - before_e4, (following[1] - before_on).days
    else:
        line_advance = int(rows["e1"][0]) * 100 // int(rows["multiplier"][0])
        line_days = int(rows["d1"][0])
    recent = np.stack([daily_energy_e2(rows[f"e{n}"], rows[f"d{n}"]) for n in (1, 2, 3)], axis=1)
    unknown = np.array([-1], dtype=np.int64)
    columns = EstimateColumns(
        days=np.array([(reading.read_on - before_on).days if has_before else 0], dtype=np.int64),
        multiplier=rows["multiplier"],
        last_year_e2_per_day=daily_energy_e2(rows["year_e2"], rows["year_days"]),
        recent_e2_per_day=expect_daily_energy(recent),
        recent_last_year_e2_per_day=unknown,
        line_advance_e4=np.array([line_advance], dtype=np.int64),
        line_days=np.array([line_days], dtype=np.int64),
    )
    order = (codes[method],) if method else ORDER_INSIDE_GAP if following is not None else ORDER_AT_SETTLEMENT
    estimated = estimate_advance(columns, order)
    used = EstimateMethod(int(estimated.method[0]))
    if used is EstimateMethod.NONE:
        raise CannotEstimate(_("没有足够的历史示数可供估算，请更正示数或安排复抄。"))
    turn_e4 = 10_000 * 10 ** int(rows["digits"][0])
    return (before_e4 + int(estimated.advance_e4[0])) % turn_e4, used


def _keep_edit(
    doubt: ReadingDoubt, before_e4: int, after_e4: int, method: str, reason: str, edited_by_id: int, at: datetime
) -> None:
    ReadingEdit.objects.create(
        installation_id=doubt.installation_id,
        register=doubt.register,
        read_on=doubt.read_on,
        value_before_e4=before_e4,
        value_after_e4=after_e4,
        method=method,
        reason=reason.strip(),
        edited_by_id=edited_by_id,
        edited_at=at,
    )


def _resolve(
    doubt: ReadingDoubt, resolution: ReadingDoubt.Resolution, reason: str, resolved_by_id: int, at: datetime
) -> None:
    doubt.resolution = resolution
    doubt.reason = reason.strip()
    doubt.resolved_by_id = resolved_by_id
    doubt.resolved_at = at
    doubt.save(update_fields=["resolution", "reason", "resolved_by", "resolved_at"])
    _publish_if_settled(doubt.account_id, doubt.cycle, doubt.read_on)


def _settle_sum(doubt: ReadingDoubt, resolved_by_id: int, at: datetime) -> None:
    """Accept the meter's other registers whose only doubt was the sum, when it comes out right now."""
    others = list(
        ReadingDoubt.objects.select_for_update()
        .filter(
            installation_id=doubt.installation_id,
            read_on=doubt.read_on,
            resolved_at=None,
            doubts=int(Doubt.REGISTERS_DISAGREE),
        )
        .order_by("pk")
    )
    if not others:
        return
    with connection.cursor() as cursor:
        rows = _load(
            cursor,
            "installation_id = %(installation)s AND read_on = %(day)s",
            {"installation": doubt.installation_id, "day": doubt.read_on},
        )
    if (_judge(rows, _thresholds(doubt.read_on)).flags & np.uint32(Doubt.REGISTERS_DISAGREE)).any():
        return
    for other in others:
        _lock_and_accept(other, _("另一示数处理后，分时之和与总相符"), resolved_by_id, at)


def _lock_and_accept(doubt: ReadingDoubt, reason: str, resolved_by_id: int, at: datetime) -> None:
    reading = Reading.objects.select_for_update().get(
        installation_id=doubt.installation_id, register=doubt.register, read_on=doubt.read_on
    )
    _settle(doubt, reading, reading.value_e4, reading.source, at=at)
    _resolve(doubt, ReadingDoubt.Resolution.ACCEPTED, reason, resolved_by_id, at)
