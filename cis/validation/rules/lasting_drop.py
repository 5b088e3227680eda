"""Pure: energy that falls and stays down while the neighbours' does not: a bypass, a tampered meter, a closed shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Found, LevelCheck, Parameter, Source

if TYPE_CHECKING:
    from cis.validation.levels import LevelBlock
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK", "LASTING_DROP"]

LASTING_DROP = Doubt(1 << 20)


def _find(block: LevelBlock, thresholds: Thresholds) -> Found:
    """Two weeks below a share of before, against history and against the neighbours; the point was steady before."""
    older, newer = block.older_permille, block.newer_permille
    limit = thresholds.drop_permille
    enough = block.base_wh_per_day >= thresholds.drop_floor_kwh_per_day * 1000
    steady = block.steadiness_permille <= thresholds.drop_steady_permille
    lasting = block.days_down >= thresholds.lasting_days
    low = (older >= 0) & (newer >= 0) & (older < limit) & (newer < limit)
    yield LASTING_DROP, enough & steady & lasting & low


CHECK = LevelCheck(
    name="lasting-drop",
    looks_at_zh="持续下降（与历史和台区比较）",
    looks_at_en="a drop that lasts, against history and the district",
    doubts={
        LASTING_DROP: DoubtText(
            "lasting-drop",
            "电量持续下降，疑似窃电",
            "Energy stays down: theft is possible",
            "连续两周明显低于以往，而周围用户没有下降；请核对台区线损并现场检查。",
            "Two weeks far below before while the neighbours' use is not. Look at the district's losses and inspect.",
            holds_bill=False,
        )
    },
    parameters=(
        Parameter(
            "drop_permille",
            600,
            100,
            950,
            "低于以往的千分数",
            "Below this share of before (thousandths)",
            Source.OURS,
        ),
        Parameter(
            "drop_steady_permille",
            300,
            10,
            1000,
            "此前四周各周与中位数相差不超过的千分数",
            "How far the weeks before may lie from their median (thousandths)",
            Source.OURS,
        ),
        Parameter(
            "lasting_days",
            10,
            0,
            14,
            "两周中须有这么多天低于同一星期几",
            "So many of the fourteen days must lie below the same weekday before",
            Source.OURS,
        ),
        Parameter(
            "drop_floor_kwh_per_day",
            2,
            0,
            10**6,
            "以往日电量不低于此值（kWh）才看",
            "Only points that used at least this a day (kWh)",
            Source.OURS,
        ),
    ),
    find=_find,
)
