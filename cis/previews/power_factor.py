"""Pure: the power factor of a request, the standard it is held against, and the line that adjusts the bill by it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from cis.previews.answer import plain
from cis.previews.bill_request import Bill, Request
from cis.rating import CannotPrice, LineFacts, Register, Usage, compile_rules, explain
from cis.rating.power_factors import TABLES, power_factor_e2, standard_e2

__all__ = ["adjustment_of", "power_factor_of"]

TABLE = "1983-215"
STANDARDS = ("pf_standard_after", "pf_standard")


def power_factor_of(bill: Bill) -> None:
    """
    Set the standard that applies and the factor: stated, or from active and reactive energy.

    :raises CannotPrice: a standard without a factor, a factor that no standard can be found for, or two that differ
    """
    request = bill.request
    of_main_meter = request.switches.text("pf_active_base") == "main_meter_total"
    active, reactive = bill.supply.for_power_factor(of_main_meter=of_main_meter)
    if reactive is None and not request.inputs.has("power_factor"):
        is_billed = bill.supply.part("main", "new") is not None or request.inputs.has("energy_amounts")
        if is_billed and any(request.customer.has(name) for name in STANDARDS):
            raise CannotPrice(
                "missing_field", "inputs.reactive_kvarh or inputs.power_factor: customer.pf_standard is stated"
            )
        return
    if bill.supply.part("main", "new") is None and not request.inputs.has("energy_amounts"):
        raise CannotPrice("missing_field", "inputs.active_kwh: the energy that inputs.power_factor adjusts")
    stated = _stated_factor_e2(request)
    bill.standard_e2 = _standard(request)
    if not bill.standard_e2:
        return
    factor = stated
    if reactive is not None:
        factor = int(power_factor_e2(np.array([active], np.int64), np.array([reactive], np.int64))[0])
        bill.answer.quantities |= {
            "active_kwh_for_pf": plain(Fraction(active, 100)),
            "reactive_kvarh_for_pf": plain(Fraction(reactive, 100)),
        }
        if stated is not None and stated != factor:
            raise CannotPrice(
                "registers_disagree", f"inputs.power_factor is stated, reactive energy makes it {factor / 100:.2f}"
            )
    if factor is None or factor < 0:
        if request.switches.text("pf_when_no_active") == "refuse":
            raise CannotPrice("no_active_energy", "no power factor without active energy")
        return
    bill.factor_e2 = factor
    rate_e8 = int(TABLES[TABLE].rates_e8[bill.standard_e2][min(factor, 100)])
    bill.answer.quantities |= {
        "power_factor": f"{factor / 100:.2f}",
        "pf_standard": f"{bill.standard_e2 / 100:.2f}",
        "pf_rate_pct": plain(Fraction(rate_e8, 10**6)),
    }


def adjustment_of(bill: Bill) -> list[LineFacts]:
    """The adjustment of the amounts that were counted into the base, if there is one."""
    if not bill.standard_e2:
        return []
    more = {
        "pf_standard_e2": bill.standard_e2,
        "power_factor_e2": bill.factor_e2,
        "pf_other_fen": bill.base_fen,
    }
    usage = Usage.of(bill.request.month, {Register.TOTAL: 0}, more=more)
    return explain(compile_rules([{"kind": "power_factor", "table": TABLE}], prices_energy=False), usage, 0)


def _stated_factor_e2(request: Request) -> int | None:
    """The factor that is stated, half-up to hundredths."""
    if not request.inputs.has("power_factor"):
        return None
    factor = request.inputs.number("power_factor")
    if factor > 1:
        raise CannotPrice("out_of_range", "inputs.power_factor must be 0 to 1")
    return int((200 * factor + 1) // 2)


def _standard(request: Request) -> int:
    """Stated by the customer's record, or from who falls under which; 0 where none does."""
    customer = request.customer
    for name in STANDARDS:
        if customer.has(name):
            standard = customer.scaled(name, 2)
            if standard not in TABLES[TABLE].rates_e8:
                raise CannotPrice("unknown_standard", f"customer.{name} {standard / 100:.2f}")
            return standard
    if not request.price_class:
        raise CannotPrice("missing_field", "customer.class or customer.pf_standard: which standard is it held against")
    kind = _supply_kind(request)
    if kind == "residential":
        return 0
    capacity = sum(customer.numbers("transformers_kva"), Fraction())
    if customer.has("capacity_kva"):
        capacity = customer.number("capacity_kva")
    if not capacity:
        if customer.is_null("pf_standard"):
            return 0
        raise CannotPrice("missing_field", "customer.pf_standard, or customer.capacity_kva that it follows from")
    is_high = request.is_high_voltage
    found = {
        standard_e2(kind, capacity, is_high_voltage=either, has_tap_changer=customer.flag("on_load_tap_changer"))
        for either in ((True, False) if is_high is None else (is_high,))
    }
    if len(found) > 1:
        raise CannotPrice("missing_field", "customer.voltage in kV, or customer.pf_standard: the standard follows it")
    return found.pop()


def _supply_kind(request: Request) -> Any:
    named = request.price_class
    return named if named in ("industry", "agriculture", "irrigation", "wholesale", "residential") else "commercial"
