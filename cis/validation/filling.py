"""
Pure: what to put where quarter-hours are missing or wrong: nothing of the day's energy is lost or made.

Source: billing-rules.md 3.6. Up to two hours linear on registers, longer by a similar day scaled to the freeze
difference, a whole missing day on the straight line between the freezes around it, in the shape of a similar day.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cis.validation.runs import longest_run

__all__ = ["FILL_CODES", "CannotFill", "FillMethod", "Filled", "Quality", "fill_day", "share_out"]

SLOTS = 96
Slots = NDArray[np.int64]


class Quality(IntEnum):
    """What a quarter-hour is. Codes are stored with curves: never renumber."""

    MISSING = 0
    ACTUAL = 1
    ESTIMATED = 2
    EDITED = 3


class FillMethod(IntEnum):
    """How quarter-hours were filled. Codes are stored with curves: never renumber, only add."""

    LINEAR = 1
    SIMILAR_DAY = 2
    KIND_PROFILE = 3


FILL_CODES: dict[FillMethod, str] = {
    FillMethod.LINEAR: "linear",
    FillMethod.SIMILAR_DAY: "similar-day",
    FillMethod.KIND_PROFILE: "kind-profile",
}
"""Stable code text of each method."""


class CannotFill(ValueError):
    """Too little is known, or what is known contradicts itself; `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Filled:
    """A whole day: 96 values in Wh, the quality of each, and how it came about."""

    energy_wh: Slots
    quality: Slots
    method: FillMethod


def share_out(total: int, weights: Slots) -> Slots:
    """
    Share a whole number out by weights, (k,): the parts are whole and add up to it exactly.

    Each part is what the running total rounds to, so no slot is off by more than one. Equal shares without weights.

    :raises ValueError: the total is negative, a weight is negative, or there is nothing to share out to
    """
    if total < 0 or not len(weights) or (weights < 0).any():
        raise ValueError("a share needs a total from 0 up, and weights from 0 up")
    exact = [int(weight) for weight in weights]
    if not sum(exact):
        exact = [1] * len(exact)
    whole, running, parts, given = sum(exact), 0, [], 0
    for weight in exact:
        running += weight
        upto = (total * running * 2 + whole) // (whole * 2)
        parts.append(upto - given)
        given = upto
    return np.array(parts, dtype=np.int64)


def fill_day(
    energy_wh: Slots,
    wanted: NDArray[np.bool_],
    quality: Slots,
    *,
    freeze_wh: int = -1,
    similar_wh: Slots | None = None,
    kind_wh: Slots | None = None,
    linear_slots: int = 8,
    method: FillMethod | None = None,
) -> Filled:
    """
    Fill the slots of a day that are `wanted`, (96,); the others stay as they are, to the Wh.

    `freeze_wh` is what the register advanced that day, or its share of the straight line between the freezes around
    it; -1 = unknown. With it the whole day adds up to it exactly. Without it a short gap lies on the line between its
    neighbours and a long one follows the similar day at the level of the slots that are there.

    `similar_wh` is the account's own similar day, `kind_wh` the usual day of customers like it, both (96,) with -1
    where unknown. `method` names one; otherwise a gap of up to `linear_slots` is linear and a longer one follows the
    similar day, or the kind's where the account has no history.

    :raises CannotFill: `nothing-wanted`; `freeze-below-curve`: the register advanced less than the slots that stay;
        `no-profile`: no similar day is known; `no-level`: neither a freeze nor slots to scale a profile by
    """
    if not wanted.any():
        raise CannotFill("nothing-wanted")
    kept = ~wanted & (energy_wh >= 0)
    if freeze_wh >= 0 and (~wanted & ~kept).any():
        # A freeze is for the whole day; with slots left empty it says nothing about the ones to be filled.
        freeze_wh = -1
    rest = freeze_wh - int(energy_wh[kept].sum()) if freeze_wh >= 0 else -1
    if freeze_wh >= 0 and rest < 0:
        raise CannotFill("freeze-below-curve")
    is_short = int(longest_run(wanted[None, :])[0]) <= linear_slots
    chosen = method or _choose(wanted, is_short=is_short, similar_wh=similar_wh, kind_wh=kind_wh)
    if chosen is FillMethod.LINEAR:
        values = _linear(energy_wh, wanted, kept, rest)
    else:
        profile = similar_wh if chosen is FillMethod.SIMILAR_DAY else kind_wh
        values = _by_profile(energy_wh, wanted, kept, rest, profile)
    filled, marked = energy_wh.copy(), quality.copy()
    filled[wanted] = values
    marked[wanted] = int(Quality.ESTIMATED)
    return Filled(filled, marked, chosen)


def _choose(
    wanted: NDArray[np.bool_], *, is_short: bool, similar_wh: Slots | None, kind_wh: Slots | None
) -> FillMethod:
    if is_short:
        return FillMethod.LINEAR
    if similar_wh is not None and (similar_wh[wanted] >= 0).all():
        return FillMethod.SIMILAR_DAY
    if kind_wh is not None and (kind_wh[wanted] >= 0).all():
        return FillMethod.KIND_PROFILE
    raise CannotFill("no-profile")


def _linear(energy_wh: Slots, wanted: NDArray[np.bool_], kept: NDArray[np.bool_], rest: int) -> Slots:
    """A register on a straight line advances evenly; without a freeze the line runs from neighbour to neighbour."""
    places = np.flatnonzero(wanted)
    if rest >= 0:
        return share_out(rest, np.ones(len(places), np.int64))
    known = np.flatnonzero(kept)
    if not len(known):
        raise CannotFill("no-level")
    after = np.searchsorted(known, places)
    left, right = known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]
    left, right = np.where(after == 0, right, left), np.where(after == len(known), left, right)
    span = np.maximum(right - left, 1)
    rise = (energy_wh[right] - energy_wh[left]) * np.clip(places - left, 0, None)
    return np.asarray(energy_wh[left] + (2 * rise + span) // (2 * span))


def _by_profile(
    energy_wh: Slots, wanted: NDArray[np.bool_], kept: NDArray[np.bool_], rest: int, profile: Slots | None
) -> Slots:
    """In the shape of another day: to the freeze difference where it is known, else at the level of what is there."""
    if profile is None or (profile[wanted] < 0).any():
        raise CannotFill("no-profile")
    if rest >= 0:
        return share_out(rest, profile[wanted])
    both = kept & (profile >= 0)
    of_profile, of_day = int(profile[both].sum()), int(energy_wh[both].sum())
    if of_profile <= 0:
        raise CannotFill("no-level")
    whole = int(profile[wanted].sum())
    return share_out((whole * of_day * 2 + of_profile) // (of_profile * 2), profile[wanted])
