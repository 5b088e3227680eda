"""Pure: whether the account seems to be closing: its load has fallen away within days."""

import numpy as np

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, permille, where

# [P] domain.md 4.2 (closure flag)
LIMITS = {"days": 20, "least_wh": 3000, "watch_permille": 500, "closing_permille": 200}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """The mean day of the last week against the days before; what never used much says nothing."""
    left = permille(facts.recent_day_wh, facts.before_day_wh)
    is_known = (facts.curve_days >= limits["days"]) & (facts.before_day_wh >= limits["least_wh"])
    place = np.where(left < limits["closing_permille"], 1, 0)
    return Tagged(
        where(is_known & (left < limits["watch_permille"]), place),
        {"recent_day_wh": facts.recent_day_wh, "before_day_wh": facts.before_day_wh, "left_permille": left},
    )


TAG = Tag(
    code="risk.closure",
    version=1,
    owner="营销部",
    name="停用迹象",
    name_en="Closing down",
    values=(Value("watch", "用电减半", "Halved", "warn"), Value("closing", "基本停用", "Nearly stopped", "bad")),
    why="最近七天平均每天 {recent_day_wh}，此前 {before_day_wh}，只剩 {left_permille}。",
    why_en="{recent_day_wh} a day in the last week, {before_day_wh} before: {left_permille} is left.",
    decide=decide,
    limits=LIMITS,
    is_sensitive=True,
)
