"""Pure: pairs of bills in columns to the cause of their difference; exact integers, no loop over bills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis.parallel_run.causes import Cause

__all__ = ["GROUPS", "NOT_STATED", "Side", "classify", "group_differences"]

GROUPS = ("energy", "basic", "power_factor", "fund", "rest")
"""What the lines of a bill are added up to; the rest is the total less the others."""

ENERGY, BASIC, POWER_FACTOR, FUND, REST = range(5)

NOT_STATED = np.iinfo(np.int64).min
"""A group or tier that the other system does not state."""


@dataclass(frozen=True)
class Side:
    """One system's bills, (n,) each; days as whole numbers; where `has` is false the other columns mean nothing."""

    has: NDArray[np.bool_]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    energy_kwh_e2: NDArray[np.int64]
    total_fen: NDArray[np.int64]
    group_fen: NDArray[np.int64]
    """(n, len(GROUPS))"""
    tier_kwh_e2: NDArray[np.int64]
    """(n, 2) what was billed in the second and the third tier"""
    is_tiered: NDArray[np.bool_]
    """whether the bill has tiers; of ours only"""
    lines: NDArray[np.int64]
    """(n, len(GROUPS)) how many lines each group has; of ours only"""


def group_differences(ours: Side, theirs: Side) -> NDArray[np.int64]:
    """(n, len(GROUPS)) ours less theirs in fen; 0 where the other system does not state the group."""
    stated = theirs.group_fen != NOT_STATED
    return np.where(stated, ours.group_fen - np.where(stated, theirs.group_fen, 0), 0)


def classify(ours: Side, theirs: Side) -> NDArray[np.int16]:
    """
    (n,) the cause of each pair's difference; the first that applies.

    What was measured comes before what was priced: other days, other energy, other tiers. Of the priced groups one
    must differ alone; the power-factor adjustment is a share of energy and basic charge, and so may follow either.
    """
    stated = theirs.group_fen != NOT_STATED
    differs = group_differences(ours, theirs)
    total = ours.total_fen - theirs.total_fen
    other_period = (ours.start != theirs.start) | (ours.end != theirs.end)
    other_energy = ours.energy_kwh_e2 != theirs.energy_kwh_e2
    tiers_stated = (theirs.tier_kwh_e2 != NOT_STATED).all(axis=1)
    other_tier = tiers_stated & (ours.tier_kwh_e2 != theirs.tier_kwh_e2).any(axis=1)

    equal = (total == 0) & (differs == 0).all(axis=1) & ~other_tier
    # Where groups are not stated the total stands for all of them.
    within = np.abs(differs) <= np.where(stated, ours.lines, 0)
    rounding = within.all(axis=1) & (np.abs(total) <= ours.lines.sum(axis=1)) & ~other_tier

    known = stated.all(axis=1)
    # One fen a line is no difference of its own beside a real one.
    real = known[:, np.newaxis] & (np.abs(differs) > ours.lines)
    moved = real[:, [ENERGY, BASIC, FUND, REST]].sum(axis=1)
    only_energy = known & real[:, ENERGY] & (moved == 1)
    tier_only = other_tier & (~known | (moved == 0) | only_energy)
    return np.select(
        (
            ~theirs.has & ours.has,
            ~ours.has & theirs.has,
            other_period,
            other_energy,
            equal,
            rounding,
            tier_only,
            # Without the tiers of a bill that has some, a price cannot be told from a place in the tiers.
            only_energy & ~other_tier & (tiers_stated | ~ours.is_tiered),
            known & real[:, BASIC] & (moved == 1) & ~other_tier,
            known & real[:, POWER_FACTOR] & (moved == 0) & ~other_tier,
            known & real[:, FUND] & (moved == 1) & ~real[:, POWER_FACTOR] & ~other_tier,
        ),
        (
            Cause.MISSING_THERE,
            Cause.MISSING_HERE,
            Cause.OTHER_PERIOD,
            Cause.OTHER_ENERGY,
            Cause.EQUAL,
            Cause.ROUNDING,
            Cause.OTHER_TIER,
            Cause.OTHER_PRICE,
            Cause.BASIC_CHARGE,
            Cause.POWER_FACTOR,
            Cause.FUNDS,
        ),
        Cause.UNKNOWN,
    ).astype(np.int16)
