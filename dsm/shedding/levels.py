"""Pure: the four warning levels of a shortage (Ⅰ 特别严重 to Ⅳ 一般)."""

from __future__ import annotations

from collections.abc import Sequence

LEVELS = ("I", "II", "III", "IV")


def level_of(
    gap_kw: int, *, max_demand_kw: int, bounds_pct: Sequence[int], at_bound: Sequence[str] = ("I", "II", "III")
) -> str | None:
    """
    The level of a gap as a share of the current maximum demand; None where there is no gap.

    `bounds_pct` are the bounds between the levels, falling (20, 10, 5); `at_bound` says to which level a share of
    exactly that bound belongs, for published plans differ (20%及以上 against 5%及以下). Computed in whole numbers, so
    that exactly 20 % is exactly 20 %.

    :raises ValueError: no demand
    """
    if max_demand_kw <= 0:
        raise ValueError("a level is a share of a demand")
    if gap_kw <= 0:
        return None
    for bound, level, here in zip(bounds_pct, LEVELS, at_bound, strict=False):
        share, limit = gap_kw * 100, bound * max_demand_kw
        if share > limit or (share == limit and here == level):
            return level
    return LEVELS[-1]
