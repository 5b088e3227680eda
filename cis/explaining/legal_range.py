"""
Pure: what an amount of energy may cost under a tariff when nobody knows how it was used.

A tenant knows how many kWh somebody charged and how much for them, not in which tier or at which time of day they lie.
The least is all of it in the cheapest period of a household that has used nothing yet; the most is all of it in the
dearest period on top of everything. Whoever took more than the most took too much, however it was used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cis.rating import CannotPrice, CompiledTariff, Register, Usage, rate

__all__ = ["LegalRange", "legal_range"]

# Above the last bound of every published tier table, and small enough that no sum wraps.
_ON_TOP_KWH_E2 = 10**9
_LARGE_HOUSEHOLD = 30


@dataclass(frozen=True, slots=True)
class LegalRange:
    """The least and the most that the energy may cost, in fen."""

    least_fen: int
    most_fen: int


def legal_range(tariff: CompiledTariff, *, energy_kwh_e2: int, bill_month: int) -> LegalRange:
    """
    Between what and what this energy (0.01 kWh) may cost in a month.

    Raises CannotPrice where the tariff needs more than energy, or refuses this energy.
    """
    if energy_kwh_e2 <= 0:
        raise CannotPrice("row_refused", "only energy that is used has a price")
    priced = list(dict.fromkeys(register for rule in tariff.rules for register in rule.period_registers))
    priced = priced or [Register.TOTAL]
    least, most = [], []
    for register in priced:
        energy = np.zeros((3, len(priced)), dtype=np.int64)
        energy[:, priced.index(register)] = [energy_kwh_e2, _ON_TOP_KWH_E2, _ON_TOP_KWH_E2 + energy_kwh_e2]
        usage = Usage.of(
            bill_month,
            {one: energy[:, place] for place, one in enumerate(priced)},
            people=[_LARGE_HOUSEHOLD, 1, 1],
            # Nobody knows how many months were charged together either: twelve have the widest tiers.
            months=[12, 1, 1],
        )
        rated = rate(tariff, usage)
        if rated.refused.any():
            raise CannotPrice("row_refused", f"the tariff refuses {energy_kwh_e2} in {register.name.lower()}")
        least.append(int(rated.total_fen[0]))
        most.append(int(rated.total_fen[2] - rated.total_fen[1]))
    return LegalRange(min(least), max(*most, *least))
