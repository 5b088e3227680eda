"""Pure: the curve's sum against the freeze difference of the register. Source: billing-rules.md 3.6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import CurveCheck, Found, Parameter, Source

if TYPE_CHECKING:
    from cis.validation.curves import CurveBlock
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK"]


def _find(block: CurveBlock, _thresholds: Thresholds) -> Found:
    """
    A whole curve that differs by more than 1 % and more than what both are rounded by.

    With gaps, only a sum **above** the freeze difference by that much: a gap explains the rest. Freeze differences
    below 0 are unknown.
    """
    difference = block.total_wh - block.freeze_wh
    allowed = block.freeze_allowed_wh
    disagree = (difference > allowed) | ((-difference > allowed) & (block.missing == 0))
    yield Doubt.CURVE_FREEZE_DISAGREE, (block.freeze_wh >= 0) & disagree


CHECK = CurveCheck(
    name="freeze",
    looks_at_zh="曲线与冻结差",
    looks_at_en="the curve's sum against the freeze difference",
    doubts={
        Doubt.CURVE_FREEZE_DISAGREE: DoubtText(
            "curve-freeze-disagree",
            "曲线电量与冻结差不符",
            "Curve and daily freeze disagree",
            "重新采集曲线和日冻结；结算以实际冻结示数为准。",
            "Collect curve and freeze again. Billing follows the actual freeze.",
        ),
    },
    parameters=(
        Parameter(
            "curve_tolerance_permille",
            10,
            0,
            1000,
            "曲线之和与冻结差允许相差的千分数",
            "How far curve and freeze may differ, in thousandths",
            Source.CONVENTION,
        ),
        Parameter(
            "curve_floor_wh",
            100,
            0,
            1000000000,
            "曲线之和与冻结差总可相差的 Wh",
            "How far they may always differ, in Wh: both are rounded",
            Source.OURS,
        ),
    ),
    find=_find,
)
