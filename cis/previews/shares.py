"""Pure: what is added to the metered energy and taken off it: losses, sub-meters, agreed quantities and shares."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from cis.previews.answer import plain
from cis.previews.document import Document
from cis.previews.parts import Part, Supply
from cis.rating import CannotPrice, Register, Switches
from cis.rating.columns import Int64Column
from cis.rating.rules.losses import add_losses, formula_loss_e2, line_loss_e2, table_loss_e2
from cis.rating.rules.splits import Split, take_fixed, take_ratio, take_sub_meters

__all__ = ["add_agreed_losses", "take_off"]

RATIOS = ("ratio_pct", "fixed_ratio_pct")


def add_agreed_losses(supply: Supply, inputs: Document, switches: Switches) -> None:
    """Transformer, then line; of a bill with two meters the old one stood behind the transformer."""
    part = supply.part("old") or supply.part("main")
    whole = switches.text("loss_rounding") == "integer_kwh"
    active = _transformer_loss(inputs, "active", "kwh", part.total_e2 if part else 0, whole=whole)
    reactive = _transformer_loss(inputs, "reactive", "kvarh", (part.reactive_e2 or 0) if part else 0, whole=whole)
    rate_e6 = inputs.scaled("line_loss_pct", 4, "0")
    if not (active or reactive or rate_e6):
        return
    if part is None:
        raise CannotPrice("missing_field", "inputs: losses of what? no energy is given")
    _check_losses(part, inputs)
    energy = np.array([list(part.energy_e2.values())], dtype=np.int64)
    line = int(line_loss_e2(_one(part.total_e2 + active), _one(rate_e6), whole=whole)[0])
    registers = list(part.energy_e2)
    flat = registers.index(Register.FLAT) if Register.FLAT in registers else 0
    # Without a flat price there is no flat period to put it in.
    proportional = switches.text("loss_tou_allocation") == "proportional" or Register.FLAT not in registers
    billed = add_losses(energy, _one(active + line), flat, proportional=proportional)
    part.energy_e2 = dict(zip(registers, billed[0].tolist(), strict=True))
    if part.reactive_e2 is not None or reactive:
        base = (part.reactive_e2 or 0) + reactive
        part.reactive_e2 = base + int(line_loss_e2(_one(base), _one(rate_e6), whole=whole)[0])
        supply.quantities["billed_reactive"] = plain(Fraction(part.reactive_e2, 100))
    if part.role == "old":
        supply.quantities["old_kwh"] = plain(Fraction(int(energy.sum()), 100))
    supply.quantities["loss_kwh"] = plain(Fraction(active + line, 100))
    supply.quantities["billed_active"] = plain(Fraction(part.total_e2, 100))


LOSSES = {
    kind: (f"{kind}_transformer_loss", f"transformer_loss_monthly_{unit}", iron)
    for kind, unit, iron in (("active", "kwh", "iron_loss_kw"), ("reactive", "kvarh", "iron_loss_kvar"))
}


def _check_losses(part: Part, inputs: Document) -> None:
    """:raises CannotPrice: one of the two losses of a transformer without the other, which would bend the factor"""
    given = {kind: [name for name in names if inputs.has(name)] for kind, names in LOSSES.items()}
    for kind, names in given.items():
        if len(names) > 1:
            raise CannotPrice("register_twice", f"inputs: {' and '.join(names)} each say the {kind} loss")
    if part.role == "old" and any(
        name.startswith("transformer_loss_monthly") for names in given.values() for name in names
    ):
        inputs.need("loss_days")  # of a month that the meter did not stay for
    if given["active"] and part.reactive_e2 is not None and not given["reactive"]:
        raise CannotPrice("missing_field", "inputs.reactive_transformer_loss beside the active one")
    if given["reactive"] and not given["active"]:
        raise CannotPrice("missing_field", "inputs.active_transformer_loss beside the reactive one")
    if given["reactive"] and part.reactive_e2 is None:
        raise CannotPrice("missing_field", "inputs.reactive_kvarh, or a register reactive, beside the reactive loss")


def _transformer_loss(inputs: Document, kind: str, unit: str, read_e2: int, *, whole: bool) -> int:
    """0.01 kWh (kvarh): stated, by the month's table, or by formula."""
    stated, table = f"{kind}_transformer_loss", f"transformer_loss_monthly_{unit}"
    if inputs.has(stated):
        return inputs.scaled(stated, 2)
    if inputs.has(table):
        days = inputs.scaled("loss_days", 0, "30")
        return int(table_loss_e2(_one(inputs.scaled(table, 2)), _one(days), whole=whole)[0])
    iron, coefficient = (
        ("iron_loss_kw", "loss_coefficient") if kind == "active" else ("iron_loss_kvar", "loss_coefficient_k")
    )
    if not inputs.has(iron):
        return 0
    share = inputs.scaled(coefficient, 6)
    hours = inputs.scaled("loss_hours", 0)
    return int(formula_loss_e2(_one(inputs.scaled(iron, 3)), _one(hours), _one(share), _one(read_e2), whole=whole)[0])


def take_off(supply: Supply, main: Part, inputs: Document, switches: Switches, months: Callable[[], int]) -> None:
    """Sub-meters, then agreed quantities, then agreed shares."""
    registers = list(main.energy_e2)
    flat = registers.index(Register.FLAT) if Register.FLAT in registers else 0
    energy = np.array([list(main.energy_e2.values())], dtype=np.int64)
    proportional = switches.text("sub_deduction_tou") == "proportional"
    subs = [part for part in supply.parts if part.role == "sub"]
    for sub in subs:
        # A sub-meter with periods of its own is taken from those periods.
        alike = sub.energy_e2.keys() <= set(registers)
        by_register = [sub.energy_e2.get(register, 0) for register in registers]
        of_sub = np.array([by_register if alike else [sub.total_e2]], dtype=np.int64)
        energy = _rest(take_sub_meters(energy, of_sub, flat, proportional=proportional), f"inputs.meters: {sub.label}")
    if subs:
        supply.quantities |= {
            "main": plain(Fraction(supply.main_e2, 100)),
            "sub": plain(Fraction(sum(sub.total_e2 for sub in subs), 100)),
        }
    taken: list[Part] = []
    if inputs.has("fixed_kwh"):
        fixed = inputs.scaled("fixed_kwh", 2) * months()  # agreed by the month
        energy = _rest(take_fixed(energy, _one(fixed), flat, proportional=proportional), "inputs.fixed_kwh")
        taken.append(Part("fixed", {Register.TOTAL: fixed}))
    if all(inputs.has(name) for name in RATIOS):
        raise CannotPrice("register_twice", f"inputs: {' and '.join(RATIOS)} each say the share")
    ratio = next((name for name in RATIOS if inputs.has(name)), None)
    if ratio is not None:
        base = supply.main_e2 if switches.text("ratio_base") == "main_total" else int(energy.sum())
        split = take_ratio(energy, _one(base), _one(inputs.scaled(ratio, 4)), flat, proportional=proportional)
        energy = _rest(split, f"inputs.{ratio}")
        taken.append(Part("ratio", {Register.TOTAL: int(split.taken_e2[0])}))
    main.energy_e2 = dict(zip(registers, energy[0].tolist(), strict=True))
    supply.parts = [*taken, *supply.parts]


def _rest(split: Split, where: str) -> Int64Column:
    if split.too_small.any():
        raise CannotPrice("main_below_parts", f"{where} is more than the main meter measured")
    return split.rest_e2


def _one(value: int) -> Int64Column:
    return np.array([value], dtype=np.int64)
