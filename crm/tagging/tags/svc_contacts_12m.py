"""Pure: how often the customer turned to us in twelve months."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, banded

# [P] domain.md 4.1
LIMITS = {"many": 3}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """Contacts and objections to bills together."""
    told = facts.contacts_12m + facts.disputes_12m
    return Tagged(
        banded(told, 1, limits["many"]), {"contacts": facts.contacts_12m, "bill_disputes": facts.disputes_12m}
    )


TAG = Tag(
    code="svc.contacts_12m",
    version=1,
    owner="客户服务中心",
    name="一年联系",
    name_en="Contacts",
    values=(
        Value("none", "没有联系", "None"),
        Value("some", "有联系", "Some"),
        Value("many", "联系较多", "Many", "warn"),
    ),
    why="十二个月内联系 {contacts} 次，账单异议 {bill_disputes} 次。",
    why_en="{contacts} contacts and {bill_disputes} bill disputes in twelve months.",
    decide=decide,
    limits=LIMITS,
)
