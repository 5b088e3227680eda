"""Pure: what was used, from a request: register values, curves and stated energy, in 0.01 kWh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from cis.previews.answer import plain
from cis.previews.document import Document
from cis.previews.parts import Part, Supply, Terms
from cis.previews.shares import add_agreed_losses, take_off
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

__all__ = ["REGISTERS", "read_supply"]

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
REACTIVE = (Register.REACTIVE_IMPORT, Register.REACTIVE_EXPORT)
ROUNDING_E2 = 300
"""By so much the periods of a meter may miss its total: each register is rounded by itself."""


def read_supply(
    inputs: Document,
    options: Document,
    switches: Switches,
    windows: WindowSet | None,
    month: int,
    terms: Terms,
    months: Callable[[], int],
) -> Supply:
    """
    The energy of a request, in the order of billing-rules.md section 0.

    `months` says how many the period has, and refuses where it is unclear; only what is agreed by the month asks.

    :raises CannotPrice: readings that cannot be, shares that do not fit, unknown registers or roles
    """
    supply = Supply()
    whole = switches.text("kwh_rounding") == "integer_kwh"
    if inputs.has("meters"):
        _metered(supply, inputs, switches, terms, whole=whole)
    elif inputs.has("hourly_kwh") or inputs.has("quarter_kwh"):
        _from_curve(supply, inputs, windows, month)
    else:
        _stated(supply, inputs, terms, whole=whole)
    if windows is not None:
        _check_windows(supply, windows, month, terms)
    _stated_reactive(supply.part("main", "new"), inputs)
    add_agreed_losses(supply, inputs, switches)
    main = supply.part("main", "new")
    if main is not None:
        supply.main_e2 = main.total_e2
        take_off(supply, main, inputs, switches, months)
    _demand(supply, inputs)
    return supply


# --- What was measured -----------------------------------------------------------------------


def _metered(supply: Supply, inputs: Document, switches: Switches, terms: Terms, *, whole: bool) -> None:
    """Register values, grouped by meter."""
    groups: dict[str, Part] = {}
    seen: set[tuple[str, object]] = set()
    for meter in inputs.parts("meters"):
        label, name = meter.text("meter", "main"), meter.text("register")
        energy = _advance_of(meter, switches, whole=whole)
        if meter.has("role"):
            label = meter.text("role") if meter.text("role") in ("main", *SEGMENTS) else f"sub_{label}"
        register = REGISTERS.get(name)
        if register is None and name != GENERATION:
            raise CannotPrice("unknown_register", f"{meter.where}.register {name}; known: {', '.join(REGISTERS)}")
        if (label, register) in seen:
            raise CannotPrice("register_twice", f"{meter.where}.register: {name} of meter {label} is named twice")
        seen.add((label, register))
        if register is None:
            supply.generation_e2 = (supply.generation_e2 or 0) + energy
        else:
            part = groups.setdefault(label, Part(_role_of(label, meter), {}, label=label))
            _note(supply, part, register, energy, meter)
        meter.finish()
    for part in groups.values():
        _complete(part, terms)
    _check_meters(groups)
    _join_exchange(groups)
    supply.parts = [part for part in groups.values() if part.energy_e2 or part.reactive_e2 is not None]
    if len([part for part in supply.parts if part.role == "main"]) > 1:
        raise CannotPrice(
            "unknown_meter", "inputs.meters: more than one main meter; name the others sub_… or old and new"
        )


def _check_meters(groups: Mapping[str, Part]) -> None:
    """:raises CannotPrice: meters that cannot stand together, or one that lacks what is needed of it"""
    old, new = (groups.get(name) for name in SEGMENTS)
    if "main" in groups and (old or new):
        raise CannotPrice(
            "unknown_meter", "inputs.meters: main cannot stand beside old or new, which follow each other"
        )
    if old is not None and new is None:
        raise CannotPrice("missing_field", "inputs.meters: the meter new that came for old")
    for part in groups.values():
        if not part.energy_e2 and (part.reactive_e2 is not None or part.role == "sub"):
            raise CannotPrice("missing_field", f"inputs.meters: register total of meter {part.label}")
    if old is not None and new is not None and old.reactive_e2 is not None and new.reactive_e2 is None:
        raise CannotPrice("missing_field", "inputs.meters: register reactive of meter new, which old has")


def _check_windows(supply: Supply, windows: WindowSet, month: int, terms: Terms) -> None:
    """:raises CannotPrice: a meter by period lacks one that has hours in this month and a price of its own"""
    used = {int(one) for one in windows.period_of_slots(month)}
    for part in supply.parts:
        if part.role == "sub" or not part.has_periods:
            continue
        for register in (Register.SHARP, Register.DEEP_VALLEY):
            name = register.name.lower()
            if register in used and name in terms.periods and register not in part.energy_e2:
                raise CannotPrice(
                    "register_missing",
                    f"inputs: register {name} of meter {part.label}, which has hours in this month",
                )


def _join_exchange(groups: dict[str, Part]) -> None:
    """Two meters that measured the same registers one after the other are one bill's energy."""
    old, new = (groups.get(name) for name in SEGMENTS)
    if old is None or new is None or old.energy_e2.keys() != new.energy_e2.keys():
        return
    if (old.reactive_e2 is None) != (new.reactive_e2 is None):
        return  # the factor is that of the meter that measured it
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
    ratio = meter.scaled("multiplier", 0)
    if ratio < 1:
        raise CannotPrice("out_of_range", f"{meter.where}.multiplier must be at least 1")
    digits = meter.scaled("digits", 0) if meter.has("digits") else 0
    if meter.has("digits") and not 1 <= digits <= MOST_DIGITS:
        raise CannotPrice("out_of_range", f"{meter.where}.digits must be 1 to {MOST_DIGITS}")
    is_estimated = meter.flag("estimated")
    if REGISTERS.get(meter.text("register")) == Register.DEMAND:
        meter.ignore("prev")
        return _shown(meter, "curr", digits) * ratio
    previous, current = (_shown(meter, name, digits) for name in ("prev", "curr"))
    moved = current - previous
    # What takes back an estimate is a refund, whatever the register could do.
    if moved < 0 and not is_estimated:
        choice = switches.text("negative_advance")
        if choice == "refuse" or (choice == "roll_over" and not digits):
            raise CannotPrice(
                "negative_advance", f"{meter.where}.curr: the register went back; give digits if it turned over"
            )
        if choice == "roll_over":
            moved = int(advance(previous, current, digits, True))
            # A turn that would be most of a round is a wrong reading rather.
            if 2 * moved > 10_000 * 10**digits:
                raise CannotPrice(
                    "negative_advance",
                    f"{meter.where}.curr: too far back for a register of these digits to have turned",
                )
    return int(energy_kwh_e2(moved, ratio, whole))


