"""Pure: what every forecaster offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dsm.forecasting.history import Known, Matrix

LOW, HIGH = 0.1, 0.9
"""the band leaves a tenth below and a tenth above"""


@dataclass(frozen=True)
class DayBand:
    """The slots of a day in the unit of the history: the middle, and the band from p10 to p90 around it."""

    p10: NDArray[np.float64]
    p50: NDArray[np.float64]
    p90: NDArray[np.float64]


class Model(Protocol):
    """A fitted forecaster."""

    @property
    def trained_on(self) -> tuple[int, ...]:
        """The rows of the history that it learned from, ascending."""

    def predict(self, known: Known) -> DayBand:
        """The target day of `known`, which may be a later one than the model was fitted for."""


class Forecaster(Protocol):
    """A way to forecast; `version` changes whenever the same history may give another forecast."""

    @property
    def version(self) -> str:
        """Such as "1"."""

    def fit(self, known: Known) -> Model:
        """
        Learn from all that is known.

        :raises NotEnoughHistory: too few days are
        """


def banded(middle: Matrix, low: Matrix, high: Matrix) -> DayBand:
    """A band from a middle in logarithms and the quantiles of its errors; never crossed, never below nought."""
    return DayBand(
        p10=np.exp(middle + np.minimum(low, 0.0)), p50=np.exp(middle), p90=np.exp(middle + np.maximum(high, 0.0))
    )
