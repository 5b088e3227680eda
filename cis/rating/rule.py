"""Pure: what every tariff rule is, and how the lines of rules are put together.

A rule reads its JSON once (`parse`), then names for every call its possible lines (`slots`). Rounding, overflow and
leaving out empty lines happen here, once, for all rules.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from cis.rating.charges import CHARGES, Charge, ChargeCode
from cis.rating.columns import (
    MAX_ENERGY_KWH_E2,
    Int8Column,
    Int64Column,
    Lines,
    Rated,
    Slot,
    Usage,
    amounts_fen,
    largest_quantity,
)
from cis.rating.parsing import Spec
from cis.rating.refusal import Refusal
from cis.rating.registers import Register

__all__ = ["LineFacts", "Rule", "assemble", "judge"]


@dataclass(frozen=True)
class LineFacts:
    """One bill line with the facts it follows from, for an explanation to the customer."""

    code: ChargeCode
    quantity_kwh_e2: int
    price_e8: int
    amount_fen: int
    facts: Mapping[str, object]
    """plain values: rule, tier, bounds, registers, components of the price, ..."""

    @property
    def charge(self) -> Charge:
        """The charge's names, ledger and legal basis."""
        return CHARGES[self.code]


class Rule(ABC):
    """One rule of a tariff: columns in, lines out. Immutable."""

    kind: ClassVar[str]
    """its name in a tariff version's JSON and in RULES"""
    prices_energy: ClassVar[bool] = False
    """True if it prices every kWh; a tariff has exactly one such rule"""

    @classmethod
    @abstractmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule's JSON; raises CannotPrice on unknown, missing or ill-typed fields."""

    @property
    @abstractmethod
    def charges(self) -> tuple[ChargeCode, ...]:
        """The charges this rule may bill, in the order of `slots`."""

    @property
    def period_registers(self) -> tuple[Register, ...]:
        """The time-of-use registers this rule prices; empty if it does not look at the time of use."""
        return ()

    @abstractmethod
    def slots(self, usage: Usage) -> list[Slot]:
        """Return every possible line with its quantity per row; raises CannotPrice if the usage lacks a register."""

    @abstractmethod
    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return the facts of each slot for the single row of `usage`."""

    def lines(self, usage: Usage) -> Lines:
        """Return this rule's lines alone; a row that is refused has none. Raises CannotPrice like `slots`."""
        return assemble(self.slots(usage), judge(usage, (self,))).lines

    def facts(self, usage: Usage, row: int) -> list[LineFacts]:
        """Return the lines of one row with their facts, in the order of the bill."""
        one = usage.take([row])
        explained: list[LineFacts] = []
        for slot, facts in zip(self.slots(one), self.slot_facts(one), strict=True):
            quantity = int(slot.quantity_kwh_e2[0])
            if quantity:
                amount = int(amounts_fen(slot.quantity_kwh_e2, slot.price_e8)[0])
                code = ChargeCode(slot.code)
                explained.append(LineFacts(code, quantity, slot.price_e8, amount, {"rule": self.kind} | facts))
        return explained


def judge(usage: Usage, rules: Sequence[Rule]) -> Int8Column:
    """Return (n,) Refusal codes for what can be seen before pricing; the first reason found stands."""
    refused = np.zeros(len(usage), dtype=np.int8)
    if not len(usage):
        return refused
    energy = usage.energy_kwh_e2
    if energy.min() < 0:
        refused[(energy < 0).any(axis=1)] = Refusal.NEGATIVE_ENERGY
    for column in (usage.people, usage.tier_kwh_e2_before):
        _refuse(refused, column < 0, Refusal.INVALID_DETERMINANT)
    for months in (usage.months, usage.tier_months):
        _refuse(refused, (months < 1) | (months > 12), Refusal.INVALID_DETERMINANT)
    if energy.max() > MAX_ENERGY_KWH_E2:
        _refuse(refused, (energy > MAX_ENERGY_KWH_E2).any(axis=1), Refusal.OVERFLOW)
    _refuse(refused, usage.tier_kwh_e2_before > MAX_ENERGY_KWH_E2, Refusal.OVERFLOW)
    priced = {register for rule in rules for register in rule.period_registers}
    if priced:
        for register in usage.period_registers:
            if register not in priced:
                _refuse(refused, usage.energy_of(register) != 0, Refusal.UNPRICED_REGISTER)
        if Register.TOTAL in usage.registers:
            differs = usage.energy_of(Register.TOTAL) != usage.period_energy()
            _refuse(refused, differs, Refusal.REGISTERS_DISAGREE)
    return refused


def _refuse(refused: Int8Column, where: ArrayLike, reason: Refusal) -> None:
    """Mark rows that have no reason yet."""
    refused[np.asarray(where, dtype=np.bool_) & (refused == 0)] = reason


def assemble(slots: Sequence[Slot], refused: Int8Column) -> Rated:
    """Round every line once, add up the rounded lines, leave out empty lines; refuse rows whose product overflows.

    `refused` (n,) holds what is already known; it is copied.
    """
    refused = refused.copy()
    rows = refused.shape[0]
    for slot in slots:
        largest = largest_quantity(slot.price_e8)
        if rows and slot.quantity_kwh_e2.max() > largest:
            _refuse(refused, slot.quantity_kwh_e2 > largest, Refusal.OVERFLOW)
    fine = refused == 0
    all_fine = bool(fine.all())
    total: Int64Column = np.zeros(rows, dtype=np.int64)
    taken = np.zeros(rows, dtype=np.int64)
    parts: list[tuple[Slot, Int64Column, Int64Column, Int64Column, Int64Column]] = []
    for slot in slots:
        quantity = slot.quantity_kwh_e2 if all_fine else np.where(fine, slot.quantity_kwh_e2, 0)
        amount = amounts_fen(quantity, slot.price_e8)
        total += amount
        row = np.flatnonzero(quantity).astype(np.int64, copy=False)
        if row.shape[0] == rows:
            parts.append((slot, row, taken.copy(), quantity, amount))
            taken += 1
        else:
            parts.append((slot, row, taken[row], quantity[row], amount[row]))
            taken[row] += 1
    start = np.cumsum(taken) - taken
    size = int(taken.sum())
    lines = Lines(
        row=np.empty(size, dtype=np.int64),
        code=np.empty(size, dtype=np.int16),
        quantity_kwh_e2=np.empty(size, dtype=np.int64),
        price_e8=np.empty(size, dtype=np.int64),
        amount_fen=np.empty(size, dtype=np.int64),
    )
    for slot, row, seq, quantity, amount in parts:
        at = start[row] + seq
        lines.row[at] = row
        lines.code[at] = slot.code
        lines.quantity_kwh_e2[at] = quantity
        lines.price_e8[at] = slot.price_e8
        lines.amount_fen[at] = amount
    return Rated(lines, total, refused)
