"""Pure: export registers to energy, energy to money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from cis.rating.columns import amounts_fen
from cis.rating.registers import advance, energy_kwh_e2

__all__ = ["Earned", "Stretch", "earned", "exported_kwh_e2"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """The export register of one meter between two readings; values in 1e-4 of a register unit."""

    installation_id: int
    from_on: date
    to_on: date
    from_value_e4: int
    to_value_e4: int
    multiplier: int
    digits: int
    is_rollover: bool


@dataclass(frozen=True, slots=True)
class Earned:
    """Money in fen: each part rounded half-up once."""

    energy_fen: int
    subsidy_fen: int

    @property
    def total_fen(self) -> int:
        """What is paid."""
        return self.energy_fen + self.subsidy_fen


def exported_kwh_e2(stretches: Sequence[Stretch]) -> list[int]:
    """Return the energy of each stretch in 0.01 kWh, rounded to whole kWh as import is; never below zero.

    Raises ValueError where a register went back without having turned.
    """
    if not stretches:
        return []
    advanced = advance(
        np.array([s.from_value_e4 for s in stretches], dtype=np.int64),
        np.array([s.to_value_e4 for s in stretches], dtype=np.int64),
        np.array([s.digits for s in stretches], dtype=np.int64),
        np.array([s.is_rollover for s in stretches], dtype=np.bool_),
    )
    if (advanced < 0).any():
        raise ValueError("an export register went back")
    multipliers = np.array([s.multiplier for s in stretches], dtype=np.int64)
    return [int(energy) for energy in energy_kwh_e2(advanced, multipliers)]


def earned(energy: int, *, price_e8: int, subsidy_e8: int) -> Earned:
    """Return what so much energy (0.01 kWh) earns at a price and a subsidy in 1e-8 yuan a kWh."""
    column = np.array([energy], dtype=np.int64)
    return Earned(int(amounts_fen(column, price_e8)[0]), int(amounts_fen(column, subsidy_e8)[0]))
