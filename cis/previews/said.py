"""Pure: what an answer says beside its lines: quantities, their order, and what was fed in."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cis.previews.answer import Line, plain
from cis.previews.bill_request import Bill
from cis.rating import CannotPrice, ChargeCode, LineFacts

__all__ = ["in_order", "say", "say_export"]

QUANTITY_OF_CHARGE = {
    ChargeCode.ENERGY_T1: "t1",
    ChargeCode.ENERGY_T2: "t2",
    ChargeCode.ENERGY_T3: "t3",
    ChargeCode.ENERGY_SHARP: "sharp",
    ChargeCode.ENERGY_PEAK: "peak",
    ChargeCode.ENERGY_FLAT: "flat",
    ChargeCode.ENERGY_VALLEY: "valley",
    ChargeCode.ENERGY_DEEP_VALLEY: "deep_valley",
}


SURCHARGES = {ChargeCode.TIER2_ADD: "t2", ChargeCode.TIER3_ADD: "t3"}


def say(bill: Bill, rules: list[dict[str, Any]], lines: list[LineFacts]) -> None:
    """Quantities that a reader checks."""
    said = bill.answer.quantities
    main = bill.supply.part("main", "new")
    if main is not None:
        said.setdefault("billed_kwh", plain(Fraction(main.total_e2, 100)))
        if main.reactive_e2 is not None:
            said["reactive"] = plain(Fraction(main.reactive_e2, 100))
        _say_tiers(said, {str(rule["kind"]) for rule in rules}, lines, main.total_e2)
    found: dict[str, int] = {}
    for line in lines:
        name = QUANTITY_OF_CHARGE.get(line.code)
        if name:  # a price that changed has a line for each of its stretches
            found[name] = found.get(name, 0) + line.quantity
        if line.code == ChargeCode.PF_ADJ:
            said["adjusted_base"] = plain(Fraction(line.quantity, 100))
        _say_demand(said, line)
    said |= {name: plain(Fraction(quantity, 100)) for name, quantity in found.items()}


def _say_demand(said: dict[str, str], line: LineFacts) -> None:
    """The contract value that counts, what it may be passed by, and what lies above."""
    for fact, name in (("contract_kw_e4", "effective_contract_kw"), ("threshold_kw_e4", "threshold_kw")):
        if fact in line.facts:
            said[name] = plain(Fraction(int(str(line.facts[fact])), 10_000))
            said.setdefault("over_kw", "0")
    if line.code == ChargeCode.DEMAND_OVER:
        said["over_kw"] = plain(Fraction(line.quantity, 10_000))


def _say_tiers(said: dict[str, str], kinds: set[str], lines: list[LineFacts], total_e2: int) -> None:
    """The energy of every tier, nought included."""
    if "tier_time_of_use" in kinds:
        above: dict[str, int] = {}
        for line in lines:
            if line.code in SURCHARGES:
                above[SURCHARGES[line.code]] = above.get(SURCHARGES[line.code], 0) + line.quantity
        said |= {name: plain(Fraction(above.get(name, 0), 100)) for name in ("t2", "t3")}
        said["t1"] = plain(Fraction(total_e2 - sum(above.values()), 100))
    elif "tier" in kinds:
        for name in ("t1", "t2", "t3"):
            said.setdefault(name, "0")


def in_order(lines: list[Line]) -> list[Line]:
    """Energy, basic charge, adjustment, funds, credits; inside a kind as they were rated."""
    places = {"CAPACITY": 1, "CAPACITY_HALF": 1, "DEMAND": 1, "DEMAND_OVER": 1, "PF_ADJ": 2}

    def place(line: Line) -> int:
        if line.code.startswith("FUND"):
            return 3
        return 4 if line.code == "FREE_KWH" else places.get(line.code, 0)

    return sorted(lines, key=place)


def say_export(bill: Bill) -> None:
    """What a rooftop fed in is a payable of its own, never netted against energy."""
    supply = bill.supply
    if supply.export_e2 is None:
        return
    bill.answer.quantities |= {
        "import_kwh": plain(Fraction(supply.main_e2, 100)),
        "export_kwh": plain(Fraction(supply.export_e2, 100)),
    }
    if supply.generation_e2 is not None:
        own = supply.generation_e2 - supply.export_e2
        if own < 0:
            raise CannotPrice("registers_disagree", "more was fed in than generated")
        bill.answer.quantities["self_use_kwh"] = plain(Fraction(own, 100))
    price = bill.request.inputs.number("feed_in_price")
    exact = price * supply.export_e2  # yuan/kWh x 0.01 kWh = fen
    fen = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
    bill.answer.settlement = {
        "export_kwh": plain(Fraction(supply.export_e2, 100)),
        "unit_price": plain(price),
        "amount_payable_to_customer": f"{fen // 100}.{fen % 100:02d}",
    }
