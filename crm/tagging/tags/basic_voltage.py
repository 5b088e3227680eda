"""Pure: at which voltage the account is supplied, by its contract."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, where


def decide(facts: Facts, _limits: Limits) -> Tagged:
    """The level of the contract that runs today."""
    return Tagged(where(facts.voltage_level >= 0, facts.voltage_level.astype("int8")), {})


TAG = Tag(
    code="basic.voltage",
    version=1,
    owner="营销部",
    name="供电电压",
    name_en="Voltage",
    values=(
        Value("low", "不满 1 千伏", "Below 1 kV"),
        Value("10kv", "10（20）千伏", "10 (20) kV"),
        Value("35kv", "35 千伏", "35 kV"),
        Value("110kv", "110 千伏及以上", "110 kV and above"),
    ),
    why="现行供用电合同的供电电压。",
    why_en="The voltage of the supply contract that runs today.",
    decide=decide,
)
