"""
Tomorrow's load, made and kept: of one scope when somebody asks, of the system and every feeder each morning.

A forecast is made as of a moment: nothing that became known later is used, whoever computes it when. It is written
once; a second one of the same moment changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.queries.curve_sums import list_feeders
from config.shared.errors import Refused
from config.shared.jobs import Claim, ShardSpec, create_job
from dsm.forecasting.forecaster import DayBand
from dsm.forecasting.history import Known, NotEnoughHistory, known_at
from dsm.forecasting.registry import FORECASTERS
from dsm.models import LoadForecast
from dsm.models.loads import SLOTS, Scope
from dsm.queries.loads import ScopeHistory, histories

FORECAST_JOB = "dsm.forecast-load"
FEEDERS_PER_SHARD = 20
# Made beside the house's forecaster, so that everybody sees what it is worth.
MEASURE = "seasonal_naive"


class NotTomorrow(Refused):
    """A forecast is for today or tomorrow, as of the moment it is made."""

    code = "not-tomorrow"


class TooLittleLoad(Refused):
    """There is not enough load, or it is too old, to say anything about the day."""

    code = "too-little-load"


@dataclass(frozen=True)
class _Made:
    """Forecasts of one scope, or why there is none."""

    rows: list[LoadForecast]
    refusal: str


def make_forecast(*, scope: str, scope_id: int, on_day: date, at: datetime, made_by_id: int | None = None) -> int:
    """
    Forecast a day of "system" (id 0) or "feeder" as of `at`; gives the forecast's id.

    The same moment again gives the forecast that stands.

    :raises NotTomorrow: the day is neither that of `at` nor the one after
    :raises TooLittleLoad: too few days of load are known, or the last is too long ago
    """
    _refuse_far(on_day, at)
    with transaction.atomic():
        (found,) = histories(scopes=[(scope, scope_id)], on_day=on_day, at=at)
        made = _made(found, on_day=on_day, issued_at=at, made_by_id=made_by_id, made_at=at)
        if made.refusal:
            raise TooLittleLoad(made.refusal)
        LoadForecast.objects.bulk_create(made.rows, ignore_conflicts=True)
        return LoadForecast.objects.values_list("pk", flat=True).get(
            scope=scope, scope_id=scope_id, day=on_day, forecaster=settings.DSM_FORECASTER, issued_at=at
        )


def start_forecasts(*, on_day: date, issued_at: datetime, created_by_id: int | None, at: datetime) -> int:
    """
    Forecast a day of the system and of every feeder as a job, as of `issued_at`; gives the job's id.

    :raises NotTomorrow: the day is neither that of `issued_at` nor the one after
    """
    _refuse_far(on_day, issued_at)
    with transaction.atomic():
        feeders = sorted(feeder.feeder_id for feeder in list_feeders())
        # The system is the shard of id 0.
        shards = [ShardSpec(0, 1, 1)]
        for start in range(0, len(feeders), FEEDERS_PER_SHARD):
            part = feeders[start : start + FEEDERS_PER_SHARD]
            shards.append(ShardSpec(part[0], part[-1] + 1, len(part)))
        return create_job(
            kind=FORECAST_JOB,
            parameters={"on_day": on_day.isoformat(), "issued_at": issued_at.isoformat()},
            shards=shards,
            created_by_id=created_by_id,
            at=at,
        )


def work_shard(claim: Claim, *, at: datetime) -> None:
    """The forecasts of one shard's scopes; those of which too little is known are counted and left out."""
    on_day = date.fromisoformat(claim.parameters["on_day"])
    issued_at = datetime.fromisoformat(claim.parameters["issued_at"])
    with transaction.atomic():
        if claim.low == 0:
            scopes = [(Scope.SYSTEM.value, 0)]
        else:
            scopes = [
                (Scope.FEEDER.value, one.feeder_id) for one in list_feeders() if claim.low <= one.feeder_id < claim.high
            ]
        result = write_forecasts(
            scopes=scopes, on_day=on_day, issued_at=issued_at, made_by_id=claim.created_by_id, at=at
        )
        claim.finish(result=result, done_units=len(scopes), at=at)


