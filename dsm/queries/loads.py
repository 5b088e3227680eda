"""Load day by day: for pages and files, and as the history that forecasters learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
from django.conf import settings
from django.db.models import Max, Q
from numpy.typing import NDArray

from dsm.forecasting.day_facts import chinese_days
from dsm.forecasting.history import LoadHistory
from dsm.models import LoadDay, WeatherDay
from dsm.models.loads import NOT_KNOWN, SLOTS, Scope

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DayLoad:
    """
    One day's load: mean power in W of 96 quarter-hours, None where too few points delivered to speak of the whole.

    `delivered_e4`: the share of all quarter-hours of all points served that came in, in 1e-4.
    """

    scope: str
    scope_id: int
    day: date
    load_w: tuple[int | None, ...]
    points_served: int
    points_delivered: int
    delivered_e4: int
    is_measured: bool
    """imported as measured, not summed from curves"""
    revision: int

    @property
    def is_complete(self) -> bool:
        """Whether every quarter-hour is known."""
        return None not in self.load_w


def load_days(*, scope: str, scope_id: int, first: date, last: date) -> list[DayLoad]:
    """The days from `first` to `last` of which anything is known, in order."""
    rows = LoadDay.objects.filter(scope=scope, scope_id=scope_id, day__range=(first, last)).order_by("day")
    return [_day_load(row) for row in rows]


@dataclass(frozen=True, slots=True)
class LoadSheet:
    """A day's load, None where nothing is known, beside the day before and the same day of last week."""

    day: date
    load: DayLoad | None
    day_before: DayLoad | None
    week_before: DayLoad | None


def load_sheet(*, scope: str, scope_id: int, on_day: date | None, else_day: date) -> LoadSheet:
    """The load of a day; without one named, of the last that is known, and where none is of `else_day`."""
    day = on_day or last_day(scope=scope, scope_id=scope_id) or else_day
    found = load_days(scope=scope, scope_id=scope_id, first=day - timedelta(days=7), last=day)
    known = {one.day: one for one in found}
    return LoadSheet(day, *(known.get(day - timedelta(days=back)) for back in (0, 1, 7)))


def last_days(*, scope: str, scope_id: int, last: date | None, count: int) -> list[DayLoad]:
    """The last so many days up to `last`, or to the last that is known."""
    end = last or last_day(scope=scope, scope_id=scope_id)
    if end is None:
        return []
    return load_days(scope=scope, scope_id=scope_id, first=end - timedelta(days=count - 1), last=end)


def last_day(*, scope: str, scope_id: int) -> date | None:
    """The last day with load; None where there is none."""
    found: date | None = LoadDay.objects.filter(scope=scope, scope_id=scope_id).aggregate(last=Max("day"))["last"]
    return found


def known_slots(load_w: Sequence[int], points_by_slot: Sequence[int], points_served: int) -> NDArray[np.bool_]:
    """(96,): of which quarter-hours enough points delivered (`settings.DSM_KNOWN_FROM_PERCENT`)."""
    enough = np.array(points_by_slot) * 100 >= points_served * settings.DSM_KNOWN_FROM_PERCENT
    return np.asarray(enough & (np.array(load_w) != NOT_KNOWN))


def _day_load(row: LoadDay) -> DayLoad:
    known = known_slots(row.load_w, row.points_by_slot, row.points_served)
    whole = row.points_served * SLOTS
    return DayLoad(
        scope=row.scope,
        scope_id=row.scope_id,
        day=row.day,
        load_w=tuple(value if is_known else None for value, is_known in zip(row.load_w, known, strict=True)),
        points_served=row.points_served,
        points_delivered=row.points_delivered,
        delivered_e4=sum(row.points_by_slot) * 10_000 // whole if whole else 0,
        is_measured=row.source == LoadDay.Source.IMPORT,
        revision=row.revision,
    )


# --- History -------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScopeHistory:
    """
    The history of one scope up to the day to forecast, and what it was made of.

    `is_measured`: a measured series arrives as it is measured; curves of a day arrive on the day after.
    """

    scope: str
    scope_id: int
    history: LoadHistory
    is_measured: bool
    days_known: int
    days_left_out: int
    last_day: date | None
    revisions: int
    """the sum of the revisions of the days: another sum, other data"""
    weather: str
    """where the temperature forecast of the day comes from; empty: there is none"""


def histories(*, scopes: Sequence[tuple[str, int]], on_day: date, at: datetime) -> Iterator[ScopeHistory]:
    """
    The histories of scopes up to `on_day` with the weather that was known at `at`; two statements for all of them.

    Load later than `at` may be in them: `known_at` is the gate.
    """
    first = on_day - timedelta(days=settings.DSM_HISTORY_DAYS)
    wanted = Q(pk__in=())
    feeders = [scope_id for scope, scope_id in scopes if scope == Scope.FEEDER]
    if feeders:
        wanted |= Q(scope=Scope.FEEDER, scope_id__in=feeders)
    if (Scope.SYSTEM, 0) in [tuple(one) for one in scopes]:
        wanted |= Q(scope=Scope.SYSTEM)
    rows_of: dict[tuple[str, int], list[LoadDay]] = {(scope, scope_id): [] for scope, scope_id in scopes}
    for row in LoadDay.objects.filter(wanted, day__gte=first, day__lt=on_day).order_by("scope", "scope_id", "day"):
        rows_of[row.scope, row.scope_id].append(row)
    starts = [rows[0].day for rows in rows_of.values() if rows]
    begin = min(starts) if starts else on_day - timedelta(days=1)
    count = (on_day - begin).days + 1
    measured, forecast, source = _temperatures(begin, count, at)
    facts = chinese_days(begin, count + 1)
    for (scope, scope_id), rows in rows_of.items():
        load = np.full((count, SLOTS), np.nan)
        left_out = 0
        for row in rows:
            known = known_slots(row.load_w, row.points_by_slot, row.points_served)
            left_out += not known.all()
            load[(row.day - begin).days, known] = np.array(row.load_w, dtype=np.float64)[known]
        yield ScopeHistory(
            scope=scope,
            scope_id=scope_id,
            history=LoadHistory(begin, load, measured, forecast, facts),
            is_measured=bool(rows) and rows[-1].source == LoadDay.Source.IMPORT,
            days_known=int(np.isfinite(load).all(axis=1).sum()),
            days_left_out=left_out,
            last_day=rows[-1].day if rows else None,
            revisions=sum(row.revision for row in rows),
            weather=source,
        )


def _temperatures(begin: date, count: int, at: datetime) -> tuple[Matrix, Matrix, str]:
    """
    (measured, forecast) of each (days, 96): of every day the last forecast from before it, and never a later one;
    and where that of the last day comes from, empty where it has none.
    """
    source = ""
    measured, forecast = np.full((count, SLOTS), np.nan), np.full((count, SLOTS), np.nan)
    last = begin + timedelta(days=count - 1)
    rows = WeatherDay.objects.filter(day__range=(begin, last), issued_at__lte=at).order_by("day", "issued_at")
    for row in rows:
        values = np.array(row.temperature_c_e2, dtype=np.float64) / 100
        if row.kind == WeatherDay.Kind.ACTUAL:
            measured[(row.day - begin).days] = values
        elif row.issued_at < datetime.combine(row.day, time(), settings.BILLING_TIME_ZONE):
            forecast[(row.day - begin).days] = values
            source = row.source if row.day == last else source
    return measured, forecast, source
