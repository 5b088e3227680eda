"""Pure: the time of a reading: later than the one before it. Source: billing-rules.md 3.6, the first check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Found, RegisterCheck

if TYPE_CHECKING:
    from cis.validation.segments import Segment
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK"]


def _find(segment: Segment, _thresholds: Thresholds) -> Found:
    yield Doubt.DATES_OUT_OF_ORDER, segment.bad_days


CHECK = RegisterCheck(
    name="dates",
    looks_at_zh="抄表时间",
    looks_at_en="the time of the reading",
    doubts={
        Doubt.DATES_OUT_OF_ORDER: DoubtText(
            "dates-out-of-order",
            "抄表日期次序错误",
            "Reading dates out of order",
            "本次抄表日期须晚于上次；请改正日期。",
            "This reading must be later than the previous one. Correct the dates.",
        ),
    },
    find=_find,
    before_energy=True,
)
