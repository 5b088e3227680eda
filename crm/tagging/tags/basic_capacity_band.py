"""Pure: how much capacity is contracted, in bands."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, banded, where

# [P] domain.md 4.2: 100 kVA two-part tariffs begin, 315 own transformer, 1000 key account, 8000 VIP.
LIMITS = {"medium_kva": 100, "large_kva": 315, "key_kva": 1000, "vip_kva": 8000}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """The band of the contracted capacity."""
    place = banded(facts.capacity_kva, limits["medium_kva"], limits["large_kva"], limits["key_kva"], limits["vip_kva"])
    return Tagged(where(facts.capacity_kva > 0, place), {"capacity_kva": facts.capacity_kva})


TAG = Tag(
    code="basic.capacity_band",
    version=1,
    owner="营销部",
    name="合同容量",
    name_en="Contract capacity",
    values=(
        Value("small", "小容量", "Small"),
        Value("medium", "中容量", "Medium"),
        Value("large", "大容量", "Large"),
        Value("key", "大客户容量", "Key-account size"),
        Value("vip", "特大容量", "Very large"),
    ),
    why="合同容量 {capacity_kva}。",
    why_en="The contract is for {capacity_kva}.",
    decide=decide,
    limits=LIMITS,
)
