"""Pure: whom the account is: the price class of its contract (居民, 一般工商业, 工业, 农业)."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, where


def decide(facts: Facts, _limits: Limits) -> Tagged:
    """The class of the contract that runs today."""
    place = (facts.price_class - 1).astype("int8")
    return Tagged(where((facts.price_class >= 1) & (facts.price_class <= 4), place), {})


TAG = Tag(
    code="basic.class",
    version=1,
    owner="营销部",
    name="用电类别",
    name_en="Class",
    values=(
        Value("residential", "居民", "Residential"),
        Value("commercial", "一般工商业", "Commercial"),
        Value("industrial", "工业", "Industrial"),
        Value("agricultural", "农业", "Agricultural"),
    ),
    why="现行供用电合同的用电类别。",
    why_en="The class of the supply contract that runs today.",
    decide=decide,
)
