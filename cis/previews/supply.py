"""Pure: what was used, from a request: register values, curves, losses, sub-meters and agreed shares, in 0.01 kWh."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from cis.previews.answer import plain
from cis.previews.document import Document
from cis.rating import (
    PERIOD_REGISTERS,
    CannotPrice,
    DayKind,
    Register,
    Switches,
    WindowSet,
    advance,
    energy_kwh_e2,
    flat_from_total,
)
from cis.rating.columns import Int64Column
from cis.rating.rules.losses import add_losses, formula_loss_e2, line_loss_e2, table_loss_e2
from cis.rating.rules.splits import Split, take_fixed, take_ratio, take_sub_meters

__all__ = ["Part", "Supply", "read_supply"]

REGISTERS = {
    "total": Register.TOTAL,
    "import_total": Register.TOTAL,
    "sharp": Register.SHARP,
    "peak": Register.PEAK,
    "flat": Register.FLAT,
    "valley": Register.VALLEY,
    "deep_valley": Register.DEEP_VALLEY,
    "export_total": Register.EXPORT_TOTAL,
    "import_sharp": Register.SHARP,
    "import_peak": Register.PEAK,
    "import_flat": Register.FLAT,
    "import_valley": Register.VALLEY,
    "import_deep_valley": Register.DEEP_VALLEY,
    "reactive": Register.REACTIVE_IMPORT,
    "reactive_total": Register.REACTIVE_IMPORT,
    "reactive_forward": Register.REACTIVE_IMPORT,
    "reactive_reverse": Register.REACTIVE_EXPORT,
    "reactive_import": Register.REACTIVE_IMPORT,
    "reactive_export": Register.REACTIVE_EXPORT,
    "demand": Register.DEMAND,
    "max_demand": Register.DEMAND,
}
GENERATION = "pv_generation"
MOST_DIGITS = 12
SEGMENTS = ("old", "new")

Energy = dict[Register, int]


@dataclass
class Part:
    """Energy that has a price of its own. `role`: main, old, new, sub, fixed or ratio."""

    role: str
    energy_e2: Energy
    reactive_e2: int | None = None
    label: str = ""
    """of a sub-meter, as the request names it"""

    @property
    def total_e2(self) -> int:
        """Import energy."""
        periods = [self.energy_e2[one] for one in PERIOD_REGISTERS if one in self.energy_e2]
        return sum(periods) if periods else self.energy_e2.get(Register.TOTAL, 0)

    @property
    def has_periods(self) -> bool:
        """Whether it was measured by period."""
        return any(one in self.energy_e2 for one in PERIOD_REGISTERS)


@dataclass
class Supply:
    """Everything measured and agreed; the parts stand in the order of the bill, the main one among them."""

    parts: list[Part] = field(default_factory=list)
    main_e2: int = 0
    """active energy of the main meter with its losses, before anything is taken off"""
    export_e2: int | None = None
    generation_e2: int | None = None
    demand_kw_e4: list[int] = field(default_factory=list)
    quantities: dict[str, str] = field(default_factory=dict)

    def part(self, *roles: str) -> Part | None:
        """The first part of one of these roles."""
        return next((part for part in self.parts if part.role in roles), None)


def read_supply(
    inputs: Document, options: Document, switches: Switches, windows: WindowSet | None, month: int
) -> Supply:
    """
    The energy of a request, in the order of billing-rules.md section 0.

    :raises CannotPrice: readings that cannot be, shares that do not fit, unknown registers or roles
    """
    supply = Supply()
    whole = switches.text("kwh_rounding") == "integer_kwh"
    if inputs.has("meters"):
        _metered(supply, inputs, switches, whole=whole)
    elif inputs.has("hourly_kwh") or inputs.has("quarter_kwh"):
        _from_curve(supply, inputs, windows, month)
    else:
        _stated(supply, inputs, whole=whole)
    main = supply.part("main", "new")
    for name in ("reactive_kvarh", "reactive_import_kvarh", "reactive_export_kvarh"):
        if main is not None and inputs.has(name):
            main.reactive_e2 = (main.reactive_e2 or 0) + inputs.scaled(name, 2)
    _losses(supply, inputs, switches)
    main = supply.part("main", "new")
    if main is not None:
        supply.main_e2 = main.total_e2
        _splits(supply, main, inputs, switches)
    _demand(supply, inputs)
    return supply


# --- What was measured -----------------------------------------------------------------------


def _metered(supply: Supply, inputs: Document, switches: Switches, *, whole: bool) -> None:
    """Register values, grouped by meter."""
    groups: dict[str, Part] = {}
    for meter in inputs.parts("meters"):
        label, name = meter.text("meter", "main"), meter.text("register")
        energy = _advance_of(meter, switches, whole=whole)
        if meter.has("role"):
            label = meter.text("role") if meter.text("role") in ("main", *SEGMENTS) else f"sub_{label}"
        if name == GENERATION:
            supply.generation_e2 = energy
        elif name not in REGISTERS:
            raise CannotPrice("unknown_register", f"{meter.where}.register {name}; known: {', '.join(REGISTERS)}")
        else:
            part = groups.setdefault(label, Part(_role_of(label, meter), {}, label=label))
            _note(supply, part, REGISTERS[name], energy, meter)
        meter.finish()
    for part in groups.values():
        _complete(part)
    _join_exchange(groups)
    supply.parts = [part for part in groups.values() if part.energy_e2 or part.reactive_e2 is not None]
    if len([part for part in supply.parts if part.role == "main"]) > 1:
        raise CannotPrice(
            "unknown_meter", "inputs.meters: more than one main meter; name the others sub_… or old and new"
        )


def _join_exchange(groups: dict[str, Part]) -> None:
    """Two meters that measured the same registers one after the other are one bill's energy."""
    old, new = (groups.get(name) for name in SEGMENTS)
    if old is None or new is None or old.energy_e2.keys() != new.energy_e2.keys():
        return
    for register, energy in old.energy_e2.items():
        new.energy_e2[register] += energy
    if old.reactive_e2 is not None:
        new.reactive_e2 = (new.reactive_e2 or 0) + old.reactive_e2
    new.role = "main"
    del groups["old"]


