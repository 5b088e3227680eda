"""Pure: a quarter-hour far above anything the point did on the days before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import CurveCheck, Found, Parameter, Source

if TYPE_CHECKING:
    from cis.validation.curves import CurveBlock
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK", "SPIKE"]

SPIKE = Doubt(1 << 16)


def _find(block: CurveBlock, thresholds: Thresholds) -> Found:
    """
    Above so many times the highest quarter-hour of the days before, and above a share of what the capacity allows.

    Not where the whole day adds up to the freeze difference: then the energy was used. Nor where many quarter-hours
    are that high, as when a works opens again: that is another use. Unknown until enough days were seen.
    """
    floor = np.where(block.has_capacity, block.limit_wh // 1000 * thresholds.spike_capacity_permille, 0)
    floor = np.maximum(floor, thresholds.spike_floor_wh)
    above = np.maximum(block.usual.peak_wh * thresholds.spike_times, floor)
    known = (block.usual.days >= thresholds.spike_days) & ~block.agrees_with_freeze
    spikes = known[:, None] & (block.energy_slots > above[:, None])
    spikes &= (spikes.sum(axis=1) <= thresholds.spike_most_slots)[:, None]
    block.doubtful_slots |= spikes
    yield SPIKE, np.asarray(spikes.any(axis=1))


CHECK = CurveCheck(
    name="spike",
    looks_at_zh="尖刺",
    looks_at_en="a quarter-hour far above the days before",
    doubts={
        SPIKE: DoubtText(
            "spike",
            "曲线尖刺",
            "Spike in the curve",
            "核对该点是否采集错误；确属错误的按相邻点或相似日修正并注明。",
            "Find out whether the point was collected wrongly. If so, edit it by its neighbours or a similar day.",
        )
    },
    parameters=(
        Parameter(
            "spike_times",
            4,
            2,
            1000,
            "超过前几日最高点的倍数",
            "Times the highest quarter-hour of the days before",
            Source.OURS,
        ),
        Parameter(
            "spike_days",
            5,
            1,
            7,
            "前七天中至少已知的天数",
            "Days that must be known of the seven before",
            Source.OURS,
        ),
        Parameter(
            "spike_most_slots",
            8,
            1,
            96,
            "至多这么多点才算尖刺，更多的是用电变化",
            "At most so many quarter-hours; more are another use",
            Source.OURS,
        ),
        Parameter(
            "spike_capacity_permille",
            500,
            0,
            1000,
            "且超过容量可能值的千分数",
            "and more than this share of what the capacity allows (thousandths)",
            Source.OURS,
        ),
        Parameter("spike_floor_wh", 1000, 0, 10**9, "且不低于此 Wh", "and at least this (Wh)", Source.OURS),
    ),
    find=_find,
)
