"""Pure: the same day of last week, the line that every other forecaster has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsm.forecasting.bands import error_quantiles
from dsm.forecasting.forecaster import DayBand, banded
from dsm.forecasting.history import Known, Matrix, NotEnoughHistory

_WEEK = 7
_LOOK_BACK = 35
_BAND_DAYS = 90
_FEWEST_DAYS = 7


@dataclass(frozen=True)
class SeasonalNaiveModel:
    """The quantiles of its errors are all that it learns."""

    trained_on: tuple[int, ...]
    low: Matrix
    high: Matrix

    def predict(self, known: Known) -> DayBand:
        """The target day is as its like of last week was."""
        row = like_of(known, known.target)
        if row is None:
            raise NotEnoughHistory("no day of the last weeks is like the one to forecast")
        return banded(_filled(np.log(known.load[row])), self.low, self.high)


class SeasonalNaive:
    """The day a week before where it is of the same kind, else the nearest earlier day of that kind."""

    version = "1"

    def fit(self, known: Known) -> SeasonalNaiveModel:
        """Its errors over the last days give the band."""
        rows, errors = [], []
        for row in range(max(known.target - _BAND_DAYS, 1), known.target - 1):
            like = like_of(known, row)
            if like is not None and np.isfinite(known.load[row]).any():
                rows.append(row)
                errors.append(np.log(known.load[row]) - np.log(known.load[like]))
        if len(rows) < _FEWEST_DAYS:
            raise NotEnoughHistory("no two weeks of load are known")
        low, high = error_quantiles(np.array(errors))
        return SeasonalNaiveModel(tuple(rows), low, high)


def like_of(known: Known, row: int) -> int | None:
    """The day that stands for `row`, at least two days before it; None where none is known."""
    facts = known.facts

    def is_like(other: int) -> bool:
        # A quarter of the day is enough: what is missing is filled.
        known_slots = np.isfinite(known.load[other]).mean() if other >= 0 else 0.0
        return bool(facts.is_off[other] == facts.is_off[row] and known_slots > 0.75)

    week_before = row - _WEEK
    if week_before >= 0 and is_like(week_before) and not facts.is_special[week_before]:
        return week_before
    return next(
        (other for other in range(row - 2, max(row - _LOOK_BACK, -1), -1) if other >= 0 and is_like(other)), None
    )


def _filled(values: Matrix) -> Matrix:
    """Holes of a day closed by straight lines."""
    good = np.isfinite(values)
    return np.interp(np.arange(len(values)), np.flatnonzero(good), values[good])
