"""Pure: who pays less and who pays more, by group, and how the differences are spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "GROUPINGS", "STEPS_PERCENT", "Compared", "add_up", "figures_of", "furthest"]

Int64Column = NDArray[np.int64]
Figures = dict[str, dict[str, dict[str, int]]]
"""grouping -> group -> name of a sum -> value; counts and sums, so that shards add up"""

STEPS_PERCENT = (2, 5, 10, 20, 50)
"""Where the bars of the histogram end, in per cent of what was billed, on either side of nought."""

BINS = 2 * (len(STEPS_PERCENT) + 1) + 1
"""Bars: falls from the largest to the smallest, no change, rises from the smallest to the largest."""

GROUPINGS = ("all", "price_class", "area", "usage", "list", "change")
"""What accounts are grouped by; `list` is a list that came with the trial, `change` the bars of the histogram."""

NOT_LISTED = -1
"""The group of an account that stands in no list."""


@dataclass(frozen=True)
class Compared:
    """Accounts of a population rated twice, in columns of (n,); `group` -1 where the trial's list does not name it."""

    account: Int64Column
    price_class: NDArray[np.int16]
    area: Int64Column
    group: NDArray[np.int16]
    bills: Int64Column
    energy_kwh_e2: Int64Column
    billed_fen: Int64Column
    draft_fen: Int64Column

    def __len__(self) -> int:
        return int(self.account.shape[0])

    @property
    def difference_fen(self) -> Int64Column:
        """How much more under the draft, (n,); negative: less."""
        return self.draft_fen - self.billed_fen


def figures_of(compared: Compared, *, usage_bands_kwh: tuple[int, ...], has_list: bool) -> Figures:
    """
    Sums of every group: accounts, winners, losers, bills, energy, billed, draft, and what winners save and losers add.

    `usage_bands_kwh`: rising bounds of the energy over the whole time; a bound belongs to the band above it. Groups are
    named by their numbers: price class, unit of the organisation, band from 0, number in the list, bar from 0.
    """
    keys: dict[str, Int64Column] = {
        "all": np.zeros(len(compared), dtype=np.int64),
        "price_class": compared.price_class.astype(np.int64),
        "area": compared.area,
        "usage": np.searchsorted(
            np.array(usage_bands_kwh, dtype=np.int64) * 100, compared.energy_kwh_e2, side="right"
        ).astype(np.int64),
        "change": _bars(compared),
    }
    if has_list:
        keys["list"] = compared.group.astype(np.int64)
    difference = compared.difference_fen
    columns: dict[str, Int64Column] = {
        "accounts": np.ones(len(compared), dtype=np.int64),
        "winners": (difference < 0).astype(np.int64),
        "losers": (difference > 0).astype(np.int64),
        "bills": compared.bills,
        "energy_kwh_e2": compared.energy_kwh_e2,
        "billed_fen": compared.billed_fen,
        "draft_fen": compared.draft_fen,
        "saved_fen": np.maximum(-difference, 0),
        "added_fen": np.maximum(difference, 0),
    }
    return {name: _sums(key, columns) for name, key in keys.items()}


def _sums(key: Int64Column, columns: Mapping[str, Int64Column]) -> dict[str, dict[str, int]]:
    groups, place = np.unique(key, return_inverse=True)
    sums: dict[str, list[int]] = {}
    for name, column in columns.items():
        total = np.zeros(len(groups), dtype=np.int64)
        np.add.at(total, place, column)
        sums[name] = total.tolist()
    return {str(group): {name: sums[name][at] for name in columns} for at, group in enumerate(groups.tolist())}


def _bars(compared: Compared) -> Int64Column:
    """The bar of each account; who was billed nothing and pays something stands in the outermost."""
    difference = compared.difference_fen
    size = np.zeros(len(compared), dtype=np.int64)
    for step in STEPS_PERCENT:
        size += np.abs(difference) * 100 > step * np.abs(compared.billed_fen)
    middle = BINS // 2
    return np.where(difference < 0, middle - 1 - size, np.where(difference > 0, middle + 1 + size, middle))


def add_up(shards: Iterable[Figures]) -> Figures:
    """The figures of all shards together."""
    whole: Figures = {}
    for shard in shards:
        for grouping, groups in shard.items():
            into = whole.setdefault(grouping, {})
            for group, sums in groups.items():
                held = into.setdefault(group, dict.fromkeys(sums, 0))
                for name, value in sums.items():
                    held[name] += value
    return whole


def furthest(difference_fen: Int64Column, keep: int) -> Int64Column:
    """Rows of at most `keep` accounts that save most and as many that pay most more; who pays the same is none."""
    order = np.argsort(difference_fen, kind="stable")
    least, most = order[:keep], order[::-1][:keep]
    return np.concatenate([least[difference_fen[least] < 0], most[difference_fen[most] > 0]])
