"""Pure: whether the account pays ahead."""

import numpy as np

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, where

# [P] domain.md 4.2
LIMITS = {"ahead_permille": 1000}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """The prepayment against what a month costs."""
    month_fen = facts.billed_12m_fen // np.maximum(facts.months_12m, 1)
    is_ahead = facts.prepayment_fen * 1000 >= np.maximum(month_fen, 1) * limits["ahead_permille"]
    place = np.where(facts.prepayment_fen <= 0, 0, np.where(is_ahead, 2, 1))
    return Tagged(
        where(facts.months_12m > 0, place), {"prepayment_fen": facts.prepayment_fen, "usual_month_fen": month_fen}
    )


TAG = Tag(
    code="pay.prepaid",
    version=1,
    owner="电费部",
    name="预存",
    name_en="Prepayment",
    values=(
        Value("none", "没有预存", "None"),
        Value("some", "有预存", "Some", "info"),
        Value("ahead", "预存充足", "A month ahead", "good"),
    ),
    why="预存 {prepayment_fen}，平均每月电费 {usual_month_fen}。",
    why_en="{prepayment_fen} prepaid; a usual month costs {usual_month_fen}.",
    decide=decide,
    limits=LIMITS,
)
