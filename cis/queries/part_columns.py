"""The priced parts of bills that are more than one stretch of energy at one price, in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.queries.energy_columns import BILLED_REGISTERS

__all__ = ["PartColumns"]

Int = NDArray[np.int64]


@dataclass(frozen=True)
class PartColumns:
    """Priced parts, one row each; those of one bill lie together in the order of `BillPart.seq`."""

    row: Int
    """into the accounts"""
    kind: Int
    version: Int
    price_class: Int
    people: Int
    from_on: Int
    to_on: Int
    tier_kwh_e2_before: Int
    energy_kwh_e2: Int
    """(parts, len(BILLED_REGISTERS))"""
    has_register: NDArray[np.bool_]
    loss_kwh_e2: Int
    free_kwh_e2_per_month: Int
    free_months: Int

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def of(cls, parts: Sequence[Mapping[str, Any]]) -> PartColumns:
        """Columns of parts by name; what is not named is nought."""
        width = len(BILLED_REGISTERS)
        found: dict[str, Any] = {
            name: np.array([part.get(name, 0) for part in parts], dtype=np.int64)
            for name in cls.__dataclass_fields__
            if name not in ("energy_kwh_e2", "has_register")
        }
        found["energy_kwh_e2"] = np.array([part["energy_kwh_e2"] for part in parts], np.int64).reshape(-1, width)
        found["has_register"] = np.array([part["has_register"] for part in parts], np.bool_).reshape(-1, width)
        return cls(**found)

    @classmethod
    def joined(cls, several: Sequence[PartColumns]) -> PartColumns:
        """One after the other."""
        return cls(
            **{name: np.concatenate([getattr(one, name) for one in several]) for name in cls.__dataclass_fields__}
        )

    def among(self, which: NDArray[np.bool_]) -> PartColumns:
        """Some of them."""
        return PartColumns(**{name: getattr(self, name)[which] for name in self.__dataclass_fields__})

    def total_kwh_e2(self) -> Int:
        """(parts,) the import energy of each."""
        return np.where(self.has_register[:, 0], self.energy_kwh_e2[:, 0], self.energy_kwh_e2[:, 1:].sum(axis=1))

    def of_bill(self, row: int) -> NDArray[np.int64]:
        """The places of a bill's parts."""
        return np.flatnonzero(self.row == row)
