"""Pure: one and the same value, quarter-hour after quarter-hour: what was collected is a repetition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import CurveCheck, Found, Parameter, Source
from cis.validation.runs import whole_runs

if TYPE_CHECKING:
    from cis.validation.curves import CurveBlock
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK", "FLAT_LINE"]

FLAT_LINE = Doubt(1 << 17)


def _find(block: CurveBlock, thresholds: Thresholds) -> Found:
    """
    So many equal values above the floor in a row. Loads of a few last digits repeat by themselves; zero is another
    check. Also where the day's sum is right: what ran in which period is not.
    """
    energy, repeats = block.energy_slots, max(thresholds.flat_slots - 1, 1)
    same = np.zeros(energy.shape, np.bool_)
    np.equal(energy[:, 1:], energy[:, :-1], out=same[:, 1:])
    floor = np.maximum(block.digit_wh * thresholds.flat_digits, thresholds.flat_floor_wh)
    found = np.zeros(len(energy), np.bool_)
    candidates = np.flatnonzero(same.sum(axis=1) >= repeats)
    if len(candidates):
        present = block.present_slots[candidates]
        likely = same[candidates] & present & (energy[candidates] > floor[candidates, None])
        likely[:, 1:] &= present[:, :-1]
        runs = whole_runs(likely, repeats)
        found[candidates] = runs.any(axis=1)
        block.doubtful_slots[candidates] |= runs
    yield FLAT_LINE, found


CHECK = CurveCheck(
    name="flat-line",
    looks_at_zh="平直线",
    looks_at_en="the same value again and again",
    doubts={
        FLAT_LINE: DoubtText(
            "flat-line",
            "曲线平直",
            "Flat line",
            "数值长时间不变，可能是终端重复上报；请补采，无法补采的按相似日补齐并注明。",
            "The value does not move: the terminal may repeat itself. Collect again, or fill by a similar day.",
        )
    },
    parameters=(
        Parameter(
            "flat_slots",
            12,
            3,
            96,
            "连续相同的点数（12 点为 3 小时）",
            "Equal quarter-hours in a row: 12 = 3 h",
            Source.OURS,
        ),
        Parameter(
            "flat_digits",
            5,
            0,
            1000,
            "只看高于末位数倍的点",
            "Only quarter-hours above this many last digits of the register are looked at",
            Source.OURS,
        ),
        Parameter(
            "flat_floor_wh",
            100,
            0,
            10**9,
            "只看高于此 Wh 的点",
            "Only quarter-hours above this are looked at (Wh)",
            Source.OURS,
        ),
    ),
    find=_find,
)
