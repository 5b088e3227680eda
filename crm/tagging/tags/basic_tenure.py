"""Pure: for how long the account has been supplied."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, banded

# [P] domain.md 4.1
LIMITS = {"settled_days": 365, "old_days": 1825, "oldest_days": 3650}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """Bands of the days since the account was opened."""
    place = banded(facts.open_days, limits["settled_days"], limits["old_days"], limits["oldest_days"])
    return Tagged(place, {"open_days": facts.open_days})


TAG = Tag(
    code="basic.tenure",
    version=1,
    owner="营销部",
    name="用电年限",
    name_en="Tenure",
    values=(
        Value("new", "一年以内", "Under a year", "info"),
        Value("settled", "一至五年", "One to five years"),
        Value("old", "五至十年", "Five to ten years"),
        Value("oldest", "十年以上", "Over ten years"),
    ),
    why="开户至今 {open_days}。",
    why_en="Supplied for {open_days}.",
    decide=decide,
    limits=LIMITS,
)
