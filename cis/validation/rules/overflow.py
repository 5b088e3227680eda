"""Pure: energy that whole numbers of 64 bits cannot hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Found, RegisterCheck

if TYPE_CHECKING:
    from cis.validation.segments import Segment
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK"]


def _find(segment: Segment, _thresholds: Thresholds) -> Found:
    yield Doubt.OVERFLOW, segment.overflow


CHECK = RegisterCheck(
    name="overflow",
    looks_at_zh="可计算范围",
    looks_at_en="what can be computed",
    doubts={
        Doubt.OVERFLOW: DoubtText(
            "overflow",
            "电量超出可计算范围",
            "Energy too large to compute",
            "核对倍率、表位数和示数，改正后重新校验。",
            "Check ratio, digits and value, correct the wrong one and validate again.",
        ),
    },
    find=_find,
)
