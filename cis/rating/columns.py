"""Pure: the columns that go into rating and come out of it, and the one place where money is rounded.

Units everywhere: energy in 0.01 kWh (`_kwh_e2`), prices in 1e-8 yuan (`_e8`), money in fen; all int64.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cis.rating.refusal import CannotPrice
from cis.rating.registers import INT64_MAX, PERIOD_REGISTERS, Register

__all__ = ["Int64Column", "Lines", "Rated", "Slot", "Usage", "amounts_fen"]

Int64Column = NDArray[np.int64]
Int8Column = NDArray[np.int8]

FEN_UNIT = 10**8
"""0.01 kWh x 1e-8 yuan = 1e-8 fen."""

MAX_ENERGY_KWH_E2 = 2**56
"""Above this a row is refused before any sum, so that no sum of registers or tiers can wrap."""


def largest_quantity(price_e8: int) -> int:
    """Return the largest quantity in 0.01 kWh whose product with the price still fits into int64."""
    return INT64_MAX if price_e8 == 0 else (INT64_MAX - FEN_UNIT) // abs(price_e8)


def amounts_fen(quantity_kwh_e2: Int64Column, price_e8: int | Int64Column) -> Int64Column:
    """Return quantity x price in fen, rounded half-up (away from zero for negatives).

    The caller keeps the product inside int64 (`largest_quantity`). Source: billing-rules.md section 0, rounding.
    """
    product = quantity_kwh_e2 * price_e8
    # floor((p + half) / unit) is half-up for p >= 0; one unit less before the floor makes it half-down, which is
    # away from zero, for p < 0.
    product += FEN_UNIT // 2 - (product < 0)
    product //= FEN_UNIT
    return product


@dataclass(frozen=True)
class Usage:
    """The determinants of n accounts, all on the same tariff version and bill month.

    Raises ValueError when a shape, a type or the bill month is wrong; values of single rows are judged by `rate`.
    """

    registers: tuple[Register, ...]
    """names of the r columns of `energy_kwh_e2`, each once"""
    energy_kwh_e2: Int64Column
    """(n, r) energy of the bill per register, 0.01 kWh"""
    tier_kwh_e2_before: Int64Column
    """(n,) energy already billed in the tier year, 0.01 kWh; read by annual tiers only"""
    people: NDArray[np.int16]
    """(n,) registered persons of the household"""
    months: Int8Column
    """(n,) months the bill covers, 1 or 2 (bimonthly); monthly tier bounds multiply by it"""
    bill_month: int
    """1 to 12, decides the season"""
    tier_months: Int8Column = field(default_factory=lambda: np.empty(0, dtype=np.int8))
    """(n,) months of the tier year to which annual bounds are pro-rated; 12 for all when left out"""

    def __post_init__(self) -> None:
        if self.energy_kwh_e2.ndim != 2 or self.energy_kwh_e2.shape[1] != len(self.registers):
            raise ValueError("energy_kwh_e2 must be (n, number of registers)")
        if len(set(self.registers)) != len(self.registers):
            raise ValueError("a register is named twice")
        rows = self.energy_kwh_e2.shape[0]
        if self.tier_months.shape == (0,) and rows:
            object.__setattr__(self, "tier_months", np.full(rows, 12, dtype=np.int8))
        expected: dict[str, type[np.signedinteger[Any]]] = {
            "tier_kwh_e2_before": np.int64,
            "people": np.int16,
            "months": np.int8,
            "tier_months": np.int8,
        }
        for name, kind in expected.items():
            column = getattr(self, name)
            if column.shape != (rows,) or column.dtype != kind:
                raise ValueError(f"{name} must be ({rows},) {kind.__name__}")
        if self.energy_kwh_e2.dtype != np.int64:
            raise ValueError("energy_kwh_e2 must be int64")
        if not 1 <= self.bill_month <= 12:
            raise ValueError("bill_month must be 1 to 12")

    @classmethod
    def of(
        cls,
        bill_month: int,
        energy_kwh_e2: dict[Register, ArrayLike],
        *,
        tier_kwh_e2_before: ArrayLike = 0,
        people: ArrayLike = 1,
        months: ArrayLike = 1,
        tier_months: ArrayLike = 12,
    ) -> "Usage":
        """Build a usage from one column per register; the other columns may be single values for all rows."""
        energy = np.column_stack([np.atleast_1d(np.asarray(c, dtype=np.int64)) for c in energy_kwh_e2.values()])
        rows = (energy.shape[0],)
        return cls(
            registers=tuple(energy_kwh_e2),
            energy_kwh_e2=energy,
            tier_kwh_e2_before=np.array(np.broadcast_to(np.asarray(tier_kwh_e2_before, dtype=np.int64), rows)),
            people=np.array(np.broadcast_to(np.asarray(people, dtype=np.int16), rows)),
            months=np.array(np.broadcast_to(np.asarray(months, dtype=np.int8), rows)),
            bill_month=bill_month,
            tier_months=np.array(np.broadcast_to(np.asarray(tier_months, dtype=np.int8), rows)),
        )

    def __len__(self) -> int:
        return int(self.energy_kwh_e2.shape[0])

    def energy_of(self, register: Register) -> Int64Column:
        """Return the (n,) energy of a register; raises CannotPrice(`register_missing`)."""
        if register not in self.registers:
            raise CannotPrice("register_missing", f"the usage has no register {register.name.lower()}")
        column: Int64Column = self.energy_kwh_e2[:, self.registers.index(register)]
        return column

    @property
    def period_registers(self) -> tuple[Register, ...]:
        """The time-of-use import registers this usage has, in the order of a bill."""
        return tuple(r for r in PERIOD_REGISTERS if r in self.registers)

    def period_energy(self) -> Int64Column:
        """Return the (n,) sum of the time-of-use import registers; raises CannotPrice(`register_missing`)."""
        if not self.period_registers:
            raise CannotPrice("register_missing", "the usage has no time-of-use register")
        energy = self.energy_of(self.period_registers[0])
        for register in self.period_registers[1:]:
            energy = energy + self.energy_of(register)
        return energy

    def import_energy(self) -> Int64Column:
        """Return the (n,) import energy: the total register, or else the sum of the time-of-use registers."""
        return self.energy_of(Register.TOTAL) if Register.TOTAL in self.registers else self.period_energy()

    def take(self, rows: Sequence[int] | slice | NDArray[Any]) -> "Usage":
        """Return the usage of some rows, in that order."""
        picked: Any = rows if isinstance(rows, slice) else np.asarray(rows, dtype=np.int64)
        return Usage(
            self.registers,
            self.energy_kwh_e2[picked],
            self.tier_kwh_e2_before[picked],
            self.people[picked],
            self.months[picked],
            self.bill_month,
            self.tier_months[picked],
        )


@dataclass(frozen=True)
class Slot:
    """One possible line of every bill: a charge at one price, and how much of it each row has (0 = no line)."""

    code: int
    price_e8: int
    quantity_kwh_e2: Int64Column


@dataclass(frozen=True)
class Lines:
    """Bill lines as flat columns of equal length, ordered by row and then as they stand on the bill."""

    row: Int64Column
    """index into the usage"""
    code: NDArray[np.int16]
    """ChargeCode"""
    quantity_kwh_e2: Int64Column
    price_e8: Int64Column
    amount_fen: Int64Column

    def __len__(self) -> int:
        return int(self.row.shape[0])


@dataclass(frozen=True)
class Rated:
    """The result of rating n rows. A refused row has no lines and a total of 0."""

    lines: Lines
    total_fen: Int64Column
    """(n,) sum of the rounded lines"""
    refused: Int8Column
    """(n,) Refusal; 0 = fine"""
