"""Pure: how punctually bills are paid, A to D."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, banded, permille, where

# [C] domain.md 4.2: classes A to D are practised; the bounds are [P].
LIMITS = {"bills": 3, "a_permille": 950, "b_permille": 800, "c_permille": 500}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """The share of bills whose day has passed that were paid in full by that day."""
    on_time = facts.due_bills - facts.late_bills
    share = permille(on_time, facts.due_bills)
    place = 3 - banded(share, limits["c_permille"], limits["b_permille"], limits["a_permille"])
    return Tagged(
        where(facts.due_bills >= limits["bills"], place),
        {"due_bills": facts.due_bills, "late_bills": facts.late_bills, "on_time_permille": share},
    )


TAG = Tag(
    code="pay.punctual",
    version=1,
    owner="电费部",
    name="交费守时",
    name_en="Punctuality",
    values=(
        Value("A", "A 很准时", "A, always on time", "good"),
        Value("B", "B 多数准时", "B, mostly on time"),
        Value("C", "C 常晚交", "C, often late", "warn"),
        Value("D", "D 多数晚交", "D, mostly late", "bad"),
    ),
    why="十二个月内到期账单 {due_bills} 张，没有按时交清 {late_bills} 张，按时的占 {on_time_permille}。",
    why_en="Of {due_bills} bills due in twelve months {late_bills} were not paid in time; {on_time_permille} were.",
    decide=decide,
    limits=LIMITS,
)
