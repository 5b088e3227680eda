"""Pure: energy against capacity x time x 1.2. Source: billing-rules.md 3.6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Found, Parameter, RegisterCheck, Source

if TYPE_CHECKING:
    from cis.validation.segments import Segment
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK"]


def _find(segment: Segment, _thresholds: Thresholds) -> Found:
    yield Doubt.OVER_CAPACITY, segment.has_capacity & (segment.energy_e2 > segment.capacity_e2)


CHECK = RegisterCheck(
    name="capacity",
    looks_at_zh="容量可能值",
    looks_at_en="energy against capacity and time",
    doubts={
        Doubt.OVER_CAPACITY: DoubtText(
            "over-capacity",
            "电量超过容量可能值",
            "More energy than the capacity allows",
            "核对示数、倍率、表位数和合同容量；确属超容的转用电检查。",
            "Check reading, ratio, digits and contract capacity. If it really is exceeded, pass on to inspection.",
        ),
    },
    parameters=(
        Parameter(
            "capacity_factor_permille",
            1200,
            100,
            10000,
            "电量上限为容量与时间之积的千分数",
            "Limit of energy, in thousandths of capacity x time",
            Source.CONVENTION,
        ),
    ),
    find=_find,
)
