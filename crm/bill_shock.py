"""
Pure: which bills come as a shock.

A bill is held against the same month of the year before, where both are of as many months; without one against the mean
of the three bills before. It is a shock when it is above by a share and by an amount.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

YEAR_AGO, MEAN = 1, 2
LEAST_BILLS = 3
"""of fewer than three bills no mean is taken"""


@dataclass(frozen=True)
class Shocks:
    """One row a bill: whether it is a shock, against what (YEAR_AGO, MEAN, 0 for nothing), and that amount in fen."""

    is_shock: NDArray[np.bool_]
    against: NDArray[np.int64]
    base_fen: NDArray[np.int64]


def find_shocks(
    *,
    total_fen: NDArray[np.int64],
    months: NDArray[np.int64],
    year_ago_fen: NDArray[np.int64],
    year_ago_months: NDArray[np.int64],
    mean_fen: NDArray[np.int64],
    mean_bills: NDArray[np.int64],
    rise_permille: int,
    rise_fen: int,
) -> Shocks:
    """Which bills rise by at least so many thousandths and so many fen; amounts of -1 are not known."""
    has_year = (year_ago_fen >= 0) & (year_ago_months == months)
    has_mean = (mean_fen >= 0) & (mean_bills >= LEAST_BILLS)
    against = np.where(has_year, YEAR_AGO, np.where(has_mean, MEAN, 0)).astype(np.int64)
    base = np.where(has_year, year_ago_fen, np.where(has_mean, mean_fen, 0)).astype(np.int64)
    more = total_fen - base
    is_shock = (against > 0) & (more >= rise_fen) & (more * 1000 >= base * rise_permille)
    return Shocks(is_shock, against, base)
