"""Pure: a price that changes inside a period: each line's quantity is cut by days, or by what the register showed.

Source: billing-rules.md 1.1 and 4.1: by the frozen reading of the day of change where there is one, else by days, the
first part rounded to whole kWh and the rest to the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

import numpy as np

from cis.previews.document import Document
from cis.rating import CHARGES, CannotPrice, LineFacts, Register, Switches, amounts_fen
from cis.rating.charges import ENERGY_CHARGE_OF_REGISTER

__all__ = ["Cut", "cut_lines", "read_cut"]


@dataclass(frozen=True)
class Cut:
    """Which share of each register's energy lies before the change; None is the whole."""

    share: dict[Register | None, Fraction]

    def of(self, line: LineFacts) -> Fraction:
        """The share of one line."""
        for register, code in ENERGY_CHARGE_OF_REGISTER.items():
            if code == line.code and register in self.share:
                return self.share[register]
        return self.share[None]


def read_cut(
    change: Document, meters: Sequence[Document], *, start: date | None, end: date | None, switches: Switches
) -> Cut:
    """
    The shares before the change.

    :raises CannotPrice: the change is outside the period, or there is no frozen reading to cut by
    """
    on = change.day("on")
    if start is None or end is None or not start < on < end:
        raise CannotPrice("out_of_range", f"{change.where}.on must lie inside period.start and period.end")
    frozen = change.raw("frozen")
    if frozen is None or switches.text("proration") == "by_days":
        return Cut({None: Fraction((on - start).days, (end - start).days)})
    values = frozen if isinstance(frozen, dict) else {"total": frozen}
    shares: dict[Register | None, Fraction] = {}
    before = whole = Fraction()
    for meter in meters:
        name = meter.text("register")
        if name not in values:
            continue
        moved = meter.number("curr") - meter.number("prev")
        first = Fraction(str(values[name])) - meter.number("prev")
        if not 0 <= first <= moved:
            raise CannotPrice("out_of_range", f"{change.where}.frozen {name} must lie between prev and curr")
        shares[Register[name.upper()]] = first / moved if moved else Fraction()
        before, whole = before + first, whole + moved
    if not shares:
        raise CannotPrice("missing_field", f"{change.where}.frozen names no register of inputs.meters")
    shares[None] = before / whole if whole else Fraction()
    return Cut(shares)


def cut_lines(old: Sequence[LineFacts], new: Sequence[LineFacts], cut: Cut) -> list[LineFacts]:
    """
    The lines at the old price, then those at the new; together they hold every kWh once.

    :raises CannotPrice: the two prices charge differently (other tiers, periods, or more than energy)
    """
    if [(line.code, line.quantity) for line in old] != [(line.code, line.quantity) for line in new] or any(
        CHARGES[line.code].unit != "kWh" for line in old
    ):
        raise CannotPrice("price_change_shape", "both prices must charge the same energy in the same tiers or periods")
    first: list[LineFacts] = []
    second: list[LineFacts] = []
    for before, after in zip(old, new, strict=True):
        exact = before.quantity * cut.of(before) / 100
        taken = int((2 * exact + 1) // 2) * 100
        first.append(_priced(before, taken))
        second.append(_priced(after, after.quantity - taken))
    return [line for line in (*first, *second) if line.quantity]


def _priced(line: LineFacts, quantity: int) -> LineFacts:
    amount = amounts_fen(np.array([quantity], dtype=np.int64), line.price_e8)
    return replace(line, quantity=quantity, amount_fen=int(amount[0]))