def _shown(meter: Document, name: str, digits: int) -> int:
    """What a register shows, in 0.0001; raises CannotPrice(`out_of_range`) where it has more digits than the meter."""
    value = meter.scaled(name, 4)
    if digits and value >= 10_000 * 10**digits:
        raise CannotPrice("out_of_range", f"{meter.where}.{name} has more than the {digits} digits of the register")
    return value


def _note(supply: Supply, part: Part, register: Register, energy: int, meter: Document) -> None:
    if register in REACTIVE:
        part.reactive_e2 = (part.reactive_e2 or 0) + abs(energy)
    elif register == Register.DEMAND:
        if part.role != "sub":
            _highest(supply, part.role, energy)
    elif register == Register.EXPORT_TOTAL:
        if part.role == "sub":
            raise CannotPrice("unknown_register", f"{meter.where}.register: only main, old and new feed in")
        supply.export_e2 = (supply.export_e2 or 0) + energy
    else:
        part.energy_e2[register] = energy


def _highest(supply: Supply, role: str, demand: int) -> None:
    """A meter and the one it was exchanged for show one demand: the higher."""
    if role in SEGMENTS and supply.demand_kw_e4:
        supply.demand_kw_e4[-1] = max(supply.demand_kw_e4[-1], demand)
    else:
        supply.demand_kw_e4.append(demand)


def _complete(part: Part, terms: Terms) -> None:
    """
    Where a meter has a total and periods, flat is what the others leave of the total. A tariff without a flat price
    takes the periods as the meter shows them, and what rounding leaves between is not billed.
    """
    if Register.TOTAL not in part.energy_e2 or not part.has_periods:
        return
    total = part.energy_e2.pop(Register.TOTAL)
    if part.role != "sub" and not terms.prices_flat and Register.FLAT not in part.energy_e2:
        if abs(total - part.total_e2) > ROUNDING_E2:
            raise CannotPrice(
                "registers_disagree", f"inputs: total of meter {part.label} is not the sum of its periods; none is flat"
            )
        return
    others = [
        part.energy_e2.get(one, 0) for one in (Register.SHARP, Register.PEAK, Register.VALLEY, Register.DEEP_VALLEY)
    ]
    part.energy_e2[Register.FLAT] = int(flat_from_total(total, *others))
    if part.energy_e2[Register.FLAT] < 0:
        raise CannotPrice("registers_disagree", f"inputs: the periods of meter {part.label} exceed its total")


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
    supply.parts = [Part("main", energy, label="main")]


