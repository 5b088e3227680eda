"""
Pure: one ridge regression a slot, over level, lags, calendar and temperature; the band from errors out of fold.

The logarithm of load over its level is regressed slot by slot. The strength of the ridge is the one that does best on
blocks of days that were left out, and the errors on those blocks give the band. A model of the kind that the load
forecasting competitions call a vanilla benchmark (Hong, Pinson, Fan, GEFCom2012, doi:10.1016/j.ijforecast.2013.07.001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsm.forecasting.bands import error_quantiles
from dsm.forecasting.features import Rows, may_use_year, rows_of
from dsm.forecasting.forecaster import DayBand, banded
from dsm.forecasting.history import Known, Matrix, NotEnoughHistory

_FEWEST_ROWS = 21
_FOLDS = 6
_PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_HALF_LIFE_DAYS = 550.0
_BAND_DAYS = 365
# Load that is so many times more or less than usual at its time of the day is a fault of the measurement.
_SPIKE = 5.0
# Errors beyond so many times the usual one lose their weight in proportion (Huber).
_HUBER = 2.5


@dataclass(frozen=True)
class LinearModel:
    """Coefficients (slots, features) over standardised columns, and the quantiles of the errors out of fold."""

    trained_on: tuple[int, ...]
    with_temperature: bool
    with_year: bool
    centre: Matrix
    spread: Matrix
    coefficients: Matrix
    intercept: Matrix
    low: Matrix
    high: Matrix
    penalty: float

    def predict(self, known: Known) -> DayBand:
        """
        The target day.

        :raises NotEnoughHistory: too little was known on its eve
        """
        known = _without_spikes(known)
        rows = rows_of(known, [known.target], with_temperature=self.with_temperature, with_year=self.with_year)
        if not rows.days:
            raise NotEnoughHistory("too few of the last days are known")
        # A temperature that is missing says nothing: the mean stands in.
        x = np.nan_to_num((rows.x[:, 0] - self.centre) / self.spread)
        middle = self.intercept + np.einsum("sf,sf->s", x, self.coefficients) + rows.level_log[0]
        return banded(middle, self.low, self.high)


class LinearBySlot:
    """One linear model a slot."""

    version = "1"

    def fit(self, known: Known) -> LinearModel:
        """Learn from every day up to two before the target."""
        known = _without_spikes(known)
        # Without the temperature of the day to come, that of past days explains what the day will not have.
        seen = np.isfinite(known.temperature_c)
        with_temperature = bool(seen[:-2].mean() > 0.9 and seen[-1].all()) if len(seen) > 2 else False
        past = range(max(known.target - 1, 0))
        with_year = may_use_year(len(past))
        rows = rows_of(known, past, with_temperature=with_temperature, with_year=with_year)
        if len(rows.days) < _FEWEST_ROWS:
            raise NotEnoughHistory(f"{len(rows.days)} days of history are usable, {_FEWEST_ROWS} are needed")
        y = (np.log(known.load[list(rows.days)]) - rows.level_log[:, None]).T
        x, centre, spread = _standardised(rows)
        weight = np.where(np.isfinite(y), _forgetting(rows.days, known.target)[None, :], 0.0)
        y = np.nan_to_num(y)
        penalty, errors = _best_penalty(x, y, weight)
        weight = weight * _huber(errors, weight)
        coefficients, intercept = _Normal.of(_moments(x, y, weight)).solve(penalty)
        low, high = error_quantiles(np.where(weight > 0, errors, np.nan).T[-_BAND_DAYS:])
        return LinearModel(
            rows.days, with_temperature, with_year, centre, spread, coefficients, intercept, low, high, penalty
        )


def _without_spikes(known: Known) -> Known:
    """Load that cannot be, against the days before it, counts as not known."""
    load = known.load.copy()
    for row in range(7, len(load)):
        usual = _median(load[max(row - 28, 0) : row])
        with np.errstate(invalid="ignore"):
            ratio = load[row] / usual
            load[row, (ratio > _SPIKE) | (ratio < 1 / (2 * _SPIKE))] = np.nan
    return Known(known.first, load, known.temperature_c, known.facts, known.eve_slots)


def _median(rows: Matrix) -> Matrix:
    """Medians of the columns over the values there are, NaN where there is none."""
    ordered = np.sort(rows, axis=0)
    count = np.isfinite(rows).sum(axis=0)
    return np.asarray(np.take_along_axis(ordered, np.maximum(count - 1, 0)[None, :] // 2, axis=0)[0])


def _standardised(rows: Rows) -> tuple[Matrix, Matrix, Matrix]:
    """(slots, rows, features) of mean 0 and spread 1, what was missing 0; the means and spreads (slots, features)."""
    good = np.isfinite(rows.x)
    count = np.maximum(good.sum(axis=1), 1)
    filled = np.where(good, rows.x, 0.0)
    centre = filled.sum(axis=1) / count
    deviation = np.where(good, rows.x - centre[:, None], 0.0)
    spread = np.sqrt((deviation**2).sum(axis=1) / count)
    spread = np.where(spread > 1e-9, spread, np.inf)
    return deviation / spread[:, None], centre, spread


def _forgetting(days: tuple[int, ...], target: int) -> Matrix:
    return np.asarray(0.5 ** ((target - np.array(days)) / _HALF_LIFE_DAYS))


Moments = tuple[Matrix, Matrix, Matrix, Matrix, Matrix]


def _moments(x: Matrix, y: Matrix, weight: Matrix) -> Moments:
    """Weighted sums, by slot: of the weights, x, y, x x' and x y; sums of parts add up to those of the whole."""
    weighted = x * weight[:, :, None]
    return (
        weight.sum(axis=1),
        weighted.sum(axis=1),
        (weight * y).sum(axis=1),
        weighted.transpose(0, 2, 1) @ x,
        np.einsum("srf,sr->sf", weighted, y),
    )


