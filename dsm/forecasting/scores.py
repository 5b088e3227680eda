"""Pure: how good a forecast was, day by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsm.forecasting.forecaster import HIGH, LOW, DayBand
from dsm.forecasting.history import Matrix


@dataclass(frozen=True)
class DayScore:
    """
    Shares, over the slots whose load is known.

    `mape`: mean of |error| / load; `nmae`: mean |error| / mean load; `accuracy`: 1 - root of the mean squared relative
    error, the daily accuracy of Chinese dispatchers (DL/T 1711); `coverage`: slots within the band; `peak_error`: the
    forecast of the day's highest slot against that slot's load, above nought where too much was expected. `pinball` in
    the unit of the load, the mean over the three quantiles.
    """

    slots: int
    mape: float
    nmae: float
    accuracy: float
    coverage: float
    peak_error: float
    pinball: float


def score_day(band: DayBand, actual: Matrix) -> DayScore | None:
    """The score of one day, `actual` (slots,) with NaN where it is not known; None where nothing is."""
    seen = np.isfinite(actual) & (actual > 0)
    if not seen.any():
        return None
    load, middle = actual[seen], band.p50[seen]
    error = middle - load
    top = int(np.argmax(load))
    return DayScore(
        slots=int(seen.sum()),
        mape=float(np.mean(np.abs(error) / load)),
        nmae=float(np.mean(np.abs(error)) / load.mean()),
        accuracy=float(1 - np.sqrt(np.mean((error / load) ** 2))),
        coverage=float(np.mean((load >= band.p10[seen]) & (load <= band.p90[seen]))),
        peak_error=float(error[top] / load[top]),
        pinball=float(
            np.mean(
                [
                    pinball(load, band.p10[seen], LOW),
                    pinball(load, middle, 0.5),
                    pinball(load, band.p90[seen], HIGH),
                ]
            )
        ),
    )


def pinball(actual: Matrix, quantile: Matrix, level: float) -> float:
    """The mean loss of a quantile: `level` times what lies above it, 1 - level times what lies below."""
    over = actual - quantile
    return float(np.mean(np.maximum(level * over, (level - 1) * over)))
