"""Pure: quarter-hours that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import CurveCheck, Found, Parameter, Source

if TYPE_CHECKING:
    from cis.validation.curves import CurveBlock
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK"]


def _find(block: CurveBlock, _thresholds: Thresholds) -> Found:
    yield Doubt.CURVE_GAP, block.missing > 0


CHECK = CurveCheck(
    name="gap",
    looks_at_zh="缺点",
    looks_at_en="quarter-hours that are missing",
    doubts={
        Doubt.CURVE_GAP: DoubtText(
            "curve-gap",
            "曲线缺点",
            "Curve has gaps",
            "先补采；2小时以内可线性补齐，更长的按相似日曲线补齐并注明。",
            "Collect again first. Fill up to 2 hours by a straight line, longer gaps by a similar day, and mark them.",
        ),
    },
    parameters=(
        Parameter(
            "gap_linear_slots",
            8,
            0,
            96,
            "可按直线补齐的最长连续缺点数（8 点为 2 小时）",
            "Longest run of missing quarter-hours that a straight line may fill: 8 = 2 h",
            Source.CONVENTION,
        ),
    ),
    find=_find,
)
