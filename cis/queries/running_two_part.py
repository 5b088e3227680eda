"""What a running bill's basic charge and power-factor adjustment are reckoned from before the period is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.rating.columns import WHOLE

__all__ = ["AgreedTwoPart", "DayPeaks", "demands", "read_two_part"]

Int = NDArray[np.int64]
DayPeaks = Mapping[date, Mapping[int, int]]
"""day to point to the highest energy of a quarter-hour, Wh"""

_TERMS = """
SELECT c.account_id, c.demand_mode, c.capacity_kva, c.contract_demand_kw, c.pf_standard_e2, coalesce(
    (SELECT s.power_factor_e2 FROM cis_bill b JOIN cis_bill_basis s ON s.bill_id = b.id
     WHERE b.account_id = c.account_id AND s.pf_standard_e2 > 0
     ORDER BY b.period_start DESC, b.revision DESC LIMIT 1), -1)
FROM cis_supply_contract c
WHERE c.account_id = ANY(%(accounts)s) AND c.valid @> %(today)s AND (c.demand_mode <> 0 OR c.pf_standard_e2 > 0)
"""


@dataclass(frozen=True)
class AgreedTwoPart:
    """What a contract agrees of basic charge and power factor, and the factor of the newest bill (-1 unknown)."""

    demand_mode: int
    capacity_kva: int
    contract_demand_kw: int
    pf_standard_e2: int
    last_factor_e2: int

    @property
    def lacks_factor(self) -> bool:
        """Whether it is adjusted by a factor that nobody knows yet."""
        return self.pf_standard_e2 > 0 and self.last_factor_e2 < 0

    def determinants(self, demand_kw_e4: Int) -> dict[str, Int]:
        """The kernel's determinants of (rows, feeders) of maximum demand, in 0.0001 kW."""
        rows = len(demand_kw_e4)
        ones = np.ones(rows, dtype=np.int64)
        return {
            "demand_mode": ones * self.demand_mode,
            "capacity_kva_e2": np.full((rows, 1), self.capacity_kva * 100, dtype=np.int64),
            "capacity_share": np.full((rows, 1), WHOLE, dtype=np.int64),
            "capacity_is_half": np.zeros((rows, 1), dtype=np.int64),
            "floor_kva_e2": ones * self.capacity_kva * 100,
            "contract_kw_e4": ones * self.contract_demand_kw * 10_000,
            "demand_kw_e4": demand_kw_e4,
            "pf_standard_e2": ones * self.pf_standard_e2,
            "power_factor_e2": ones * self.last_factor_e2,
            # Of the factor, not of a meter: the factor itself is that of the newest bill.
            "pf_active_kwh_e2": np.zeros(rows, dtype=np.int64),
            "pf_reactive_kvarh_e2": np.zeros(rows, dtype=np.int64),
        }


def read_two_part(cursor: Any, account_ids: Sequence[int], today: date) -> dict[int, AgreedTwoPart]:
    """Of accounts that agree either; one statement."""
    cursor.execute(_TERMS, {"accounts": list(account_ids), "today": today})
    return {account: AgreedTwoPart(*terms) for account, *terms in cursor.fetchall()}


def demands(peaks: DayPeaks, inside: Sequence[date], recent: Sequence[date], rows: int) -> Int:
    """
    (rows, feeders) of maximum demand in 0.0001 kW: so far in the first row and in the last but two, elsewhere at least
    what the last weeks reached.
    """
    points = sorted({point for day in (*inside, *recent) for point in peaks.get(day, {})}) or [0]

    def highest(days: Sequence[date]) -> list[int]:
        # Wh of a quarter-hour are a quarter of its W; 1 W is ten of 0.0001 kW.
        return [40 * max((peaks.get(day, {}).get(point, 0) for day in days), default=0) for point in points]

    so_far = np.array(highest(inside), dtype=np.int64)
    coming = np.maximum(so_far, np.array(highest(recent), dtype=np.int64))
    found = np.repeat(coming[np.newaxis], rows, axis=0)
    found[0] = found[rows - 3] = so_far
    return found
