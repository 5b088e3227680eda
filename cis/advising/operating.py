"""Pure: what the electricity of a works costs a kWh, part by part, and how evenly it is used.

The load factor is energy over the highest demand times the hours: what the same demand could have drawn at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from cis.rating import ChargeCode

__all__ = ["CostPart", "add_by_part", "load_factor_e4", "per_kwh_e8", "why_dearer"]


class CostPart(StrEnum):
    """What a line of a bill is paid for."""

    BASIC = "basic"
    SHARP = "sharp"
    PEAK = "peak"
    FLAT = "flat"
    VALLEY = "valley"
    ENERGY = "energy"
    """energy that is not priced by periods"""
    POWER_FACTOR = "power-factor"
    FUNDS = "funds"
    OTHER = "other"


_PART_OF: Mapping[int, CostPart] = {
    ChargeCode.CAPACITY: CostPart.BASIC,
    ChargeCode.CAPACITY_HALF: CostPart.BASIC,
    ChargeCode.DEMAND: CostPart.BASIC,
    ChargeCode.DEMAND_OVER: CostPart.BASIC,
    ChargeCode.ENERGY_SHARP: CostPart.SHARP,
    ChargeCode.ENERGY_PEAK: CostPart.PEAK,
    ChargeCode.ENERGY_FLAT: CostPart.FLAT,
    ChargeCode.ENERGY_VALLEY: CostPart.VALLEY,
    ChargeCode.ENERGY_DEEP_VALLEY: CostPart.VALLEY,
    ChargeCode.ENERGY: CostPart.ENERGY,
    ChargeCode.PF_ADJ: CostPart.POWER_FACTOR,
    ChargeCode.FUND_RURAL: CostPart.FUNDS,
    ChargeCode.FUND_RESERVOIR: CostPart.FUNDS,
    ChargeCode.FUND_RENEWABLE: CostPart.FUNDS,
}


def add_by_part(lines: Iterable[tuple[int, int]]) -> dict[CostPart, int]:
    """Lines (code, fen) added up by what they are paid for, in the order of `CostPart`; only parts that have lines."""
    sums: dict[CostPart, int] = {}
    for code, fen in lines:
        part = _PART_OF.get(code, CostPart.OTHER)
        sums[part] = sums.get(part, 0) + fen
    return {part: sums[part] for part in CostPart if part in sums}


def per_kwh_e8(fen: int, energy_kwh_e2: int) -> int | None:
    """Fen over 0.01 kWh in 1e-8 yuan a kWh, rounded half away from zero; None of no energy."""
    if energy_kwh_e2 <= 0:
        return None
    # A fen over a hundredth of a kWh is a yuan a kWh.
    whole = (abs(fen) * 10**8 * 2 + energy_kwh_e2) // (2 * energy_kwh_e2)
    return whole if fen >= 0 else -whole


def load_factor_e4(energy_kwh_e2: int, demand_kw_e4: int, hours: int) -> int | None:
    """The load factor in 0.01 %, rounded down; None where there is no demand."""
    if demand_kw_e4 <= 0 or hours <= 0:
        return None
    # Energy x 100 is in 0.0001 kWh, as demand x hours is.
    return energy_kwh_e2 * 100 * 10_000 // (demand_kw_e4 * hours)


def why_dearer(
    mine: Mapping[CostPart, int], energy_kwh_e2: int, others: Mapping[CostPart, int], others_kwh_e2: int
) -> list[tuple[CostPart, int]]:
    """By how much each part costs more (less: negative) a kWh than with others, in 1e-8 yuan, the largest first.

    Energy is compared as one part, whatever periods it is priced by: hours and prices together.
    """
    mean_mine, mean_others = _with_energy_as_one(mine), _with_energy_as_one(others)
    found = []
    for part in CostPart:
        difference = (per_kwh_e8(mean_mine.get(part, 0), energy_kwh_e2) or 0) - (
            per_kwh_e8(mean_others.get(part, 0), others_kwh_e2) or 0
        )
        if difference:
            found.append((part, difference))
    return sorted(found, key=lambda one: -abs(one[1]))


def _with_energy_as_one(parts: Mapping[CostPart, int]) -> dict[CostPart, int]:
    energy = (CostPart.SHARP, CostPart.PEAK, CostPart.FLAT, CostPart.VALLEY, CostPart.ENERGY)
    whole = {part: fen for part, fen in parts.items() if part not in energy}
    whole[CostPart.ENERGY] = sum(parts.get(part, 0) for part in energy)
    return whole