def _role_of(label: str, meter: Document) -> str:
    if label in ("main", *SEGMENTS):
        return label
    if label.startswith("sub"):
        return "sub"
    raise CannotPrice("unknown_meter", f"{meter.where}.meter {label}: main, old, new or a name that begins with sub")


def _advance_of(meter: Document, switches: Switches, *, whole: bool) -> int:
    """Energy of one register, 0.01 kWh; of a demand register what it shows times the ratio, 0.0001 kW."""
    ratio = meter.scaled("multiplier", 0, "1")
    if ratio < 1:
        raise CannotPrice("out_of_range", f"{meter.where}.multiplier must be at least 1")
    current = meter.scaled("curr", 4)
    if REGISTERS.get(meter.text("register")) == Register.DEMAND:
        meter.ignore("prev")
        return current * ratio
    previous = meter.scaled("prev", 4)
    digits = meter.scaled("digits", 0, "0")
    if digits > MOST_DIGITS:
        raise CannotPrice("out_of_range", f"{meter.where}.digits must be 1 to {MOST_DIGITS}")
    moved = current - previous
    # What takes back an estimate is a refund, whatever the register could do.
    if moved < 0 and not meter.flag("estimated"):
        choice = switches.text("negative_advance")
        if choice == "refuse" or (choice == "roll_over" and not digits):
            raise CannotPrice(
                "negative_advance", f"{meter.where}: the register went back; give digits if it turned over"
            )
        if choice == "roll_over":
            moved = int(advance(previous, current, digits, True))
    meter.ignore("estimated")
    return int(energy_kwh_e2(moved, ratio, whole))


def _note(supply: Supply, part: Part, register: Register, energy: int, meter: Document) -> None:
    if register in (Register.REACTIVE_IMPORT, Register.REACTIVE_EXPORT):
        part.reactive_e2 = (part.reactive_e2 or 0) + abs(energy)
    elif register == Register.DEMAND:
        if part.role != "sub":
            _highest(supply, part.role, energy)
    elif register == Register.EXPORT_TOTAL:
        supply.export_e2 = energy
    elif register in part.energy_e2:
        raise CannotPrice("register_twice", f"{meter.where}: {register.name.lower()} of {part.label} is named twice")
    else:
        part.energy_e2[register] = energy


def _highest(supply: Supply, role: str, demand: int) -> None:
    """A meter and the one it was exchanged for show one demand: the higher."""
    if role in SEGMENTS and supply.demand_kw_e4:
        supply.demand_kw_e4[-1] = max(supply.demand_kw_e4[-1], demand)
    else:
        supply.demand_kw_e4.append(demand)


def _complete(part: Part) -> None:
    """Where a meter has a total and periods, flat is what the others leave of the total."""
    if Register.TOTAL not in part.energy_e2 or not part.has_periods:
        return
    total = part.energy_e2.pop(Register.TOTAL)
    others = [
        part.energy_e2.get(one, 0) for one in (Register.SHARP, Register.PEAK, Register.VALLEY, Register.DEEP_VALLEY)
    ]
    part.energy_e2[Register.FLAT] = int(flat_from_total(total, *others))
    if part.energy_e2[Register.FLAT] < 0:
        raise CannotPrice("registers_disagree", f"meter {part.label}: the periods exceed the total")


