"""Pure: runs of equal things in the rows of a table."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["longest_run", "run_lengths", "whole_runs"]


def run_lengths(where: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return at each True how many Trues in a row end there, (m, k); 0 at False."""
    position = np.arange(1, where.shape[1] + 1)
    last_false = np.maximum.accumulate(np.where(where, 0, position), axis=1)
    return np.asarray(position - last_false, dtype=np.int64)


def longest_run(where: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the longest run of True in each row, (m, k) to (m,)."""
    return np.asarray(run_lengths(where).max(axis=1, initial=0), dtype=np.int64)


def whole_runs(where: NDArray[np.bool_], at_least: int) -> NDArray[np.bool_]:
    """Return where a run of at least so many Trues covers the place, (m, k)."""
    before, after = run_lengths(where), run_lengths(where[:, ::-1])[:, ::-1]
    return np.asarray(where & (before + after - 1 >= at_least))
