"""Pure: single quarter-hours: none below nothing, none above what the capacity allows. Source: billing-rules.md 3.6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import CurveCheck, Found

if TYPE_CHECKING:
    from cis.validation.curves import CurveBlock
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK"]


def _find(block: CurveBlock, _thresholds: Thresholds) -> Found:
    """SLOT_OVER_CAPACITY: above capacity x 0.25 h x 1.2. NEGATIVE: below 0."""
    over, below = block.energy_slots > block.limit_wh[:, None], block.energy_slots < 0
    block.doubtful_slots |= over | below
    yield Doubt.SLOT_OVER_CAPACITY, np.asarray(over.any(axis=1))
    yield Doubt.NEGATIVE, np.asarray(below.any(axis=1))


CHECK = CurveCheck(
    name="slots",
    looks_at_zh="每个15分钟点",
    looks_at_en="each quarter-hour by itself",
    doubts={
        Doubt.SLOT_OVER_CAPACITY: DoubtText(
            "slot-over-capacity",
            "曲线点超过容量可能值",
            "A quarter-hour above what the capacity allows",
            "核对曲线单位、倍率和合同容量；异常点补采或修正并注明。",
            "Check the unit of the curve, ratio and capacity. Collect the point again or edit it, and mark it.",
        ),
    },
    find=_find,
)
