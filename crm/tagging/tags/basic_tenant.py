"""Pure: whether somebody else than the holder lives or works there."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, where


def decide(facts: Facts, _limits: Limits) -> Tagged:
    """Proven by a tenant bound at a counter; without one nothing is said."""
    return Tagged(where(facts.tenants > 0, 0), {"tenants": facts.tenants})


TAG = Tag(
    code="basic.tenant",
    version=1,
    owner="营销部",
    name="出租",
    name_en="Let",
    values=(Value("let", "有租户", "Has a tenant", "info"),),
    why="网上营业厅当面绑定了租户 {tenants} 人。",
    why_en="{tenants} tenants were bound at a counter.",
    decide=decide,
    is_sensitive=True,
)