STATED = ("billed_kwh", "active_kwh", "main_kwh", "total_kwh", "import_kwh")


def _stated(supply: Supply, inputs: Document, terms: Terms, *, whole: bool) -> None:
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
        if found or periods:
            raise CannotPrice("register_twice", "inputs: actual_curr and a stated energy each say what was used")
        supply.parts = [Part("main", {Register.TOTAL: _settled(inputs, terms, whole=whole)}, label="main")]
        supply.quantities["billed_kwh"] = plain(Fraction(supply.parts[0].total_e2, 100))
    elif periods:
        total = {Register.TOTAL: inputs.scaled(found[0], 2)} if found else {}
        supply.parts = [Part("main", periods | total, label="main")]
        _complete(supply.parts[0], terms)
    elif found:
        supply.parts = [Part("main", {Register.TOTAL: inputs.scaled(found[0], 2)}, label="main")]


def _settled(inputs: Document, terms: Terms, *, whole: bool) -> int:
    """
    What an actual reading adds to an estimate that was billed, or takes off it, 0.01 kWh.

    :raises CannotPrice: readings that go back, or tiers by month, under which the estimated month is billed again
    """
    if terms.has_monthly_tiers:
        raise CannotPrice(
            "rebill_estimated_month",
            "inputs.estimated_prev: with tiers by month the estimated month is taken back and billed again; "
            "give inputs.meters of each month",
        )
    # A home's meter is connected directly; elsewhere the ratio must be known.
    ratio = inputs.scaled("multiplier", 0, "1" if terms.is_home else None)
    if ratio < 1:
        raise CannotPrice("out_of_range", "inputs.multiplier must be at least 1")
    estimated, actual = (inputs.scaled(name, 4) for name in ("estimated_prev", "actual_curr"))
    if inputs.has("last_actual"):
        last = inputs.scaled("last_actual", 4)
        for name, value in (("estimated_prev", estimated), ("actual_curr", actual)):
            if value < last:
                raise CannotPrice("negative_advance", f"inputs.{name} is below inputs.last_actual")
    return int(energy_kwh_e2(actual - estimated, ratio, whole))


def _stated_reactive(main: Part | None, inputs: Document) -> None:
    """Reactive energy that the request states: as one number, or forward and reverse."""
    one, two = ["reactive_kvarh"], ["reactive_import_kvarh", "reactive_export_kvarh"]
    found = [name for name in one + two if inputs.has(name)]
    if not found:
        return
    if main is None:
        raise CannotPrice("missing_field", f"inputs: the active energy beside {found[0]}")
    if main.reactive_e2 is not None or (len(found) > 1 and "reactive_kvarh" in found):
        raise CannotPrice("register_twice", f"inputs.{found[-1]}: the reactive energy is given already")
    main.reactive_e2 = sum(inputs.scaled(name, 2) for name in found)


# --- Demand and what was fed in ---------------------------------------------------------------


def _demand(supply: Supply, inputs: Document) -> None:
    """Maximum demand: of one feeder, or of several that can be used together."""
    said = ["a register of inputs.meters"] if supply.demand_kw_e4 else []
    said += [f"inputs.{name}" for name in ("feeders", "max_demand_kw") if inputs.has(name) and inputs.raw(name) != []]
    if len(said) > 1:
        raise CannotPrice("register_twice", f"{' and '.join(said)} each say the maximum demand")
    for feeder in inputs.parts("feeders"):
        feeder.ignore("name")
        supply.demand_kw_e4.append(feeder.scaled("max_demand_kw", 4))
        feeder.finish()
    if inputs.has("max_demand_kw"):
        supply.demand_kw_e4.append(inputs.scaled("max_demand_kw", 4))
    if inputs.has("export_kwh"):
        if supply.export_e2 is not None:
            raise CannotPrice("register_twice", "inputs.export_kwh and a register of inputs.meters say what was fed in")
        supply.export_e2 = inputs.scaled("export_kwh", 2)
