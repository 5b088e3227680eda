"""Pure: the columns that go into rating and come out of it, and the one place where money is rounded.

Units everywhere: energy in 0.01 kWh (`_kwh_e2`), prices in 1e-8 yuan (`_e8`), money in fen; all int64.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cis.rating.charges import CHARGES, ChargeCode
from cis.rating.refusal import CannotPrice
from cis.rating.registers import INT64_MAX, PERIOD_REGISTERS, Register

__all__ = ["WHOLE", "Int64Column", "Lines", "Rated", "Slot", "Usage", "amounts_fen"]

Int64Column = NDArray[np.int64]
Int8Column = NDArray[np.int8]

FEN_UNIT = 10**8
"""0.01 kWh x 1e-8 yuan = 1e-8 fen."""

WHOLE = 60
"""The share of a line that is charged whole. A month has thirty days in charges by the day, and a half of a day is
charged under the rule before 2016: sixtieths keep both exact."""

MAX_AMOUNT_FEN = 2**58
"""Above this a line is refused, so that no sum of lines can wrap."""

MAX_ENERGY_KWH_E2 = 2**56
"""Above this a row is refused before any sum, so that no sum of registers or tiers can wrap."""


def largest_quantity(price_e8: int) -> int:
    """Return the largest quantity in 0.01 kWh whose product with the price still fits into int64."""
    return INT64_MAX if price_e8 == 0 else (INT64_MAX - FEN_UNIT) // abs(price_e8)


def amounts_fen(quantity: Int64Column, price_e8: int | Int64Column) -> Int64Column:
    """Return quantity (0.01 of a unit) x price in fen, rounded half-up (away from zero for negatives).

    The caller keeps the product inside int64 (`largest_quantity`). Source: billing-rules.md section 0, rounding.
    """
    amount: Int64Column = _half_up(quantity * price_e8, FEN_UNIT)
    return amount


def shared_amounts_fen(
    quantity: Int64Column, price_e8: int | Int64Column, share: Int64Column | None, places: int
) -> Int64Column:
    """Return quantity (10**-places of a unit) x price x share / 60 in fen, rounded half-up once, however large.

    `share` (n,) in sixtieths, None = whole. What does not fit into int64 comes back as the largest int64.
    """
    unit = 10 ** (places + 6) * (1 if share is None else WHOLE)
    factors: list[Any] = [quantity, price_e8] if share is None else [quantity, price_e8, share]
    widest = 1
    for factor in factors:
        column = np.asarray(factor)
        widest *= max(abs(int(column.min())), abs(int(column.max()))) if column.size else 0
    if widest > INT64_MAX - unit:
        factors = [np.asarray(factor).astype(object) for factor in factors]
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    amount = _half_up(product, unit)
    return np.asarray(np.clip(amount, -INT64_MAX, INT64_MAX), dtype=np.int64)


def _half_up(product: Any, unit: int) -> Any:
    """Divide by `unit`, rounding half away from zero."""
    # floor((p + half) / unit) is half-up for p >= 0; one unit less before the floor makes it half-down, which is
    # away from zero, for p < 0.
    product += unit // 2 - (product < 0)
    product //= unit
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
    more: Mapping[str, Int64Column] = field(default_factory=dict)
    """determinants that only some rules read, by name: int64, n rows each; the rules' files say what they are"""

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
        for name, column in self.more.items():
            if column.shape[:1] != (rows,) or column.dtype != np.int64:
                raise ValueError(f"{name} must have {rows} rows of int64")
        if not 1 <= self.bill_month <= 12:
            raise ValueError("bill_month must be 1 to 12")

    @classmethod
    def of(
        cls,
        bill_month: int,
        energy_kwh_e2: Mapping[Register, ArrayLike],
        *,
        tier_kwh_e2_before: ArrayLike = 0,
        people: ArrayLike = 1,
        months: ArrayLike = 1,
        tier_months: ArrayLike = 12,
        more: Mapping[str, ArrayLike] | None = None,
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
            more={name: _column_of(value, rows[0]) for name, value in (more or {}).items()},
        )

    def __len__(self) -> int:
        return int(self.energy_kwh_e2.shape[0])

    def energy_of(self, register: Register) -> Int64Column:
        """Return the (n,) energy of a register; raises CannotPrice(`register_missing`)."""
        if register not in self.registers:
            raise CannotPrice("register_missing", f"the usage has no register {register.name.lower()}")
        column: Int64Column = self.energy_kwh_e2[:, self.registers.index(register)]
        return column

    def determinant(self, name: str) -> Int64Column:
        """Return a column of `more`; raises CannotPrice(`determinant_missing`)."""
        if name not in self.more:
            raise CannotPrice("determinant_missing", name)
        return self.more[name]

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
            {name: column[picked] for name, column in self.more.items()},
        )


def _column_of(value: ArrayLike, rows: int) -> Int64Column:
    """One value for all rows, or a row each."""
    column = np.asarray(value, dtype=np.int64)
    return np.array(column if column.shape[:1] == (rows,) and column.ndim else np.broadcast_to(column, (rows,)))


@dataclass(frozen=True)
class Slot:
    """One possible line of every bill: a charge at a price, and how much of it each row has (0 = no line)."""

    code: int
    price_e8: int | Int64Column
    """one for all rows, or (n,)"""
    quantity: Int64Column
    """(n,) in 10**-places of the charge's unit"""
    share: Int64Column | None = None
    """(n,) sixtieths of the line that are charged; None = all are"""

    @property
    def is_plain(self) -> bool:
        """Whether it is energy at one price, which the fast path rates."""
        return self.share is None and isinstance(self.price_e8, int) and CHARGES[ChargeCode(self.code)].places == 2

    @cached_property
    def amount_fen(self) -> Int64Column:
        """(n,) the rounded amounts; of a row whose product overflows anything, for it is refused."""
        if self.is_plain:
            return amounts_fen(self.quantity, self.price_e8)
        return shared_amounts_fen(self.quantity, self.price_e8, self.share, CHARGES[ChargeCode(self.code)].places)

    def overflows(self) -> NDArray[np.bool_] | None:
        """(n,) whose amount does not fit into int64; None if all do."""
        if not self.quantity.size:
            return None
        if self.is_plain and isinstance(self.price_e8, int):
            largest = largest_quantity(self.price_e8)
            if self.quantity.max() <= largest:
                return None
            return np.asarray(self.quantity > largest)
        too_big = np.abs(self.amount_fen) >= MAX_AMOUNT_FEN
        return too_big if too_big.any() else None


@dataclass(frozen=True)
class Lines:
    """Bill lines as flat columns of equal length, ordered by row and then as they stand on the bill."""

    row: Int64Column
    """index into the usage"""
    code: NDArray[np.int16]
    """ChargeCode"""
    quantity: Int64Column
    """in 10**-places of the charge's unit: 0.01 kWh, 0.01 kVA, 0.0001 kW, fen"""
    price_e8: Int64Column
    amount_fen: Int64Column
    share: Int64Column
    """sixtieths that are charged; 60 (`WHOLE`) is all"""

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
