"""Pure: the power factor of a request and the standard it is held against."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from cis.previews.answer import plain
from cis.previews.bill_request import Bill, Request
from cis.rating import CannotPrice
from cis.rating.power_factors import TABLES, power_factor_e2, standard_e2

__all__ = ["TABLE", "power_factor_of"]

TABLE = "1983-215"


def power_factor_of(bill: Bill) -> None:
    """The standard that applies and the factor: stated, or from active and reactive energy."""
    request, supply = bill.request, bill.supply
    of_main_meter = request.switches.text("pf_active_base") == "main_meter_total"
    active, reactive = supply.for_power_factor(of_main_meter=of_main_meter)
    if reactive is None and not request.inputs.has("power_factor"):
        return
    bill.standard_e2 = _standard(request)
    if not bill.standard_e2:
        return
    if request.inputs.has("power_factor"):
        bill.factor_e2 = request.inputs.scaled("power_factor", 2)
        if bill.factor_e2 > 100:
            raise CannotPrice("out_of_range", "inputs.power_factor must be 0 to 1")
    elif reactive is not None:
        bill.factor_e2 = int(power_factor_e2(np.array([active], np.int64), np.array([reactive], np.int64))[0])
        bill.answer.quantities |= {
            "active_kwh_for_pf": plain(Fraction(active, 100)),
            "reactive_kvarh_for_pf": plain(Fraction(reactive, 100)),
        }
    if bill.factor_e2 < 0:
        if request.switches.text("pf_when_no_active") == "refuse":
            raise CannotPrice("no_active_energy", "no power factor without active energy")
        return
    rate_e8 = int(TABLES[TABLE].rates_e8[bill.standard_e2][min(bill.factor_e2, 100)])
    bill.answer.quantities |= {
        "power_factor": f"{bill.factor_e2 / 100:.2f}",
        "pf_standard": f"{bill.standard_e2 / 100:.2f}",
        "pf_rate_pct": plain(Fraction(rate_e8, 10**6)),
    }


def _standard(request: Request) -> int:
    """Stated by the customer's record, or from who falls under which."""
    for name in ("pf_standard_after", "pf_standard"):
        if request.customer.has(name):
            standard = request.customer.scaled(name, 2)
            if standard not in TABLES[TABLE].rates_e8:
                raise CannotPrice("unknown_standard", f"customer.{name} {standard / 100:.2f}")
            return standard
    capacity = sum(request.customer.numbers("transformers_kva"), Fraction())
    if request.customer.has("capacity_kva"):
        capacity = request.customer.number("capacity_kva")
    return standard_e2(
        _supply_kind(request),
        capacity,
        is_high_voltage=request.is_high_voltage,
        has_tap_changer=request.customer.flag("on_load_tap_changer"),
    )


def _supply_kind(request: Request) -> Any:
    named = request.price_class
    return named if named in ("industry", "agriculture", "irrigation", "wholesale", "residential") else "commercial"
