"""Pure: no energy where some was always used: an empty home, or a meter that stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Found, Parameter, RegisterCheck, Source

if TYPE_CHECKING:
    from cis.validation.segments import Segment
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK"]


def _find(segment: Segment, thresholds: Thresholds) -> Found:
    """Stands instead of a sudden fall, and means whole kWh: 0.4 kWh is zero on a bill."""
    used_to_use = segment.columns.expected_kwh_e2_per_day > thresholds.zero_floor_kwh_e2_per_day
    yield Doubt.ZERO, segment.may_compare & (segment.energy_e2 == 0) & used_to_use


CHECK = RegisterCheck(
    name="zero",
    looks_at_zh="零电量",
    looks_at_en="no energy used",
    doubts={
        Doubt.ZERO: DoubtText(
            "zero",
            "零电量",
            "No energy used",
            "该户以往有用电；请核实是否空置、停用、表计故障或窃电。",
            "The account normally uses energy. Is it empty, suspended, its meter dead, or tampered with? Find out.",
        ),
    },
    parameters=(
        Parameter(
            "zero_floor_kwh_e2_per_day",
            100,
            0,
            1000000000,
            "预期日电量超过此值（0.01 kWh）时零电量存疑",
            "Zero is doubted where more than this was expected a day (0.01 kWh)",
            Source.OURS,
        ),
    ),
    find=_find,
)
