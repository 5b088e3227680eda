"""Pure: a current transformer that delivers nothing or the wrong way round: two thirds or one third of the load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Found, LevelCheck, Parameter, Source

if TYPE_CHECKING:
    from cis.validation.levels import LevelBlock
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK", "PHASE_LOST"]

PHASE_LOST = Doubt(1 << 19)


def _find(block: LevelBlock, thresholds: Thresholds) -> Found:
    """
    Both weeks near 2/3 (one phase lost) or near 1/3 (two lost, or one reversed) of before, on a transformed meter.

    Only for points that are steady by themselves: a load that swings that far every month says nothing.
    """
    near = thresholds.phase_tolerance_permille
    transformed = block.columns.multiplier > 1
    steady = block.steadiness_permille <= thresholds.phase_steady_permille
    enough = block.base_wh_per_day >= thresholds.drop_floor_kwh_per_day * 1000

    lasting = block.days_down >= thresholds.lasting_days

    def lies_at(level: int) -> NDArray[np.bool_]:
        return np.asarray(
            (np.abs(block.older_permille - level) <= near) & (np.abs(block.newer_permille - level) <= near)
        )

    yield PHASE_LOST, transformed & steady & enough & lasting & (lies_at(667) | lies_at(333))


CHECK = LevelCheck(
    name="phase-lost",
    looks_at_zh="缺相与互感器接线",
    looks_at_en="a phase that is missing behind current transformers",
    doubts={
        PHASE_LOST: DoubtText(
            "phase-lost",
            "疑似缺相或互感器接错",
            "A phase seems to be missing",
            "电量持续降到原来的三分之二或三分之一；请现场检查互感器、二次接线和相序。",
            "Energy stays at two thirds or one third of before. Have transformers, wiring and phases inspected.",
            holds_bill=False,
        )
    },
    parameters=(
        Parameter(
            "phase_tolerance_permille",
            140,
            10,
            160,
            "与三分之二或三分之一允许相差的千分数",
            "How far from two thirds or one third (thousandths)",
            Source.OURS,
        ),
        Parameter(
            "phase_steady_permille",
            250,
            10,
            1000,
            "此前四周各周与中位数相差不超过的千分数",
            "How far the weeks before may lie from their median (thousandths)",
            Source.OURS,
        ),
    ),
    find=_find,
)
