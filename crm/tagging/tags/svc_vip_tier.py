"""Pure: the tier the account is in, by the rules or by a person."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, where


def decide(facts: Facts, _limits: Limits) -> Tagged:
    """As the tiers were applied last."""
    return Tagged(
        where(facts.tier >= 0, facts.tier.astype("int8")),
        {"capacity_kva": facts.capacity_kva, "energy_12m_kwh_e2": facts.energy_12m_kwh_e2},
    )


TAG = Tag(
    code="svc.vip_tier",
    version=1,
    owner="大客户中心",
    name="客户等级",
    name_en="Tier",
    values=(
        Value("normal", "普通客户", "Normal"),
        Value("dedicated", "专变客户", "Own transformer"),
        Value("key", "大客户", "Key account", "info"),
        Value("vip", "VIP 客户", "VIP", "good"),
    ),
    why="合同容量 {capacity_kva}，十二个月用电 {energy_12m_kwh_e2}。",
    why_en="{capacity_kva} contracted, {energy_12m_kwh_e2} in twelve months.",
    decide=decide,
)
