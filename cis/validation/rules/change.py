"""Pure: a rise or a fall against the account's own history. Source: billing-rules.md 3.5 and 3.6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Found, Parameter, RegisterCheck, Source

if TYPE_CHECKING:
    from cis.validation.segments import Segment
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK"]


def _find(segment: Segment, thresholds: Thresholds) -> Found:
    """
    Beyond what the account's last periods let expect **and** beyond the same season: July is compared with July.

    Only where history is known; no energy at all is the zero check's affair, not a fall.
    """
    large = segment.is_large
    floor_e2 = np.where(large, thresholds.change_floor_kwh_large, thresholds.change_floor_kwh_residential) * 100
    rise = np.where(large, thresholds.rise_permille_large, thresholds.rise_permille_residential)
    fall = np.where(large, thresholds.fall_permille_large, thresholds.fall_permille_residential)
    judged, energy_e2, least_e2, most_e2 = segment.may_compare, segment.energy_e2, segment.least_e2, segment.most_e2
    yield Doubt.SUDDEN_RISE, judged & (energy_e2 - most_e2 > np.maximum(most_e2 * rise // 1000, floor_e2))
    some = energy_e2 != 0
    yield Doubt.SUDDEN_FALL, judged & some & (least_e2 - energy_e2 > np.maximum(least_e2 * fall // 1000, floor_e2))


CHECK = RegisterCheck(
    name="change",
    looks_at_zh="与历史和去年同期比较",
    looks_at_en="history and the same month of last year",
    doubts={
        Doubt.SUDDEN_RISE: DoubtText(
            "sudden-rise",
            "电量突增",
            "Sudden rise",
            "与历史和去年同期比较；核对示数和倍率，必要时复抄或联系客户。",
            "Compare with history and last year. Check reading and ratio; if unexplained, read again or call.",
        ),
        Doubt.SUDDEN_FALL: DoubtText(
            "sudden-fall",
            "电量突减",
            "Sudden fall",
            "与历史和去年同期比较；核对示数、倍率和计量装置，必要时现场检查。",
            "Compare with history and last year. Check reading, ratio and metering equipment; inspect if unexplained.",
        ),
    },
    parameters=(
        Parameter(
            "rise_permille_residential",
            500,
            0,
            10000,
            "居民电量突增的千分数",
            "Rise of a home, in thousandths",
            Source.USUAL,
        ),
        Parameter(
            "rise_permille_large",
            300,
            0,
            10000,
            "大客户电量突增的千分数",
            "Rise of a large customer, in thousandths",
            Source.USUAL,
        ),
        Parameter(
            "fall_permille_residential",
            500,
            0,
            10000,
            "居民电量突减的千分数",
            "Fall of a home, in thousandths",
            Source.USUAL,
        ),
        Parameter(
            "fall_permille_large",
            300,
            0,
            10000,
            "大客户电量突减的千分数",
            "Fall of a large customer, in thousandths",
            Source.USUAL,
        ),
        Parameter(
            "change_floor_kwh_residential",
            100,
            0,
            1000000000,
            "居民突变不超过此电量不计",
            "No change of a home up to this much is doubted",
            Source.OURS,
        ),
        Parameter(
            "change_floor_kwh_large",
            1000,
            0,
            1000000000,
            "大客户突变不超过此电量不计",
            "No change of a large customer up to this much is doubted",
            Source.OURS,
        ),
    ),
    find=_find,
)
