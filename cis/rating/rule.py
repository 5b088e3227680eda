"""Pure: what every tariff rule is, and how the lines of rules are put together.

A rule reads its JSON once (`parse`), then names for every call its possible lines (`slots`). Rounding, overflow and
leaving out empty lines happen here, once, for all rules.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cis.rating.charges import CHARGES, Charge, ChargeCode
from cis.rating.columns import (
    MAX_ENERGY_KWH_E2,
    WHOLE,
    Int8Column,
    Int64Column,
    Lines,
    Rated,
    Slot,
    Usage,
)
from cis.rating.parsing import Spec
from cis.rating.refusal import Refusal
from cis.rating.registers import Register

__all__ = ["LineFacts", "Rule", "assemble", "judge"]


@dataclass(frozen=True)
class LineFacts:
    """One bill line with the facts it follows from, for an explanation to the customer."""

    code: ChargeCode
    quantity: int
    """in 10**-places of the charge's unit"""
    price_e8: int
    amount_fen: int
    share: int
    """sixtieths that are charged; 60 is all"""
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

    def slots_after(self, usage: Usage, before: Sequence[Slot]) -> list[Slot]:
        """Return the possible lines, knowing those of the rules before; only a rule on amounts looks at them."""
        del before
        return self.slots(usage)

    def prepare(self, usage: Usage) -> Usage:
        """Return what is priced, before any rule prices it; most rules leave it as it is."""
        return usage

    def refuse(self, usage: Usage) -> NDArray[np.int8] | None:
        """Return (n,) Refusal codes of rows this rule cannot price; None if it can price all."""
        del usage
        return None

    def offers(self, usage: Usage) -> list[tuple[Slot, dict[str, object]]]:
        """Return every price this rule charges in the month of a usage of one row, with its facts; for a price list."""
        return list(zip(self.slots(usage), self.slot_facts(usage), strict=True))

    def facts(self, usage: Usage, before: Sequence[Slot]) -> tuple[list[Slot], list[LineFacts]]:
        """Return the slots of a usage of one row, and its lines with their facts in the order of the bill."""
        slots = self.slots_after(usage, before)
        explained: list[LineFacts] = []
        for slot, facts in zip(slots, self.slot_facts(usage), strict=True):
            if slot.quantity[0]:
                price = slot.price_e8 if isinstance(slot.price_e8, int) else int(slot.price_e8[0])
                explained.append(
                    LineFacts(
                        ChargeCode(slot.code),
                        int(slot.quantity[0]),
                        price,
                        int(slot.amount_fen[0]),
                        WHOLE if slot.share is None else int(slot.share[0]),
                        {"rule": self.kind} | facts,
                    )
                )
        return slots, explained


def judge(usage: Usage, rules: Sequence[Rule]) -> Int8Column:
    """Return (n,) Refusal codes for what can be seen before pricing; the first reason found stands."""
    refused = np.zeros(len(usage), dtype=np.int8)
    energy = usage.energy_kwh_e2
    if not energy.size:
        return refused
    if energy.min() < 0:
        refused[(energy < 0).any(axis=1)] = Refusal.NEGATIVE_ENERGY
    _judge_determinants(refused, usage)
    _judge_periods(refused, usage, {register for rule in rules for register in rule.period_registers})
    for rule in rules:
        reasons = rule.refuse(usage)
        if reasons is not None:
            refused = np.where(refused == 0, reasons, refused).astype(np.int8)
    return refused


def _judge_determinants(refused: Int8Column, usage: Usage) -> None:
    """Mark rows with a determinant out of range."""
    energy = usage.energy_kwh_e2
    for column in (usage.people, usage.tier_kwh_e2_before):
        _refuse(refused, column < 0, Refusal.INVALID_DETERMINANT)
    for months in (usage.months, usage.tier_months):
        _refuse(refused, (months < 1) | (months > 12), Refusal.INVALID_DETERMINANT)
    if energy.max() > MAX_ENERGY_KWH_E2:
        _refuse(refused, (energy > MAX_ENERGY_KWH_E2).any(axis=1), Refusal.OVERFLOW)
    _refuse(refused, usage.tier_kwh_e2_before > MAX_ENERGY_KWH_E2, Refusal.OVERFLOW)


def _judge_periods(refused: Int8Column, usage: Usage, priced: set[Register]) -> None:
    """Mark rows whose time-of-use registers have no price or do not add up."""
    if priced:
        for register in usage.period_registers:
            if register not in priced:
                _refuse(refused, usage.energy_of(register) != 0, Refusal.UNPRICED_REGISTER)
        if Register.TOTAL in usage.registers:
            differs = usage.energy_of(Register.TOTAL) != usage.period_energy()
            _refuse(refused, differs, Refusal.REGISTERS_DISAGREE)


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
        too_big = slot.overflows()
        if too_big is not None:
            _refuse(refused, too_big, Refusal.OVERFLOW)
    fine = refused == 0
    all_fine = bool(fine.all())
    total: Int64Column = np.zeros(rows, dtype=np.int64)
    taken = np.zeros(rows, dtype=np.int64)
    parts: list[tuple[Slot, Int64Column, Int64Column, Int64Column, Int64Column]] = []
    for slot in slots:
        quantity = slot.quantity if all_fine else np.where(fine, slot.quantity, 0)
        amount = slot.amount_fen if all_fine else np.where(fine, slot.amount_fen, 0)
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
        quantity=np.empty(size, dtype=np.int64),
        price_e8=np.empty(size, dtype=np.int64),
        amount_fen=np.empty(size, dtype=np.int64),
        share=np.full(size, WHOLE, dtype=np.int64),
    )
    for slot, row, seq, quantity, amount in parts:
        at = start[row] + seq
        lines.row[at] = row
        lines.code[at] = slot.code
        lines.quantity[at] = quantity
        lines.price_e8[at] = slot.price_e8 if isinstance(slot.price_e8, int) else slot.price_e8[row]
        lines.amount_fen[at] = amount
        if slot.share is not None:
            lines.share[at] = slot.share[row]
    return Rated(lines, total, refused)
