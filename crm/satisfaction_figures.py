"""
Pure: what ratings say of a unit, honestly where they are few.

A mean of few ratings is drawn towards the mean of the unit above it, as if that had given the ratings that are missing
up to `min_n`; from `min_n` ratings on it stands for itself. Who gave no rating is counted nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean in 0.01 of a point; `is_shrunk` where it was drawn to the unit above. None: nobody rated."""

    score_e2: int | None
    is_shrunk: bool


def shrunk_mean(*, ratings: int, points: int, above_ratings: int, above_points: int, min_n: int) -> Mean:
    """
    The mean of so many ratings with so many points together, beside those of the unit above (its own included).

    Half-up to 0.01.
    """
    if ratings <= 0:
        return Mean(None, is_shrunk=False)
    if ratings >= min_n or above_ratings <= 0:
        return Mean(_half_up(points * 100, ratings), is_shrunk=False)
    missing = min_n - ratings
    # (points + missing * above_points / above_ratings) / min_n, in whole numbers
    return Mean(
        _half_up((points * above_ratings + missing * above_points) * 100, min_n * above_ratings), is_shrunk=True
    )


def _half_up(part: int, whole: int) -> int:
    return (2 * part + whole) // (2 * whole)
