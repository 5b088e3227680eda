"""Pure: how a forecaster would have done, day after day, each time with what was known then and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from dsm.forecasting.forecaster import DayBand, Forecaster, Model
from dsm.forecasting.history import LoadHistory, known_at
from dsm.forecasting.scores import DayScore, score_day


@dataclass(frozen=True)
class BacktestDay:
    """One day that was forecast, and how it came out."""

    day: date
    band: DayBand
    score: DayScore


@dataclass(frozen=True)
class Summary:
    """Means over all slots of all days; `pinball` as a share of the mean load, `days_97` days of 97 % accuracy."""

    days: int
    mape: float
    nmae: float
    accuracy: float
    days_97: float
    peak_mape: float
    coverage: float
    pinball: float


def backtest(
    forecaster: Forecaster, history: LoadHistory, *, first: date, last: date, eve_slots: int
) -> list[BacktestDay]:
    """
    Forecast every day from `first` to `last` with a rolling origin on its eve; fitted anew on the first of each month.

    A fit for day d uses days up to d - 2 (and the known slots of its eve). Days without any load are left out.
    """
    result: list[BacktestDay] = []
    model: Model | None = None
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        known = known_at(history, target=day, eve_slots=eve_slots)
        if model is None or day.day == 1:
            model = forecaster.fit(known)
        band = model.predict(known)
        score = score_day(band, history.load[history.place(day)])
        if score is not None:
            result.append(BacktestDay(day, band, score))
    return result


def summarise(days: list[BacktestDay], history: LoadHistory) -> Summary:
    """
    The figures of a backtest.

    :raises ValueError: there is no day
    """
    if not days:
        raise ValueError("nothing was forecast")
    scores = [one.score for one in days]
    slots = np.array([score.slots for score in scores], dtype=float)
    load = np.array([np.nanmean(history.load[history.place(one.day)]) for one in days])

    def mean(values: list[float]) -> float:
        return float(np.average(values, weights=slots))

    return Summary(
        days=len(days),
        mape=mean([s.mape for s in scores]),
        nmae=float(np.sum([s.nmae * m for s, m in zip(scores, load * slots, strict=True)]) / np.sum(load * slots)),
        accuracy=float(np.mean([s.accuracy for s in scores])),
        days_97=float(np.mean([s.accuracy >= 0.97 for s in scores])),
        peak_mape=float(np.mean([abs(s.peak_error) for s in scores])),
        coverage=mean([s.coverage for s in scores]),
        pinball=mean([s.pinball for s in scores]) / float(np.average(load, weights=slots)),
    )
