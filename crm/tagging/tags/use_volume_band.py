"""Pure: how much energy a year, among accounts of the same kind."""

import numpy as np

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, banded, where

# [P] domain.md 4.1; homes: the tiers of household tariffs end near 2,160 and 4,800 kWh a year in most provinces.
LIMITS = {
    "months": 6,
    "home_small_kwh": 1200,
    "home_large_kwh": 2400,
    "home_huge_kwh": 4800,
    "other_small_kwh": 10_000,
    "other_large_kwh": 100_000,
    "other_huge_kwh": 1_000_000,
}


def decide(facts: Facts, limits: Limits) -> Tagged:
    """Bands of the energy billed in twelve months, for those billed for some months at least."""
    homes, others = (
        banded(facts.energy_12m_kwh_e2, *(limits[f"{kind}_{size}_kwh"] * 100 for size in ("small", "large", "huge")))
        for kind in ("home", "other")
    )
    place = np.where(facts.price_class == 1, homes, others)
    return Tagged(
        where(facts.months_12m >= limits["months"], place),
        {"energy_12m_kwh_e2": facts.energy_12m_kwh_e2, "billed_months": facts.months_12m},
    )


TAG = Tag(
    code="use.volume_band",
    version=1,
    owner="营销部",
    name="用电规模",
    name_en="Energy",
    values=(
        Value("small", "少", "Little"),
        Value("medium", "中等", "Medium"),
        Value("large", "多", "Much"),
        Value("huge", "特多", "Very much"),
    ),
    why="最近 {billed_months} 个月账单共 {energy_12m_kwh_e2}。",
    why_en="Bills of the last {billed_months} months add up to {energy_12m_kwh_e2}.",
    decide=decide,
    limits=LIMITS,
)