def _from_curve(supply: Supply, inputs: Document, windows: WindowSet | None, month: int) -> None:
    """A day's curve, folded into periods."""
    if windows is None:
        raise CannotPrice("missing_field", "options.tou_windows_ref")
    name = "hourly_kwh" if inputs.has("hourly_kwh") else "quarter_kwh"
    values = [value * 100 for value in inputs.numbers(name)]
    kind = DayKind.__members__.get(inputs.text("day_kind", "workday").upper())
    if kind is None:
        raise CannotPrice("unknown_value", f"inputs.day_kind: one of {', '.join(one.name.lower() for one in DayKind)}")
    if len(values) != (24 if name == "hourly_kwh" else 96):
        raise CannotPrice("ill_typed", f"inputs.{name} must be a list of {24 if name == 'hourly_kwh' else 96} numbers")
    if any(value.denominator != 1 for value in values):
        raise CannotPrice("too_precise", f"inputs.{name} has more than 2 decimal places")
    column = np.array([[int(value) for value in values]], dtype=np.int64)
    fold = windows.fold_hourly if name == "hourly_kwh" else windows.fold
    folded = fold(column, month, kind)[0]
    energy = {one: int(folded[at]) for at, one in enumerate(PERIOD_REGISTERS) if one in windows.registers}
    supply.parts = [Part("main", energy)]


RATIOS = ("ratio_pct", "fixed_ratio_pct")
STATED = ("billed_kwh", "active_kwh", "main_kwh", "total_kwh", "import_kwh")


def _stated(supply: Supply, inputs: Document, *, whole: bool) -> None:
    """Energy that the request states itself."""
    found = [name for name in STATED if inputs.has(name)]
    if len(found) > 1:
        raise CannotPrice("register_twice", f"inputs: {' and '.join(found)} each say what was used")
    periods = {
        one: inputs.scaled(f"{one.name.lower()}_kwh", 2)
        for one in PERIOD_REGISTERS
        if inputs.has(f"{one.name.lower()}_kwh")
    }
    if inputs.has("actual_curr"):
        # The estimate was billed; what the actual reading adds to it, or takes off it, is billed now.
        ratio = inputs.scaled("multiplier", 0, "1")
        moved = inputs.scaled("actual_curr", 4) - inputs.scaled("estimated_prev", 4)
        inputs.ignore("last_actual")
        supply.parts = [Part("main", {Register.TOTAL: int(energy_kwh_e2(moved, ratio, whole))})]
        supply.quantities["billed_kwh"] = plain(Fraction(supply.parts[0].total_e2, 100))
    elif periods:
        supply.parts = [Part("main", periods | ({Register.TOTAL: inputs.scaled(found[0], 2)} if found else {}))]
        _complete(supply.parts[0])
    elif found:
        supply.parts = [Part("main", {Register.TOTAL: inputs.scaled(found[0], 2)})]


# --- What is added and taken off -------------------------------------------------------------


def _losses(supply: Supply, inputs: Document, switches: Switches) -> None:
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
    share = inputs.scaled(coefficient, 6, "0")
    hours = inputs.scaled("loss_hours", 0)
    return int(formula_loss_e2(_one(inputs.scaled(iron, 3)), _one(hours), _one(share), _one(read_e2), whole=whole)[0])


def _splits(supply: Supply, main: Part, inputs: Document, switches: Switches) -> None:
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
        energy = _rest(take_sub_meters(energy, of_sub, flat, proportional=proportional), f"meter {sub.label}")
    if subs:
        supply.quantities |= {
            "main": plain(Fraction(supply.main_e2, 100)),
            "sub": plain(Fraction(sum(sub.total_e2 for sub in subs), 100)),
        }
    taken: list[Part] = []
    if inputs.has("fixed_kwh"):
        fixed = inputs.scaled("fixed_kwh", 2)
        energy = _rest(take_fixed(energy, _one(fixed), flat, proportional=proportional), "inputs.fixed_kwh")
        taken.append(Part("fixed", {Register.TOTAL: fixed}))
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


def _demand(supply: Supply, inputs: Document) -> None:
    """Maximum demand: of one feeder, or of several that can be used together."""
    for feeder in inputs.parts("feeders"):
        feeder.ignore("name")
        supply.demand_kw_e4.append(feeder.scaled("max_demand_kw", 4))
        feeder.finish()
    if inputs.has("export_kwh"):
        supply.export_e2 = inputs.scaled("export_kwh", 2)
    if inputs.has("max_demand_kw"):
        supply.demand_kw_e4.append(inputs.scaled("max_demand_kw", 4))


def _one(value: int) -> Int64Column:
    return np.array([value], dtype=np.int64)
