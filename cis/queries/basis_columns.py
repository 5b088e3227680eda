"""What basic charges and power-factor adjustments are computed from, in columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis.rating.columns import WHOLE

__all__ = ["Basis"]

Int = NDArray[np.int64]


@dataclass(frozen=True)
class Basis:
    """Dense columns over the accounts of a shard; `has` says who has a basis at all."""

    has: NDArray[np.bool_]
    demand_mode: Int
    floor_kva_e2: Int
    contract_kw_e4: Int
    pf_standard_e2: Int
    active_kwh_e2: Int
    reactive_kvarh_e2: Int
    power_factor_e2: Int
    capacity_kva_e2: Int
    """(accounts, k)"""
    capacity_share: Int
    capacity_is_half: Int
    demand_kw_e4: Int
    """(accounts, f)"""
    demand_share: Int
    """sixtieths of the month for which demand is charged"""

    def more(self, rows: Int) -> dict[str, Int]:
        """The kernel's determinants of some rows."""
        share = self.demand_share[rows]
        return {
            **({"demand_share": share} if (share != WHOLE).any() else {}),
            "demand_mode": self.demand_mode[rows],
            "capacity_kva_e2": self.capacity_kva_e2[rows],
            "capacity_share": self.capacity_share[rows],
            "capacity_is_half": self.capacity_is_half[rows],
            "floor_kva_e2": self.floor_kva_e2[rows],
            "contract_kw_e4": self.contract_kw_e4[rows],
            "demand_kw_e4": self.demand_kw_e4[rows],
            "pf_standard_e2": self.pf_standard_e2[rows],
            "power_factor_e2": self.power_factor_e2[rows],
            "pf_active_kwh_e2": self.active_kwh_e2[rows],
            "pf_reactive_kvarh_e2": self.reactive_kvarh_e2[rows],
        }
