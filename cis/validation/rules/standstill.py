"""Pure: a meter that stopped: nothing at all where there always was something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import CurveCheck, Found, Parameter, Source
from cis.validation.runs import whole_runs

if TYPE_CHECKING:
    from cis.validation.curves import CurveBlock
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK", "STANDSTILL"]

STANDSTILL = Doubt(1 << 18)


def _find(block: CurveBlock, thresholds: Thresholds) -> Found:
    """
    So many zeros in a row at hours that usually have energy, in sum more than the floor.

    Hours that are usually empty (a roof that feeds in at noon, a shop at night) do not count.
    """
    usual = block.usual.slot_wh
    missed = block.present_slots & (block.energy_slots == 0) & (usual > 0)
    found = np.zeros(len(usual), np.bool_)
    candidates = np.flatnonzero(missed.sum(axis=1) >= thresholds.standstill_slots)
    if len(candidates):
        long = whole_runs(missed[candidates], thresholds.standstill_slots)
        lost = np.where(long, usual[candidates], 0).sum(axis=1)
        hit = long.any(axis=1) & (lost >= thresholds.standstill_floor_wh)
        found[candidates[hit]] = True
        block.doubtful_slots[candidates[hit]] |= long[hit]
    yield STANDSTILL, found


CHECK = CurveCheck(
    name="standstill",
    looks_at_zh="表计停走",
    looks_at_en="a meter that stands still",
    doubts={
        STANDSTILL: DoubtText(
            "standstill",
            "疑似表计停走",
            "Meter seems to stand still",
            "该时段以往有用电；请核对停电记录，没有停电的安排现场检查表计和接线。",
            "These hours usually have energy. Compare with outages; without one, have meter and wiring inspected.",
        )
    },
    parameters=(
        Parameter(
            "standstill_slots",
            16,
            1,
            96,
            "连续为零的点数（16 点为 4 小时）",
            "Zeros in a row: 16 = 4 h",
            Source.OURS,
        ),
        Parameter(
            "standstill_floor_wh",
            200,
            0,
            10**9,
            "这些点平常合计不低于此 Wh",
            "These quarter-hours usually hold at least this (Wh)",
            Source.OURS,
        ),
    ),
    find=_find,
)
