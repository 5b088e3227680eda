"""
Load of the system and of every feeder, day by day, from the interval curves of customer information.

A day is computed whole and written only where it differs from what stands there, so that it may be computed as often as
curves come late. Where the system's load is imported as measured, it is not overwritten with the sum of customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.queries.curve_sums import FeederDay, curve_sums
from config.shared.bulk_copy import copy_rows
from config.shared.errors import Refused
from config.shared.jobs import CLOSING_STAGE, Claim, ShardSpec, create_job
from dsm.models import LoadDay
from dsm.models.loads import NOT_KNOWN, SLOTS, Scope
from dsm.operations.forecast_scores import score_forecasts

AGGREGATE_JOB = "dsm.aggregate-load"
_W_PER_WH = 4
"""a quarter-hour's energy in Wh to its mean power in W"""


class DaysOutOfOrder(Refused):
    """The first day is after the last, or the days are not over yet."""

    code = "days-out-of-order"


def start_aggregation(*, first: date, last: date, created_by_id: int | None, at: datetime) -> int:
    """
    Compute the load of the days from `first` to `last` as a job, one shard a day; gives the job's id.

    :raises DaysOutOfOrder: `first` is after `last`, or `last` is not over at `at`
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    if first > last or last >= today:
        raise DaysOutOfOrder(_("请选择已经过去的日子，开始日期不能晚于结束日期。"))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    shards = [ShardSpec(day.toordinal(), day.toordinal() + 1, 1) for day in days]
    # What was forecast for these days is judged when all of them stand.
    shards.append(ShardSpec(first.toordinal(), last.toordinal() + 1, 0, stage=CLOSING_STAGE))
    with transaction.atomic():
        return create_job(
            kind=AGGREGATE_JOB,
            parameters={"first": first.isoformat(), "last": last.isoformat()},
            shards=shards,
            created_by_id=created_by_id,
            at=at,
        )


def work_shard(claim: Claim, *, at: datetime) -> None:
    """One day of an aggregation, or its last stage: the scores of what was forecast for its days."""
    first, last = date.fromordinal(claim.low), date.fromordinal(claim.high - 1)
    with transaction.atomic():
        if claim.is_closing:
            result = {"scored": score_forecasts(first=first, last=last, at=at)}
        else:
            result = {"changed": aggregate_day(day=first, at=at)}
        claim.finish(result=result, done_units=0 if claim.is_closing else 1, at=at)


def aggregate_day(*, day: date, at: datetime) -> int:
    """
    Compute one day's load of every feeder and of the system; gives how many of them it changed.

    Feeders of which no curve came have no row. Five statements, however many feeders there are.
    """
    feeders = [row for row in curve_sums(day=day) if row.points_delivered]
    rows = [_feeder_row(row) for row in feeders]
    with transaction.atomic():
        has_measured = LoadDay.objects.filter(scope=Scope.SYSTEM, source=LoadDay.Source.IMPORT).exists()
        if feeders and not has_measured:
            rows.append(_system_row(feeders))
        return write_days([(*row, day.isoformat(), LoadDay.Source.CURVES.value) for row in rows], at=at)


Row = tuple[Any, ...]


def _feeder_row(row: FeederDay) -> Row:
    return (
        Scope.FEEDER.value,
        row.feeder_id,
        _watts(row.energy_wh, row.points_by_slot),
        list(row.points_by_slot),
        row.points_served,
        row.points_delivered,
    )


def _system_row(feeders: Sequence[FeederDay]) -> Row:
    energy = [sum(values) for values in zip(*(row.energy_wh for row in feeders), strict=True)]
    points = [sum(values) for values in zip(*(row.points_by_slot for row in feeders), strict=True)]
    return (
        Scope.SYSTEM.value,
        0,
        _watts(energy, points),
        points,
        sum(row.points_served for row in feeders),
        sum(row.points_delivered for row in feeders),
    )


def _watts(energy_wh: Sequence[int], points: Sequence[int]) -> list[int]:
    return [_W_PER_WH * energy if count else NOT_KNOWN for energy, count in zip(energy_wh, points, strict=True)]


_INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_load (
    scope text, scope_id bigint, load_w bigint[], points_by_slot integer[], points_served integer,
    points_delivered integer, day date, source text)
ON COMMIT DROP;
TRUNCATE incoming_load
"""
_COLUMNS = ("scope", "scope_id", "load_w", "points_by_slot", "points_served", "points_delivered", "day", "source")

_UPSERT = """
INSERT INTO dsm_load_day AS d (scope, scope_id, day, source, load_w, points_by_slot, points_served, points_delivered,
                               revision, written_at)
SELECT scope, scope_id, day, source, load_w, points_by_slot, points_served, points_delivered, 0, %(at)s
FROM incoming_load ORDER BY scope, scope_id, day
ON CONFLICT (scope, scope_id, day) DO UPDATE
SET load_w = excluded.load_w, points_by_slot = excluded.points_by_slot, points_served = excluded.points_served,
    points_delivered = excluded.points_delivered, revision = d.revision + 1, written_at = excluded.written_at
WHERE d.source = excluded.source
  AND (d.load_w, d.points_by_slot, d.points_served, d.points_delivered)
      IS DISTINCT FROM
      (excluded.load_w, excluded.points_by_slot, excluded.points_served, excluded.points_delivered)
"""


def write_days(rows: Sequence[Row], *, at: datetime) -> int:
    """
    Write days of load (scope, scope_id, load_w, points_by_slot, points_served, points_delivered, day, source) in the
    caller's transaction; gives how many were new or different. A day of another source is left alone.
    """
    if any(len(row[2]) != SLOTS for row in rows):
        raise ValueError(f"a day has {SLOTS} quarter-hours")
    with connection.cursor() as cursor:
        cursor.execute(_INCOMING)
        copy_rows(cursor, "incoming_load", _COLUMNS, rows)
        cursor.execute(_UPSERT, {"at": at})
        return int(cursor.rowcount)
