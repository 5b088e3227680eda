"""Pure: a point's energy over weeks, beside its own past and beside its neighbours: drops that last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis.validation.checks import add_found
from cis.validation.registry import LEVEL_CHECKS
from cis.validation.thresholds import Thresholds

__all__ = ["LEVEL_DAYS", "LevelBlock", "LevelColumns", "check_levels", "level_facts"]

WEEK = 7
BASE_WEEKS = 4
LEVEL_DAYS = WEEK * (BASE_WEEKS + 2)
"""days that the checks look back: two weeks that are judged, four before them that they are judged by"""
MIN_NEIGHBOURS = 5
LASTING_PERMILLE = 900


@dataclass(frozen=True, slots=True)
class LevelColumns:
    """
    One row per metering point.

    :raises ValueError: shapes do not match
    """

    daily_wh: NDArray[np.int64]
    """(n, LEVEL_DAYS) energy of each day, oldest first; -1 = unknown"""
    neighbours: NDArray[np.int64]
    """(n,) which points are alike: same transformer district, same kind of customer"""
    wider: NDArray[np.int64]
    """(n,) the same in the whole unit, for districts with fewer than `MIN_NEIGHBOURS` of a kind"""
    multiplier: NDArray[np.int64]
    """(n,) combined ratio; above 1 the energy comes through current transformers, phase by phase"""

    def __post_init__(self) -> None:
        n = len(self.daily_wh)
        if self.daily_wh.shape != (n, LEVEL_DAYS):
            raise ValueError(f"daily_wh must be (n, {LEVEL_DAYS})")
        if not self.neighbours.shape == self.wider.shape == self.multiplier.shape == (n,):
            raise ValueError("neighbours, wider and multiplier must be (n,)")


@dataclass(frozen=True, slots=True)
class LevelBlock:
    """Energies of whole weeks and their ratios, (n,); a ratio of 1000 means as always."""

    columns: LevelColumns
    base_wh_per_day: NDArray[np.int64]
    """median day of the four weeks before, by the mean of each week; -1 where too little is known"""
    older_permille: NDArray[np.int64]
    """the older of the two weeks judged against the base, neighbours' change taken out; -1 = unknown"""
    newer_permille: NDArray[np.int64]
    """the newer of the two"""
    steadiness_permille: NDArray[np.int64]
    """the farthest that a week of the base lies from it, neighbours' change taken out: how it swings by itself"""
    days_down: NDArray[np.int64]
    """how many of the fourteen days lie clearly below the same weekday before"""


def check_levels(columns: LevelColumns, thresholds: Thresholds) -> NDArray[np.uint32]:
    """Return the doubts of every point, (n,) bit masks; never raises on the content of a row."""
    flags = np.zeros(len(columns.daily_wh), np.uint32)
    block = _block(columns)
    for one in LEVEL_CHECKS:
        add_found(flags, one.find(block, thresholds))
    return flags


def level_facts(columns: LevelColumns) -> dict[str, NDArray[np.int64]]:
    """What the checks see of each point, for whoever has to decide: its usual day and its two last weeks, (n,)."""
    block = _block(columns)
    return {
        "base_wh_per_day": block.base_wh_per_day,
        "older_permille": block.older_permille,
        "newer_permille": block.newer_permille,
    }


def _block(columns: LevelColumns) -> LevelBlock:
    weeks = columns.daily_wh.reshape(len(columns.daily_wh), BASE_WEEKS + 2, WEEK)
    known = weeks >= 0
    days = known.sum(axis=2)
    # A week counts with all its days but two: weekends and workdays differ too much for less.
    usable = days >= WEEK - 2
    mean = np.where(usable, np.where(known, weeks, 0).sum(axis=2) // np.maximum(days, 1), -1)
    past, past_known = mean[:, :BASE_WEEKS], usable[:, :BASE_WEEKS]
    enough = past_known.sum(axis=1) >= BASE_WEEKS - 1
    ordered = np.sort(np.where(past_known, past, np.iinfo(np.int64).max), axis=1)
    count = np.maximum(past_known.sum(axis=1), 1)
    row = np.arange(len(ordered))
    low, high = ordered[row, (count - 1) // 2], ordered[row, count // 2]
    base = np.where(enough, np.where(enough, low, 0) // 2 + np.where(enough, high, 0) // 2, -1)
    ratio = np.where(usable & (base > 0)[:, None], mean * 1000 // np.maximum(base, 1)[:, None], -1)
    change = np.stack([_change_of_neighbours(ratio[:, week], columns) for week in range(BASE_WEEKS + 2)], axis=1)
    ratio = np.where(ratio >= 0, ratio * 1000 // change, -1)
    swing = np.where(ratio[:, :BASE_WEEKS] >= 0, np.abs(ratio[:, :BASE_WEEKS] - 1000), 0).max(axis=1)
    # Each day of the two weeks against the same weekday before: a holiday leaves some days as they were.
    weekday = np.sort(np.where(known, weeks, 0)[:, :BASE_WEEKS], axis=1)[:, BASE_WEEKS // 2][:, None, :]
    judged, expected = weeks[:, BASE_WEEKS:], weekday * change[:, BASE_WEEKS:, None]
    down = known[:, BASE_WEEKS:] & (judged * 1_000_000 < expected * LASTING_PERMILLE)
    days_down = down.reshape(len(down), -1).sum(axis=1)
    return LevelBlock(columns, base, ratio[:, BASE_WEEKS], ratio[:, BASE_WEEKS + 1], swing, days_down)


def _change_of_neighbours(ratio: NDArray[np.int64], columns: LevelColumns) -> NDArray[np.int64]:
    """Return what all neighbours did (a holiday, a cold week): their median ratio, 1000 where there are too few."""
    known = np.flatnonzero(ratio >= 0)
    median = np.full(len(ratio), 1000, np.int64)
    for group in (columns.wider, columns.neighbours):
        order = known[np.lexsort((ratio[known], group[known]))]
        _groups, starts, sizes = np.unique(group[order], return_index=True, return_counts=True)
        middle = np.repeat(ratio[order][starts + sizes // 2], sizes) if len(order) else ratio[order]
        enough = np.repeat(sizes >= MIN_NEIGHBOURS, sizes)
        median[order[enough]] = np.maximum(middle[enough], 1)
    return median