@dataclass(frozen=True)
class _Normal:
    """The normal equations of a weighted least-squares fit, slot by slot, about the means."""

    mean_x: Matrix
    mean_y: Matrix
    inner: Matrix
    outer: Matrix

    @classmethod
    def of(cls, moments: Moments) -> _Normal:
        total, sum_x, sum_y, xx, xy = moments
        total = np.maximum(total, 1e-12)
        mean_x, mean_y = sum_x / total[:, None], sum_y / total
        return cls(
            mean_x,
            mean_y,
            xx / total[:, None, None] - mean_x[:, :, None] * mean_x[:, None, :],
            xy / total[:, None] - mean_x * mean_y[:, None],
        )

    def solve(self, penalty: float) -> tuple[Matrix, Matrix]:
        """(coefficients (slots, features), intercepts (slots,)); the intercept bears no penalty."""
        ridge = penalty * np.eye(self.inner.shape[1])
        coefficients = np.asarray(np.linalg.solve(self.inner + ridge, self.outer[:, :, None])[:, :, 0])
        return coefficients, self.mean_y - np.asarray(np.einsum("sf,sf->s", coefficients, self.mean_x))


def _without(whole: Moments, part: Moments) -> Moments:
    return (whole[0] - part[0], whole[1] - part[1], whole[2] - part[2], whole[3] - part[3], whole[4] - part[4])


def _best_penalty(x: Matrix, y: Matrix, weight: Matrix) -> tuple[float, Matrix]:
    """The penalty that errs least on blocks of days left out, and its errors (slots, rows) there."""
    errors = np.zeros((len(_PENALTIES), *y.shape))
    whole = _moments(x, y, weight)
    for block in np.array_split(np.arange(x.shape[1]), _FOLDS):
        part = _moments(x[:, block], y[:, block], weight[:, block])
        normal = _Normal.of(_without(whole, part))
        for number, penalty in enumerate(_PENALTIES):
            coefficients, intercept = normal.solve(penalty)
            foretold = intercept[:, None] + np.einsum("srf,sf->sr", x[:, block], coefficients)
            errors[number][:, block] = y[:, block] - foretold
    best = int(np.argmin((np.abs(errors) * weight).sum(axis=(1, 2))))
    return _PENALTIES[best], errors[best]


def _huber(errors: Matrix, weight: Matrix) -> Matrix:
    """1 for usual errors, less in proportion for great ones."""
    usual = _median(np.where(weight > 0, np.abs(errors), np.nan).T)
    bound = _HUBER * 1.4826 * np.maximum(np.nan_to_num(usual), 1e-6)
    return np.minimum(1.0, bound[:, None] / np.maximum(np.abs(errors), 1e-12))
