"""Pure: an export register that moves at a customer who never fed anything in: the meter is wired in reverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Found, Parameter, RegisterCheck, Source

if TYPE_CHECKING:
    from cis.validation.segments import Segment
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK", "REVERSED"]

REVERSED = Doubt(1 << 21)


def _find(segment: Segment, thresholds: Thresholds) -> Found:
    unexpected = segment.columns.unexpected_export
    if unexpected is not None:
        yield REVERSED, unexpected & (segment.energy_e2 >= thresholds.reversed_floor_kwh * 100)


CHECK = RegisterCheck(
    name="reversed-wiring",
    looks_at_zh="反向电量（接线反向）",
    looks_at_en="energy in reverse",
    doubts={
        REVERSED: DoubtText(
            "reversed",
            "疑似接线反向",
            "Meter seems to be wired in reverse",
            "该户没有上网电量的历史，反向示数却在走；请核对是否新装光伏，否则现场检查接线。",
            "The account never fed in, yet the export register moves. New panels? Otherwise inspect the wiring.",
        )
    },
    parameters=(
        Parameter(
            "reversed_floor_kwh",
            1,
            1,
            10**9,
            "反向电量不低于此值（kWh）才存疑",
            "Doubted from this much energy in reverse on (kWh)",
            Source.OURS,
        ),
    ),
    find=_find,
)
