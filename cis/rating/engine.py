"""Pure: compile a tariff version, rate columns of accounts with it, explain one of its bills.

One kernel for the billing run, the bill at the counter, the re-bill, the preview and the tariff laboratory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cis.rating.columns import Lines, Rated, Slot, Usage
from cis.rating.refusal import CannotPrice, Refusal
from cis.rating.rule import LineFacts, Rule, assemble, judge
from cis.rating.rules import RULES

__all__ = ["CompiledTariff", "compile_rules", "explain", "rate"]

BLOCK_ROWS = 16_384
"""Rows rated at a time, so that the columns of a block stay in the processor's cache."""


@dataclass(frozen=True)
class CompiledTariff:
    """The rules of one tariff version, read and checked; in the order of the bill."""

    rules: tuple[Rule, ...]


def compile_rules(specs: Sequence[Mapping[str, Any]], *, prices_energy: bool = True) -> CompiledTariff:
    """Read the rules of a tariff version; `prices_energy=False` for a part of one that charges no energy.

    Raises CannotPrice: `no_rules`, `unknown_kind`, `no_energy_rule`, `energy_priced_twice`,
    `charge_twice`, or what a rule's `parse` raises.
    """
    if not isinstance(specs, list | tuple) or not specs:
        raise CannotPrice("no_rules", "a tariff needs a list of at least one rule")
    rules: list[Rule] = []
    for spec in specs:
        kind = spec.get("kind") if isinstance(spec, Mapping) else None
        if not isinstance(kind, str) or kind not in RULES:
            raise CannotPrice("unknown_kind", f"{kind!r}; known kinds are {', '.join(RULES)}")
        rules.append(RULES[kind].parse(spec))
    pricing = [rule.kind for rule in rules if rule.prices_energy]
    if not pricing and prices_energy:
        raise CannotPrice("no_energy_rule", "no rule prices the energy")
    if len(pricing) > 1:
        raise CannotPrice("energy_priced_twice", f"{' and '.join(pricing)} each price all energy")
    charges = [charge for rule in rules for charge in rule.charges]
    for charge in charges:
        if charges.count(charge) > 1:
            raise CannotPrice("charge_twice", charge.name)
    return CompiledTariff(tuple(rules))


def rate(tariff: CompiledTariff, usage: Usage) -> Rated:
    """Rate n accounts: lines ordered by row and position on the bill, totals in fen, refusals per row.

    A row with negative energy, a determinant out of range, registers that disagree or lack a price, or an overflow is
    refused and gets no lines; the other rows do not feel it. Raises CannotPrice(`register_missing`) for the whole
    call when the usage has no column for a register the tariff prices.
    """
    blocks = [
        _rate_block(tariff, usage.take(slice(start, start + BLOCK_ROWS)))
        for start in range(0, max(len(usage), 1), BLOCK_ROWS)
    ]
    if len(blocks) == 1:
        return blocks[0]
    for number, block in enumerate(blocks):
        np.add(block.lines.row, number * BLOCK_ROWS, out=block.lines.row)
    return Rated(
        Lines(
            *(
                np.concatenate([getattr(block.lines, name) for block in blocks])
                for name in ("row", "code", "quantity", "price_e8", "amount_fen", "share")
            )
        ),
        np.concatenate([block.total_fen for block in blocks]),
        np.concatenate([block.refused for block in blocks]),
    )


def _rate_block(tariff: CompiledTariff, usage: Usage) -> Rated:
    """Rate some rows at once."""
    refused = judge(usage, tariff.rules)
    for rule in tariff.rules:
        usage = rule.prepare(usage)
    slots: list[Slot] = []
    for rule in tariff.rules:
        slots += rule.slots_after(usage, slots)
    return assemble(slots, refused)


def explain(tariff: CompiledTariff, usage: Usage, row: int) -> list[LineFacts]:
    """Return the lines of one row, equal to those of `rate`, each with the facts it follows from.

    Raises CannotPrice: `row_refused` when `rate` refuses the row, else as `rate`.
    """
    one = usage.take([row])
    refused = int(rate(tariff, one).refused[0])
    if refused:
        raise CannotPrice("row_refused", Refusal(refused).name.lower())
    for rule in tariff.rules:
        one = rule.prepare(one)
    slots: list[Slot] = []
    lines: list[LineFacts] = []
    for rule in tariff.rules:
        more, explained = rule.facts(one, slots)
        slots += more
        lines += explained
    return lines
