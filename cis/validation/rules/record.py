"""Pure: digits, ratio, capacity and history that make sense, and values that fit the register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Found, RegisterCheck

if TYPE_CHECKING:
    from cis.validation.segments import Segment
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK"]


def _find(segment: Segment, _thresholds: Thresholds) -> Found:
    """MASTER_DATA where the record is senseless, OUT_OF_RANGE where a value is not one the register can show."""
    yield Doubt.MASTER_DATA, segment.bad_master
    yield Doubt.OUT_OF_RANGE, segment.out_of_range & ~segment.bad_master


CHECK = RegisterCheck(
    name="record",
    looks_at_zh="档案与量程",
    looks_at_en="the meter's record and the register's range",
    doubts={
        Doubt.MASTER_DATA: DoubtText(
            "master-data",
            "表计档案有误",
            "Meter record is wrong",
            "表位数、倍率、容量或历史电量不合理；请改正档案后重新校验。",
            "Digits, ratio, capacity or history make no sense. Correct the record and validate again.",
        ),
        Doubt.OUT_OF_RANGE: DoubtText(
            "out-of-range",
            "示数超出表位数",
            "Value does not fit the register",
            "核对表位数档案和示数，改正后重新校验。",
            "Check the digits in the meter's record and the value, correct the wrong one and validate again.",
        ),
    },
    find=_find,
    before_energy=True,
)
