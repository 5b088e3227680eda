"""What became of forecasts: each is scored when the load of its day is known, and again when that load changes."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
from django.db import transaction

from dsm.forecasting.forecaster import DayBand
from dsm.forecasting.scores import DayScore, score_day
from dsm.models import ForecastOutcome, LoadDay, LoadForecast
from dsm.queries.loads import known_slots


def score_forecasts(*, first: date, last: date, at: datetime) -> int:
    """
    Score the forecasts for the days from `first` to `last` against the load that stands there; gives how many.

    Forecasts that were scored against the same revision of the load are left as they are. Days that are known in part
    are scored in part. Three statements.
    """
    with transaction.atomic():
        loads = {(row.scope, row.scope_id, row.day): row for row in LoadDay.objects.filter(day__range=(first, last))}
        outcomes = []
        forecasts = LoadForecast.objects.filter(day__range=(first, last)).select_related("outcome").order_by("pk")
        for forecast in forecasts:
            load = loads.get((forecast.scope, forecast.scope_id, forecast.day))
            old = getattr(forecast, "outcome", None)
            if load is None or (old is not None and old.load_revision == load.revision):
                continue
            score = _score(forecast, load)
            if score is not None:
                outcomes.append(_outcome(forecast, load, score, at))
        ForecastOutcome.objects.bulk_create(
            outcomes,
            update_conflicts=True,
            unique_fields=["forecast"],
            update_fields=[
                "load_revision",
                "slots_scored",
                "mape_e4",
                "nmae_e4",
                "accuracy_e4",
                "coverage_e4",
                "peak_error_e4",
                "pinball_w",
                "scored_at",
            ],
        )
    return len(outcomes)


def _score(forecast: LoadForecast, load: LoadDay) -> DayScore | None:
    known = known_slots(load.load_w, load.points_by_slot, load.points_served)
    actual = np.where(known, np.array(load.load_w, dtype=np.float64), np.nan)
    band = DayBand(*(np.array(values, dtype=np.float64) for values in (forecast.p10_w, forecast.p50_w, forecast.p90_w)))
    return score_day(band, actual)


def _outcome(forecast: LoadForecast, load: LoadDay, score: DayScore, at: datetime) -> ForecastOutcome:
    return ForecastOutcome(
        forecast=forecast,
        load_revision=load.revision,
        slots_scored=score.slots,
        mape_e4=_e4(score.mape),
        nmae_e4=_e4(score.nmae),
        accuracy_e4=_e4(score.accuracy),
        coverage_e4=_e4(score.coverage),
        peak_error_e4=_e4(score.peak_error),
        pinball_w=round(score.pinball),
        scored_at=at,
    )


def _e4(share: float) -> int:
    """A share in 1e-4; one that is beyond all reason is cut off rather than refused."""
    return round(max(min(share, 100.0), -100.0) * 10_000)
