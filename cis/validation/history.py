"""Pure: what an account normally uses a day, from its own past."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNKNOWN", "daily_energy_e2", "expect_daily_energy"]

Int64Column = NDArray[np.int64]

UNKNOWN = -1
RECENT_PERIODS = 3
INT64_MAX = int(np.iinfo(np.int64).max)


def daily_energy_e2(energy_kwh_e2: Int64Column, days: Int64Column) -> Int64Column:
    """
    Return energy per day in 0.01 kWh, rounded half-up; any shape, -1 where days or energy make it unknown.

    `energy_kwh_e2` of accepted (not estimated, not doubtful) periods, -1 = no such period; `days` of the same shape.
    """
    known = (days > 0) & (energy_kwh_e2 >= 0)
    divisor = np.where(known, days, 1)
    whole, rest = np.divmod(np.where(known, energy_kwh_e2, 0), divisor)
    return np.where(known, whole + (rest >= divisor - rest), UNKNOWN)


def expect_daily_energy(recent_e2_per_day: Int64Column, last_year_e2_per_day: Int64Column | None = None) -> Int64Column:
    """
    Return what each account is expected to use a day, (n,) in 0.01 kWh, -1 when nothing is known.

    The median of the last three known periods and the same month of last year, as far as they exist; the mean of the
    middle two, rounded half-up, when their number is even. The same month of last year brings the season in, the
    median keeps one odd period from moving the result.

    `recent_e2_per_day` (n, k): energy per day of the accepted periods, **newest first**, -1 = unknown (a period that
    was estimated or doubtful is unknown; older ones then take its place). `last_year_e2_per_day` (n,), -1 = unknown.
    Source: "compare with same weekday/last year", billing-rules.md 3.6.

    :raises ValueError: shapes do not match
    """
    if recent_e2_per_day.ndim != 2:
        raise ValueError("recent periods must be (n, k)")
    rows = len(recent_e2_per_day)
    if last_year_e2_per_day is not None and last_year_e2_per_day.shape != (rows,):
        raise ValueError("last year must be (n,)")

    known = recent_e2_per_day >= 0
    taken = known & (np.cumsum(known, axis=1) <= RECENT_PERIODS)
    rank = np.where(taken, np.cumsum(taken, axis=1) - 1, RECENT_PERIODS + 1)
    values = np.full((rows, RECENT_PERIODS + 2), INT64_MAX, dtype=np.int64)
    np.put_along_axis(values, rank, np.where(taken, recent_e2_per_day, INT64_MAX), axis=1)
    if last_year_e2_per_day is not None:
        values[:, RECENT_PERIODS] = np.where(last_year_e2_per_day >= 0, last_year_e2_per_day, INT64_MAX)
    values = np.sort(values[:, : RECENT_PERIODS + 1], axis=1)

    count = (values != INT64_MAX).sum(axis=1)
    row = np.arange(rows)
    low = values[row, np.maximum(count - 1, 0) // 2]
    high = values[row, count // 2]
    even = (count % 2 == 0) & (count > 0)
    median = np.where(even, low + (np.where(even, high, low) - low + 1) // 2, low)
    return np.where(count > 0, median, UNKNOWN)
