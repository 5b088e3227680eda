"""Pure: to how many months of a tier year the annual bounds of a transferred account are pro-rated.

Source: billing-rules.md 1.1 (published for Jiangsu): up to and including the month of the transfer for who leaves. That
who takes over has the months from that of the transfer to the end of the tier year, so that a part of a month counts
as one for both, is ours: sources say nothing of it. Months are numbered through: year x 12 + month.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["TIER_YEAR_MONTHS", "month_number", "tier_months"]

TIER_YEAR_MONTHS = 12

Int = NDArray[np.int64]


def month_number(year: int, month: int) -> int:
    """Return the number of a month (1 to 12), months numbered through."""
    return year * TIER_YEAR_MONTHS + month


def tier_months(first: Int, *, taken_over: Int | None = None, handed_on: Int | None = None) -> NDArray[np.int8]:
    """Return (n,) months, 1 to 12, of tier years that begin with the month `first`.

    `taken_over`: the month in which an account was taken over, `handed_on`: the last one of an account that another
    took over; both (n,) month numbers, None where nobody was. What lies outside the tier year counts as its edge.
    """
    begins = np.zeros(len(first), dtype=np.int64)
    ends = np.full(len(first), TIER_YEAR_MONTHS - 1, dtype=np.int64)
    if taken_over is not None:
        begins = np.clip(taken_over - first, 0, TIER_YEAR_MONTHS - 1)
    if handed_on is not None:
        ends = np.clip(handed_on - first, 0, TIER_YEAR_MONTHS - 1)
    return np.asarray(np.maximum(ends - begins + 1, 1), dtype=np.int8)
