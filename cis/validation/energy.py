"""Pure: from what a register advanced to energy, in whole numbers."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["INT64_MAX", "whole_kwh_e2"]

INT64_MAX = int(np.iinfo(np.int64).max)


def whole_kwh_e2(
    advance_e4: NDArray[np.int64], multiplier: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return energy in 0.01 kWh, half-up away from zero to whole kWh, and where the product does not fit int64 (0)."""
    size = np.abs(advance_e4)
    overflow = size > (INT64_MAX - 5000) // multiplier
    product = np.where(overflow, 0, advance_e4) * multiplier
    return (product + 5000 - (product < 0)) // 10_000 * 100, overflow
