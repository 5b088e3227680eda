"""Pure: where the account pays."""

import numpy as np

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, permille, where

# [P] domain.md 4.1: three quarters of the payments one way is a habit.
LIMITS = {"habit_permille": 750}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """At a hall, online, or both, over twelve months."""
    paid = facts.paid_at_hall + facts.paid_online
    online = permille(facts.paid_online, paid)
    place = np.select(
        [online >= limits["habit_permille"], online <= 1000 - limits["habit_permille"]], [1, 0], default=2
    )
    return Tagged(where(paid > 0, place), {"paid_at_hall": facts.paid_at_hall, "paid_online": facts.paid_online})


TAG = Tag(
    code="pay.channel",
    version=1,
    owner="电费部",
    name="交费方式",
    name_en="Pays",
    values=(
        Value("hall", "营业厅交费", "At a hall"),
        Value("online", "网上交费", "Online", "good"),
        Value("mixed", "两种都用", "Both ways"),
    ),
    why="十二个月内在营业厅交费 {paid_at_hall} 次，网上交费 {paid_online} 次。",
    why_en="In twelve months {paid_at_hall} payments at halls, {paid_online} online.",
    decide=decide,
    limits=LIMITS,
)
