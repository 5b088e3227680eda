"""Pure: a price that changes inside a period: each line's quantity is cut by days, or by what the register showed.

Source: billing-rules.md 1.1 and 4.1: by the frozen reading of the day of change where there is one, else by days, the
first part rounded to whole kWh and the rest to the last. A charge by the month is cut by days, in sixtieths (ours).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from cis.previews.bill_request import Request
from cis.previews.document import Document, number_of
from cis.previews.parts import Part
from cis.previews.supply import REGISTERS, SEGMENTS
from cis.previews.tariffs import StatedPrices
from cis.rating import CHARGES, PERIOD_REGISTERS, CannotPrice, LineFacts, Register, amounts_fen
from cis.rating.charges import ENERGY_CHARGE_OF_REGISTER
from cis.rating.columns import WHOLE, shared_amounts_fen
from cis.rating.rules.losses import spread

__all__ = ["Change", "Cut", "cut_lines", "read_change"]


@dataclass(frozen=True)
class Cut:
    """Which share of each register's energy lies before the change, None is the whole; and the days on both sides."""

    share: Mapping[Register | None, Fraction]
    days: tuple[int, int]

    def of(self, line: LineFacts) -> Fraction:
        """The share of one line; raises CannotPrice where its register was not read on the day of change."""
        for register, code in ENERGY_CHARGE_OF_REGISTER.items():
            if code == line.code and register in self.share:
                return self.share[register]
            if code == line.code and any(one in self.share for one in PERIOD_REGISTERS):
                raise CannotPrice("missing_field", f"inputs.price_change.frozen.{register.name.lower()}")
        return self.share[None]


@dataclass(frozen=True)
class Change:
    """The request as it is after the change, and how each part is cut."""

    later: Request
    main: Cut
    by_days: Cut
    by_meter: Mapping[str, Cut]
    """of sub-meters that were read on the day of change"""

    def cut_of(self, part: Part) -> Cut:
        """How a part is cut: as its meter was read, a share of the main meter as that, all else by days."""
        if part.role == "sub":
            return self.by_meter.get(part.label, self.by_days)
        return self.by_days if part.role == "fixed" else self.main

    def finish(self) -> None:
        """Refuse prices that no part has."""
        if self.later.prices is not None:
            self.later.prices.fields.finish()


def read_change(request: Request) -> Change | None:
    """
    The change of price of a request, None where there is none.

    :raises CannotPrice: it is outside the period, has no price, or a frozen reading does not fit the meters
    """
    if not request.inputs.has("price_change"):
        return None
    change = request.inputs.part("price_change")
    on, start, end = change.day("on"), request.start, request.end
    if start is None or end is None or not start < on < end:
        raise CannotPrice("out_of_range", f"{change.where}.on must lie inside period.start and period.end")
    if not change.has("tariff_ref") and not change.has("tariff_inline"):
        raise CannotPrice("missing_field", f"{change.where}.tariff_inline or tariff_ref: the price after the change")
    prices = StatedPrices.read(change.part("tariff_inline")) if change.has("tariff_inline") else None
    later = replace(request, tariff_ref=change.text("tariff_ref", ""), prices=prices)
    days = ((on - start).days, (end - on).days)
    by_days = Cut({None: Fraction(days[0], sum(days))}, days)
    main, by_meter = by_days, {}
    frozen = change.raw("frozen")
    if frozen is not None and request.switches.text("proration") != "by_days":
        where = f"{change.where}.frozen"
        values = dict(frozen) if isinstance(frozen, dict) else {"total": frozen}
        meters = request.inputs.parts("meters")
        for label in [name for name in values if name.startswith("sub")]:
            of_sub = [one for one in meters if _label(one) == label]
            by_meter[label] = Cut(_shares({"total": values.pop(label)}, of_sub, where), days)
        if values:
            main = Cut(_shares(values, [one for one in meters if _label(one) in ("main", *SEGMENTS)], where), days)
    change.finish()
    return Change(later, main, by_days, by_meter)


def _label(meter: Document) -> str:
    """The meter's name, as the supply groups meters."""
    name = meter.text("meter", "main")
    if not meter.has("role"):
        return name
    role = meter.text("role")
    return role if role in ("main", *SEGMENTS) else f"sub_{name}"


