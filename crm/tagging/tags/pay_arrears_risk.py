"""Pure: how likely arrears are, by what is overdue and how often bills were late."""

import numpy as np

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, permille, where

# [P] domain.md 4.2: overdue for 30 days is when a stop may be prepared.
LIMITS = {"high_days": 30, "high_late_permille": 500, "medium_late_permille": 200}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """High: long overdue, or mostly late and overdue again; medium: overdue, or late now and then; else low."""
    late = permille(facts.late_bills, facts.due_bills)
    is_overdue = facts.overdue_fen > 0
    high = is_overdue & ((facts.overdue_days >= limits["high_days"]) | (late >= limits["high_late_permille"]))
    medium = is_overdue | (late >= limits["medium_late_permille"])
    return Tagged(
        where(facts.due_bills > 0, np.select([high, medium], [2, 1], default=0)),
        {
            "overdue_fen": facts.overdue_fen,
            "overdue_days": facts.overdue_days,
            "late_bills": facts.late_bills,
            "due_bills": facts.due_bills,
        },
    )


TAG = Tag(
    code="pay.arrears_risk",
    version=1,
    owner="电费部",
    name="欠费风险",
    name_en="Risk of arrears",
    values=(
        Value("low", "低", "Low", "good"),
        Value("medium", "中", "Medium", "warn"),
        Value("high", "高", "High", "bad"),
    ),
    why="逾期 {overdue_fen}，最久 {overdue_days}；到期账单 {due_bills} 张中 {late_bills} 张没有按时交清。",
    why_en="{overdue_fen} overdue, longest for {overdue_days}; {late_bills} of {due_bills} bills were late.",
    decide=decide,
    limits=LIMITS,
)