def write_forecasts(
    *, scopes: Sequence[tuple[str, int]], on_day: date, issued_at: datetime, made_by_id: int | None, at: datetime
) -> dict[str, Any]:
    """Forecast a day of many scopes as of `issued_at` in three statements; how many were made and how many not."""
    rows: list[LoadForecast] = []
    refused: list[str] = []
    for found in histories(scopes=scopes, on_day=on_day, at=issued_at):
        made = _made(found, on_day=on_day, issued_at=issued_at, made_by_id=made_by_id, made_at=at)
        rows += made.rows
        if made.refusal:
            refused.append(f"{found.scope} {found.scope_id}")
    LoadForecast.objects.bulk_create(rows, ignore_conflicts=True)
    return {"made": len(rows), "too_little_load": refused}


def _refuse_far(on_day: date, at: datetime) -> None:
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    if on_day not in (today, today + timedelta(days=1)):
        raise NotTomorrow(_("只能预测当天或次日的负荷。请改选日期。"))


def _made(
    found: ScopeHistory, *, on_day: date, issued_at: datetime, made_by_id: int | None, made_at: datetime
) -> _Made:
    last = _last_known_day(found, on_day, issued_at)
    if last is None or (on_day - last).days > settings.DSM_LOAD_STALE_AFTER_DAYS:
        return _Made([], _("没有最近几天的负荷，不能预测。请先导入负荷曲线，再汇总负荷。"))
    known = known_at(found.history, target=on_day, eve_slots=_eve_slots(found, on_day, issued_at))
    rows = []
    for name in dict.fromkeys((settings.DSM_FORECASTER, MEASURE)):
        try:
            model = FORECASTERS[name].fit(known)
            band = model.predict(known)
        except NotEnoughHistory:
            if name == settings.DSM_FORECASTER:
                return _Made([], _("可用的负荷不足四周，不能预测。请补齐历史曲线后再试。"))
            continue
        state = {
            **_data_state(found, known),
            "trained_days": len(model.trained_on),
            "trained_from": found.history.day(model.trained_on[0]).isoformat(),
            "trained_to": found.history.day(model.trained_on[-1]).isoformat(),
            "last_known_day": last.isoformat(),
        }
        rows.append(
            LoadForecast(
                scope=found.scope,
                scope_id=found.scope_id,
                day=on_day,
                forecaster=name,
                version=FORECASTERS[name].version,
                issued_at=issued_at,
                data_state=state,
                made_by_id=made_by_id,
                made_at=made_at,
                **_watts(band),
            )
        )
    return _Made(rows, "")


def _eve_slots(found: ScopeHistory, on_day: date, issued_at: datetime) -> int:
    """
    How many quarter-hours of the day before `on_day` are known at `issued_at`.

    What is measured is known at once; customers' curves of a day are collected on the next.
    """
    local = issued_at.astimezone(settings.BILLING_TIME_ZONE)
    if local.date() == on_day:
        return SLOTS
    return (local.hour * 60 + local.minute) * SLOTS // 1440 if found.is_measured else 0


def _last_known_day(found: ScopeHistory, on_day: date, issued_at: datetime) -> date | None:
    """The last day, of those that may be used, that is known whole."""
    history = found.history
    end = history.place(min(issued_at.astimezone(settings.BILLING_TIME_ZONE).date(), on_day - timedelta(days=1)))
    known = np.flatnonzero(np.isfinite(history.load[: max(end, 0)]).all(axis=1))
    return history.day(int(known[-1])) if len(known) else None


def _data_state(found: ScopeHistory, known: Known) -> dict[str, Any]:
    digest = hashlib.sha256()
    for values in (known.load, known.temperature_c):
        digest.update(np.ascontiguousarray(values).tobytes())
    return {
        "eve_slots": known.eve_slots,
        "days_left_out": found.days_left_out,
        "is_measured": found.is_measured,
        "weather": found.weather,
        "input_digest": digest.hexdigest()[:16],
    }


def _watts(band: DayBand) -> dict[str, list[int]]:
    def whole(values: NDArray[np.float64]) -> list[int]:
        return [round(value) for value in values.tolist()]

    return {"p10_w": whole(band.p10), "p50_w": whole(band.p50), "p90_w": whole(band.p90)}
