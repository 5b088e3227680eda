"""Pure: the rate registers of a meter against its total. Source: billing-rules.md 3.6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import GroupCheck, Parameter, Source

if TYPE_CHECKING:
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK", "check_rate_sum"]


def check_rate_sum(
    group: NDArray[np.int64],
    is_total: NDArray[np.bool_],
    advance_e4: NDArray[np.int64],
    thresholds: Thresholds,
) -> NDArray[np.uint32]:
    """
    Return REGISTERS_DISAGREE on every row of a group whose rate registers do not add up to its total register.

    Rows (n,) are the active import registers of one meter and period, with the rows of a group next to each other
    (`group` not decreasing). `is_total` marks the total register, the others are its rates. `advance_e4` is
    `Checked.advance_e4`, so that roll-overs are settled. A group with no total or with no rate is not judged.

    Each register is cut to its last digit at both ends, so k rates and a total may differ by less than
    (k + 1) x resolution; that much is allowed. Source: billing-rules.md 3.6, |sum of rates - total| <= rounding.

    :raises ValueError: the columns differ in length, groups are not in order, or a group has two totals
    """
    if not len(group) == len(is_total) == len(advance_e4):
        raise ValueError("columns differ in length")
    flags = np.zeros(len(group), np.uint32)
    if not len(group):
        return flags
    steps = np.diff(group)
    if (steps < 0).any():
        raise ValueError("rows must be sorted by group")
    starts = np.concatenate([[0], np.flatnonzero(steps) + 1])
    sizes = np.diff(np.append(starts, len(group)))
    totals = np.add.reduceat(is_total.astype(np.int64), starts)
    if (totals > 1).any():
        raise ValueError("a group has more than one total register")
    rates = sizes - totals
    difference = np.abs(np.add.reduceat(np.where(is_total, -advance_e4, advance_e4), starts))
    allowed = (rates + 1) * thresholds.register_resolution_e4
    disagree = (totals == 1) & (rates > 0) & (difference > allowed)
    flags[np.repeat(disagree, sizes)] = Doubt.REGISTERS_DISAGREE
    return flags


CHECK = GroupCheck(
    name="rate-sum",
    looks_at_zh="分时之和与总",
    looks_at_en="the sum of the rates against the total",
    doubts={
        Doubt.REGISTERS_DISAGREE: DoubtText(
            "registers-disagree",
            "分时之和与总不符",
            "Rates do not add up to the total",
            "核对各费率示数；确认总示数正确后可由总减尖、峰、谷推出平。",
            "Check each rate register. Once the total is confirmed, flat may be derived from it.",
        )
    },
    parameters=(
        Parameter(
            "register_resolution_e4",
            100,
            1,
            10**6,
            "示数末位（0.0001 示数单位），定各示数间允许的舍入",
            "Last digit a meter shows, 1e-4 of a unit; sets the rounding allowed between registers",
            Source.OURS,
        ),
    ),
    find=check_rate_sum,
)
