"""Pure: whether more or less energy is used than a year before."""

import numpy as np

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, banded, where

# [P] domain.md 4.1
LIMITS = {"change_permille": 100, "much_permille": 300}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """The newest three cycles against the same three a year before; nothing is said without both."""
    before = np.maximum(facts.year_ago_kwh_e2, 1)
    change = (facts.recent_kwh_e2 - facts.year_ago_kwh_e2) * 1000 // before
    place = banded(change, -limits["change_permille"], limits["change_permille"], limits["much_permille"])
    is_comparable = (facts.recent_months > 0) & (facts.recent_months == facts.year_ago_months)
    return Tagged(
        where(is_comparable & (facts.year_ago_kwh_e2 > 0), place),
        {
            "change_permille": change,
            "recent_kwh_e2": facts.recent_kwh_e2,
            "year_ago_kwh_e2": facts.year_ago_kwh_e2,
            "compared_months": facts.recent_months,
        },
    )


TAG = Tag(
    code="use.growth",
    version=1,
    owner="营销部",
    name="用电增长",
    name_en="Growth",
    values=(
        Value("falling", "下降", "Falling", "warn"),
        Value("steady", "平稳", "Steady"),
        Value("growing", "增长", "Growing", "good"),
        Value("surging", "大幅增长", "Growing fast", "good"),
    ),
    why="最近 {compared_months} 个月用电 {recent_kwh_e2}，去年同期 {year_ago_kwh_e2}，变化 {change_permille}。",
    why_en="{recent_kwh_e2} in the last {compared_months} months, {year_ago_kwh_e2} a year before: {change_permille}.",
    decide=decide,
    limits=LIMITS,
)
