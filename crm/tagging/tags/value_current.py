"""Pure: what the account is worth today among those of its class."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, where


def decide(facts: Facts, _limits: Limits) -> Tagged:
    """The quintile of what it was billed in twelve months, within its price class [P] domain.md 4.2."""
    place = (facts.billed_12m_fen[:, None] >= facts.value_bounds).sum(axis=1).astype("int8")
    return Tagged(
        where(facts.value_bounds.any(axis=1) & (facts.months_12m > 0), place),
        {"billed_12m_fen": facts.billed_12m_fen, "billed_months": facts.months_12m},
    )


TAG = Tag(
    code="value.current",
    version=1,
    owner="营销部",
    name="当前价值",
    name_en="Value",
    values=(
        Value("1", "同类后五分之一", "Lowest fifth"),
        Value("2", "同类中下", "Lower"),
        Value("3", "同类居中", "Middle"),
        Value("4", "同类中上", "Upper"),
        Value("5", "同类前五分之一", "Highest fifth", "good"),
    ),
    why="最近 {billed_months} 个月电费 {billed_12m_fen}，在同类客户中排位。",
    why_en="{billed_12m_fen} billed in {billed_months} months, ranked within its class.",
    decide=decide,
)
