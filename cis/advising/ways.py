"""Pure: the ways in which a two-part tariff is paid, put into a billed period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cis.advising.months import Month
from cis.rating.columns import WHOLE
from cis.rating.rules.basic_charge import DemandMode

__all__ = ["WAYS", "in_way"]

WAYS = (DemandMode.CAPACITY, DemandMode.CONTRACT, DemandMode.ACTUAL)
"""What a customer may choose between."""


def in_way(
    month: Month,
    mode: DemandMode,
    *,
    capacity_kva_e2: int,
    demand_kw_e4: Sequence[int] | None,
    contract_kw_e4: int = 0,
) -> Month | None:
    """The period paid in a way; None where the way needs a maximum demand that nobody knows.

    Stretches of capacity that the period has already are kept: a change in its middle is charged by the day as it was.
    `demand_kw_e4` is the maximum demand of each feeder.
    """
    if demand_kw_e4 is None and mode in (DemandMode.CONTRACT, DemandMode.ACTUAL):
        return None
    more = dict(month.usage.more)
    if not more.get("capacity_kva_e2", np.zeros(1)).any():
        more |= {
            "capacity_kva_e2": np.array([[capacity_kva_e2]], dtype=np.int64),
            "capacity_share": np.array([[WHOLE]], dtype=np.int64),
            "capacity_is_half": np.array([[0]], dtype=np.int64),
            "floor_kva_e2": np.array([capacity_kva_e2], dtype=np.int64),
        }
    more |= {
        "demand_mode": np.array([int(mode)], dtype=np.int64),
        "contract_kw_e4": np.array([contract_kw_e4], dtype=np.int64),
        "demand_kw_e4": np.array([list(demand_kw_e4 or (0,))], dtype=np.int64),
    }
    return replace(month, usage=replace(month.usage, more=more))
