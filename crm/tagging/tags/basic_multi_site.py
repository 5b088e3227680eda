"""Pure: whether the customer holds other accounts too."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, where


def decide(facts: Facts, _limits: Limits) -> Tagged:
    """One account or several, of those that are open."""
    place = (facts.customer_accounts > 1).astype("int8")
    return Tagged(where(facts.customer_accounts >= 1, place), {"customer_accounts": facts.customer_accounts})


TAG = Tag(
    code="basic.multi_site",
    version=1,
    owner="营销部",
    name="用电点",
    name_en="Sites",
    values=(Value("single", "单点用电", "One site"), Value("several", "多点用电", "Several sites", "info")),
    why="同一客户名下在用户号 {customer_accounts} 个。",
    why_en="The customer has {customer_accounts} open accounts.",
    decide=decide,
)