def _shares(values: Mapping[str, object], meters: Sequence[Document], where: str) -> dict[Register | None, Fraction]:
    """The share of each register before the change, from what it showed on that day."""
    first: dict[Register, Fraction] = {}
    moved: dict[Register, Fraction] = {}
    for meter in meters:
        name = meter.text("register")
        register = REGISTERS.get(name)
        if register not in (Register.TOTAL, *PERIOD_REGISTERS) or register is None:
            continue
        if register in moved:
            raise CannotPrice("unknown_meter", f"{where}: the meter was exchanged; options.proration by_days cuts it")
        before, moved[register] = _advance(meter, values.get(name), f"{where}.{name}")
        if before is not None:
            first[register] = before
    known = {name for name, register in REGISTERS.items() if register in moved}
    for name in values:
        if name not in known:
            raise CannotPrice("missing_field", f"{where}.{name} is no energy register of inputs.meters")
    periods = [one for one in PERIOD_REGISTERS if one in moved]
    others = [one for one in periods if one != Register.FLAT]
    if Register.TOTAL in first and others and all(one in first for one in others):
        # Flat is what the others leave of the total, before the change as after it.
        first[Register.FLAT] = first[Register.TOTAL] - sum(first[one] for one in others)
        moved[Register.FLAT] = moved[Register.TOTAL] - sum(moved[one] for one in others)
        if not 0 <= first[Register.FLAT] <= moved[Register.FLAT]:
            raise CannotPrice("out_of_range", f"{where}: the periods do not fit the total")
    of_whole = [Register.TOTAL] if Register.TOTAL in first else [one for one in PERIOD_REGISTERS if one in first]
    shares: dict[Register | None, Fraction] = {
        one: value / moved[one] if moved[one] else Fraction() for one, value in first.items()
    }
    whole = sum(moved[one] for one in of_whole)
    shares[None] = sum((first[one] for one in of_whole), Fraction()) / whole if whole else Fraction()
    return shares


def _advance(meter: Document, frozen: object, where: str) -> tuple[Fraction | None, Fraction]:
    """What a register showed before the day of change (None where nobody read it), and in the whole period."""
    previous = meter.number("prev")
    moved = meter.number("curr") - previous
    digits = meter.scaled("digits", 0, "0")
    turn = 10**digits if moved < 0 and digits else 0
    if frozen is None:
        return None, moved + turn
    first = number_of(frozen, where) - previous
    if first < 0:
        first += turn
    if not 0 <= first <= moved + turn:
        raise CannotPrice("out_of_range", f"{where} must lie between prev and curr")
    return first, moved + turn


def cut_lines(old: Sequence[LineFacts], new: Sequence[LineFacts], cut: Cut) -> list[LineFacts]:
    """
    The lines at the old price, then those at the new; together they hold every kWh once, and every month once.

    :raises CannotPrice: the two prices charge differently: other tiers, periods or charges
    """
    if [(line.code, line.quantity) for line in old] != [(line.code, line.quantity) for line in new]:
        raise CannotPrice("price_change_shape", "both prices must charge the same energy in the same tiers or periods")
    first: list[LineFacts] = []
    second: list[LineFacts] = []
    for before, after in zip(old, new, strict=True):
        if CHARGES[before.code].unit == "kWh":
            sign = -1 if before.quantity < 0 else 1
            exact = abs(before.quantity) * cut.of(before) / 100
            taken = int((2 * exact + 1) // 2) * 100 * sign
            taken = min(taken, before.quantity) if sign > 0 else max(taken, before.quantity)
            first.append(_priced(before, taken))
            second.append(_priced(after, after.quantity - taken))
        elif before.price_e8 == after.price_e8:
            second.append(after)
        elif before.share != WHOLE:
            raise CannotPrice("price_change_shape", "a charge of a part of a month whose price changes has no rule")
        else:
            shares = spread(np.array([WHOLE], np.int64), np.array([cut.days], np.int64), 1)[0].tolist()
            first.append(_by_month(before, shares[0]))
            second.append(_by_month(after, shares[1]))
    return [line for line in (*first, *second) if line.quantity and line.share]


def _priced(line: LineFacts, quantity: int) -> LineFacts:
    amount = amounts_fen(np.array([quantity], dtype=np.int64), line.price_e8)
    return replace(line, quantity=quantity, amount_fen=int(amount[0]))


def _by_month(line: LineFacts, share: int) -> LineFacts:
    """A charge by the month for a part of it."""
    column = np.array([line.quantity], dtype=np.int64)
    amount = shared_amounts_fen(column, line.price_e8, np.array([share], np.int64), CHARGES[line.code].places)
    return replace(line, share=share, amount_fen=int(amount[0]))
