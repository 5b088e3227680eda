"""
Pure: tiers by rules, on columns.

The rules follow how utilities define key accounts: capacity or yearly energy above a bound, from the highest tier down;
below, whoever has a transformer of their own (专变) from a smaller bound on. The bounds are the utility's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NORMAL, DEDICATED, KEY, VIP = "normal", "dedicated", "key", "vip"
# From the lowest to the highest: a tier's place is its rank.
TIERS: tuple[str, ...] = (NORMAL, DEDICATED, KEY, VIP)

# Which rule decided, the first that fits; its words stand in `crm.web.tier_words`.
REASONS: tuple[str, ...] = (
    "below-all",
    "dedicated-capacity",
    "key-capacity",
    "key-energy",
    "vip-capacity",
    "vip-energy",
)
_TIER_OF_REASON = np.array([0, 1, 2, 2, 3, 3], dtype=np.int8)


@dataclass(frozen=True)
class Limits:
    """From where on a tier begins; capacity in kVA, energy of twelve months in whole kWh."""

    dedicated_kva: int
    key_kva: int
    key_kwh: int
    vip_kva: int
    vip_kwh: int

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Limits:
        """
        The limits as they stand in the settings or with a run.

        :raises ValueError: one is missing, or a higher tier begins below a lower one
        """
        names = cls.__dataclass_fields__
        if set(values) != set(names):
            raise ValueError(f"limits of tiers: {sorted(set(values) ^ set(names))}")
        limits = cls(**{name: int(values[name]) for name in names})
        if not 0 < limits.dedicated_kva <= limits.key_kva <= limits.vip_kva or not 0 < limits.key_kwh <= limits.vip_kwh:
            raise ValueError("a higher tier begins below a lower one")
        return limits


@dataclass(frozen=True)
class Ruled:
    """What the rules say, one row an account: places in `TIERS` and `REASONS`."""

    tier: NDArray[np.int8]
    reason: NDArray[np.int8]


def rule_tiers(
    *,
    capacity_kva: NDArray[np.int64],
    energy_12m_kwh_e2: NDArray[np.int64],
    is_dedicated: NDArray[np.bool_],
    limits: Limits,
) -> Ruled:
    """The tier of each account; a bound belongs to the tier that begins there."""
    reason = np.select(
        [
            capacity_kva >= limits.vip_kva,
            energy_12m_kwh_e2 >= limits.vip_kwh * 100,
            capacity_kva >= limits.key_kva,
            energy_12m_kwh_e2 >= limits.key_kwh * 100,
            is_dedicated & (capacity_kva >= limits.dedicated_kva),
        ],
        [
            REASONS.index(name)
            for name in ("vip-capacity", "vip-energy", "key-capacity", "key-energy", "dedicated-capacity")
        ],
        default=0,
    ).astype(np.int8)
    return Ruled(_TIER_OF_REASON[reason], reason)
