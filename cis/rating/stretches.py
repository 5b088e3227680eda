"""Pure: a period in which the price changes: each line is cut between the prices, in the shares of what was used.

Source: billing-rules.md 1.1 and 4.1: by the register of the day of change where it is known, else by days; each tier's
quantity is cut alike, the first stretches rounded to whole kWh and the rest to the last. That a charge by the month is
cut by days, in sixtieths of it, is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis.rating.charges import CHARGES, ENERGY_CHARGE_OF_REGISTER, ChargeCode
from cis.rating.columns import WHOLE, Int64Column, Lines, amounts_fen, shared_amounts_fen
from cis.rating.registers import Register
from cis.rating.rules.losses import spread

__all__ = ["CutLines", "cut_lines"]


@dataclass(frozen=True)
class CutLines:
    """The lines of all stretches, ordered by row, stretch, and place on the bill."""

    lines: Lines
    stretch: Int64Column
    """at which of the prices each line stands"""
    at: Int64Column
    """its place among the lines of that price"""
    is_alike: NDArray[np.bool_]
    """(n,) whether all prices charge a row alike: the same tiers, periods and charges; other rows have no lines"""


def cut_lines(
    priced: Sequence[Lines],
    energy_kwh_e2: Int64Column,
    registers: Sequence[Register],
    days: Int64Column,
    *,
    other_fen: Int64Column | None = None,
) -> CutLines:
    """
    Cut the lines of n rows, of which all energy was rated at each of k prices.

    `energy_kwh_e2` (k, n, r) is what each register used at each price, `days` (k, n) how long each held.
    `other_fen` (n,): amounts of other parts of the bill of which the adjustment is a share too.
    """
    rows = energy_kwh_e2.shape[1]
    alike = _counted_alike(priced, rows)
    kept = [np.flatnonzero(alike[lines.row]) for lines in priced]
    alike &= ~_differs(priced, kept, rows)
    kept = [np.flatnonzero(alike[lines.row]) for lines in priced]
    last = len(priced) - 1
    row, code = priced[last].row[kept[last]], priced[last].code[kept[last]]
    quantity = priced[last].quantity[kept[last]]
    price = np.stack([lines.price_e8[at] for lines, at in zip(priced, kept, strict=True)])
    is_energy = np.isin(code, _ENERGY)
    is_amount = np.isin(code, _AMOUNTS)
    taken = np.zeros((len(priced), len(row)), dtype=np.int64)
    share = np.full(taken.shape, WHOLE, dtype=np.int64)
    share[last] = priced[last].share[kept[last]]
    weights = _weights(energy_kwh_e2, registers, row, code)
    # What is credited is cut as what is charged.
    sign = np.where(quantity < 0, -1, 1)
    cut = spread(np.abs(quantity), weights.T, last).T * sign
    taken[:, is_energy] = cut[:, is_energy]
    by_month = ~is_energy & ~is_amount
    taken[last, by_month] = quantity[by_month]
    changes = by_month & (price != price[last]).any(axis=0)
    if changes.any():
        taken[:, changes] = quantity[changes]
        whole = np.full(int(changes.sum()), WHOLE, dtype=np.int64)
        share[:, changes] = spread(whole, days[:, row[changes]].T, last).T
        taken[share == 0] = 0
    amount = np.zeros(taken.shape, dtype=np.int64)
    for number in range(len(priced)):
        amount[number, is_energy] = amounts_fen(taken[number, is_energy], price[number, is_energy])
        amount[number, by_month] = _amounts(
            code[by_month], taken[number, by_month], price[number, by_month], share[number, by_month]
        )
    _adjust(row, code, is_amount, price, taken, amount, np.zeros(rows, np.int64) if other_fen is None else other_fen)
    order = np.lexsort(
        (
            np.tile(np.arange(len(row)), len(priced)),
            np.repeat(np.arange(len(priced)), len(row)),
            np.tile(row, len(priced)),
        )
    )
    order = order[taken.reshape(-1)[order] != 0]
    stretch, line = np.divmod(order, max(len(row), 1))
    at = np.concatenate(kept) if len(row) else np.empty(0, dtype=np.int64)
    return CutLines(
        Lines(
            row=row[line],
            code=code[line],
            quantity=taken.reshape(-1)[order],
            price_e8=price.reshape(-1)[order],
            amount_fen=amount.reshape(-1)[order],
            share=share.reshape(-1)[order],
        ),
        stretch,
        at[order],
        alike,
    )


_ENERGY = [int(code) for code, charge in CHARGES.items() if charge.unit == "kWh"]
_AMOUNTS = [int(code) for code, charge in CHARGES.items() if charge.unit == "yuan"]


def _counted_alike(priced: Sequence[Lines], rows: int) -> NDArray[np.bool_]:
    """(n,) whether every price makes as many lines of a row."""
    counts = [np.bincount(lines.row, minlength=rows) for lines in priced]
    return np.asarray(np.all([count == counts[-1] for count in counts], axis=0))


def _differs(priced: Sequence[Lines], kept: Sequence[Int64Column], rows: int) -> NDArray[np.bool_]:
    """(n,) whether some line stands for something else at another price, or only a part of a month is charged."""
    differs = np.zeros(rows, dtype=np.bool_)
    last = priced[-1]
    row, code = last.row[kept[-1]], last.code[kept[-1]]
    by_amount = np.isin(code, _AMOUNTS)
    by_month = ~by_amount & ~np.isin(code, _ENERGY)
    for lines, at in zip(priced, kept, strict=True):
        other = lines.code[at] != code
        other |= (lines.quantity[at] != last.quantity[kept[-1]]) & ~by_amount
        dearer = lines.price_e8[at] != last.price_e8[kept[-1]]
        # A rate on amounts that changes, or a share of a share, has no source.
        other |= dearer & (by_amount | by_month & (lines.share[at] != WHOLE))
        differs[row[other]] = True
    return differs


def _weights(
    energy_kwh_e2: Int64Column, registers: Sequence[Register], row: Int64Column, code: NDArray[np.int16]
) -> Int64Column:
    """(k, lines) the energy that cuts each line: of its own register, else of all."""
    names = list(registers)
    periods = [names.index(one) for one in ENERGY_CHARGE_OF_REGISTER if one in names]
    total = energy_kwh_e2[:, :, names.index(Register.TOTAL)] if Register.TOTAL in names else None
    if total is None:
        total = energy_kwh_e2[:, :, periods].sum(axis=2)
    weights = np.asarray(total[:, row])
    for register, charge in ENERGY_CHARGE_OF_REGISTER.items():
        if register in names:
            of_register = code == int(charge)
            weights[:, of_register] = energy_kwh_e2[:, row[of_register], names.index(register)]
    return weights


def _amounts(code: NDArray[np.int16], quantity: Int64Column, price: Int64Column, share: Int64Column) -> Int64Column:
    amounts = np.zeros(len(code), dtype=np.int64)
    for one in np.unique(code).tolist():
        of = code == one
        places = CHARGES[ChargeCode(one)].places
        amounts[of] = shared_amounts_fen(quantity[of], price[of], share[of], places)
    return amounts


def _adjust(
    row: Int64Column,
    code: NDArray[np.int16],
    is_amount: NDArray[np.bool_],
    price: Int64Column,
    taken: Int64Column,
    amount: Int64Column,
    other_fen: Int64Column,
) -> None:
    """What is a share of amounts is one line, in the last stretch, of the amounts of all; changes in place."""
    if not is_amount.any():
        return
    is_base = ~is_amount & np.isin(code, [int(one) for one, charge in CHARGES.items() if charge.ledger == "energy"])
    base = other_fen.copy()
    for of_stretch in amount:
        np.add.at(base, row[is_base], of_stretch[is_base])
    of = np.flatnonzero(is_amount)
    taken[-1, of] = base[row[of]]
    amount[-1, of] = _amounts(code[of], taken[-1, of], price[-1, of], np.full(len(of), WHOLE, dtype=np.int64))
