"""Pure: how much of the energy falls into the dear hours, by the registers of the meter."""

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, banded, permille, where

# [P] domain.md 4.1
LIMITS = {"low_permille": 300, "high_permille": 500}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """Sharp and peak registers against all; nothing is said of meters that do not tell the hours apart."""
    share = permille(facts.peak_kwh_e2, facts.periods_kwh_e2)
    place = banded(share, limits["low_permille"], limits["high_permille"])
    return Tagged(
        where(facts.periods_kwh_e2 > 0, place),
        {"peak_share_permille": share, "measured_kwh_e2": facts.periods_kwh_e2},
    )


TAG = Tag(
    code="use.peak_share",
    version=1,
    owner="营销部",
    name="峰段占比",
    name_en="Peak share",
    values=(
        Value("low", "少用峰电", "Little at peak", "good"),
        Value("medium", "峰电适中", "Some at peak"),
        Value("high", "多用峰电", "Much at peak", "warn"),
    ),
    why="分时电量 {measured_kwh_e2}，尖峰和高峰占 {peak_share_permille}。",
    why_en="Of {measured_kwh_e2} measured by period, {peak_share_permille} fell into sharp and peak hours.",
    decide=decide,
    limits=LIMITS,
)
