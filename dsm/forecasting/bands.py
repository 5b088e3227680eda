"""Pure: how far a forecast may be off, from its own errors on days it had not seen."""

from __future__ import annotations

import numpy as np

from dsm.forecasting.forecaster import HIGH, LOW
from dsm.forecasting.history import Matrix

_HOURS_AROUND = 1.0


def error_quantiles(errors: Matrix) -> tuple[Matrix, Matrix]:
    """
    (slots,) of the lower and the upper quantile of errors (days, slots), NaN where there is none.

    Each slot's errors are taken with those of an hour on either side. Quantiles are those of split conformal
    prediction: of n errors the one at rank (n + 1) q, so that few days give a wider band, not a bolder one.
    """
    slots = errors.shape[1]
    reach = max(round(slots / 24 * _HOURS_AROUND), 1)
    low, high = np.zeros(slots), np.zeros(slots)
    for slot in range(slots):
        near = errors[:, max(slot - reach, 0) : slot + reach + 1]
        days = int(np.isfinite(near).any(axis=1).sum())
        found = np.sort(near[np.isfinite(near)])
        if not len(found):
            continue
        # Errors of one day are alike: it is days that count.
        low[slot] = np.quantile(found, max(LOW - (1 - LOW) / max(days, 1), 0.0))
        high[slot] = np.quantile(found, min(HIGH + HIGH / max(days, 1), 1.0))
    return low, high
