"""Pure: whether the account feeds energy into the network."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, where


def decide(facts: Facts, _limits: Limits) -> Tagged:
    """Proven by the export register; without it nothing is said."""
    return Tagged(where(facts.fed_in_days > 0, 0), {"fed_in_days": facts.fed_in_days, "fed_in_wh": facts.fed_in_wh})


TAG = Tag(
    code="use.pv",
    version=1,
    owner="发展部",
    name="光伏上网",
    name_en="Solar",
    values=(Value("feeds-in", "有光伏上网", "Feeds in", "good"),),
    why="最近有 {fed_in_days} 有反向电量，共 {fed_in_wh}。",
    why_en="Energy was fed in on {fed_in_days}: {fed_in_wh}.",
    decide=decide,
)
