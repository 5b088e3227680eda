"""Pure: the preview of one month's bill, by the kernel that issues bills."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cis.previews.answer import Answer, Line, plain
from cis.previews.basic import BasicInputs, check_month, read_basic
from cis.previews.bill_request import Bill, Request
from cis.previews.chosen_tariff import merged, published_of, windows_of
from cis.previews.household import household, known_in, with_empty_tiers
from cis.previews.parts import Part, Terms
from cis.previews.periods import check_period, months_of
from cis.previews.power_factor import adjustment_of, power_factor_of
from cis.previews.price_change import Change, cut_lines, read_change
from cis.previews.rated import rated, usage_of
from cis.previews.said import in_order, say, say_export
from cis.previews.supply import read_supply
from cis.previews.tariffs import CLASS_LABELS, ENERGY_KINDS, RESIDENTIAL, rules_of_part
from cis.rating import CHARGES, CannotPrice, ChargeCode, LineFacts, Register, rules_under

__all__ = ["Request", "preview_bill"]

Rules = list[dict[str, Any]]
OF_DEMAND = ("contract_kw", "applied_contract_kw", "max_demand_kw", "feeders")
NOT_CHARGED = ("boundary", "rounding", "minimum", "legacy_rule")
"""Topics that say how something is charged, and ask for no line."""


def preview_bill(request: Request) -> Answer:
    """
    The lines of the bill.

    :raises CannotPrice: something is missing, unknown, or cannot be
    """
    published = published_of(request)
    terms = Terms.of(
        known_in(published.rules, request.month) if published else (),
        request.prices.periods if request.prices else (),
        is_home=request.price_class == "residential",
    )
    supply = read_supply(
        request.inputs,
        request.options,
        request.switches,
        windows_of(request, published),
        request.month,
        terms,
        lambda: months_of(request),
    )
    bill = Bill(request, supply)
    change = read_change(request)
    bill.answer.quantities |= supply.quantities
    power_factor_of(bill)
    given = request.inputs.numbers("energy_amounts")
    if any((amount * 100).denominator != 1 for amount in given):
        raise CannotPrice("too_precise", "inputs.energy_amounts are yuan with two decimals")
    bill.base_fen += sum(int(amount * 100) for amount in given)
    if given:
        bill.answer.quantities["energy_sum"] = plain(Fraction(bill.base_fen, 100))
    main = supply.part("main", "new")
    basic = read_basic(request, supply)
    bill.answer.quantities |= supply.quantities
    if main is None and basic is None:
        raise CannotPrice("missing_field", "inputs: no energy, no capacity and no demand to bill")
    # What belongs to the base of the adjustment is rated before the main part; on the bill sub-meters follow it.
    others: dict[str, list[Line]] = {part.role: [] for part in supply.parts if part is not main}
    for part in supply.parts:
        if part is not main:
            others[part.role] += _other_part(bill, part, change)
    subs = others.pop("sub", [])
    lines = [line for before in others.values() for line in before]
    lines += [*_main_part(bill, None if given else main, basic, change, given=bool(given)), *subs]
    if change is not None:
        change.finish()
    bill.answer.lines = in_order(lines)
    say_export(bill)
    return bill.answer


# --- Parts -----------------------------------------------------------------------------------


def _energy_rules(request: Request, part: Part) -> Rules:
    """The rules that price the energy of a main, old or new meter, published and stated."""
    published = published_of(request, part)
    rules = rules_of_part(published.rules, energy=True) if published is not None else []
    if request.prices is not None:
        rules = merged(rules, request.prices.rules(part, request.price_class, is_optional=bool(rules)))
    if not any(rule["kind"] in ENERGY_KINDS for rule in rules):
        raise CannotPrice("missing_field", "a price of the energy: tariff_ref or tariff_inline.energy_price")
    return rules


def _other_part(bill: Bill, part: Part, change: Change | None) -> list[Line]:
    """Energy beside the main part: an old meter, a sub-meter, an agreed quantity or share."""
    request = bill.request
    if part.role == "old":
        name = request.price_class
        code, is_adjusted = "ENERGY_OLD", part.reactive_e2 is not None
    else:
        name = _class_of(bill, request, part)
        code = f"ENERGY_{CLASS_LABELS[name]}" if part.role == "sub" else f"ENERGY_{part.role.upper()}"
        is_adjusted = True
        if part.has_periods:
            part.energy_e2 = {Register.TOTAL: part.total_e2}
    found = _rated_other(bill, request, part)
    if change is not None:
        found = cut_lines(found, _rated_other(bill, change.later, part), change.cut_of(part))
    if is_adjusted and _is_adjusted(request, name):
        bill.base_fen += _of_base(found)
    if part.role == "sub":
        label, said = CLASS_LABELS[name].lower(), bill.answer.quantities
        said[label] = plain(Fraction(said.get(label, "0")) + Fraction(part.total_e2, 100))
    return [Line.of_facts(line, code=code if line.code == ChargeCode.ENERGY else "") for line in found]


def _rated_other(bill: Bill, request: Request, part: Part) -> list[LineFacts]:
    """The lines of a part at the prices of a request, the basic charge left to the main part."""
    if part.role == "old":
        rules = [rule for rule in _energy_rules(request, part) if rule["kind"] not in ("basic_charge", "power_factor")]
    else:
        name = _class_of(bill, request, part)
        prices = request.prices.classes if request.prices else {}
        rules = [{"kind": "flat_energy", "price_yuan": prices[name]}]
    check_period(request, rules)
    return rated(rules, usage_of(bill, part, {}, rules))


def _class_of(bill: Bill, request: Request, part: Part) -> str:
    """The price class of a sub-meter or an agreed part."""
    if request.prices is None:
        raise CannotPrice("missing_field", f"tariff_inline: the price of the {part.role} part")
    stated = "" if part.role == "sub" else request.inputs.text(f"{part.role}_class", "")
    named = {request.prices.named_class(one) for one in bill.supply.parts if one.role == "sub"}
    taken = [name for name in named if name is not None]
    return request.prices.other_class(request.price_class, part, stated=stated, taken=taken)


def _is_adjusted(request: Request, price_class: str) -> bool:
    return price_class not in RESIDENTIAL or request.switches.is_on("pf_adjust_residential")


def _of_base(lines: list[LineFacts]) -> int:
    """What of these lines the adjustment is a share of: energy and basic charge, no funds."""
    return sum(line.amount_fen for line in lines if CHARGES[line.code].ledger == "energy")


# --- The main part ---------------------------------------------------------------------------


def _rules_of_main(request: Request, part: Part | None, basic: BasicInputs | None, *, given: bool) -> Rules:
    """
    The rules of the main part; without energy of its own the basic charge alone.

    :raises CannotPrice: something that is there has no price, or a price has nothing to charge
    """
    if part is not None:
        rules = _energy_rules(request, part)
    else:
        published = published_of(request)
        rules = rules_of_part(published.rules, energy=False) if published is not None else []
        if request.prices is not None:
            rules = merged(rules, request.prices.rules(None, request.price_class, is_optional=bool(rules)))
    rules = [rule for rule in rules if rule["kind"] != "power_factor"]
    if any(rule["kind"] == "basic_charge" for rule in rules):
        if basic is None:
            raise CannotPrice(
                "missing_field",
                "customer.transformers_kva, or inputs.max_demand_kw: the tariff has a price of capacity or demand",
            )
        if not request.customer.flag("basic_charge_exempt"):
            check_month(request)
        return rules
    for names, price in ((OF_DEMAND, "demand_price"), (("events",), "capacity_price")):
        said = [name for name in names if request.inputs.has(name)]
        if said:
            raise CannotPrice("missing_field", f"tariff_inline.{price}, or a tariff_ref with one: inputs.{said[0]}")
    if _lacks_basic_charge(request):
        raise CannotPrice(
            "missing_field", "tariff_inline.capacity_price, or demand_price: large industry pays for its capacity"
        )
    if part is None and not given:
        raise CannotPrice("missing_field", "a price of the capacity or demand: tariff_ref or tariff_inline")
    return rules


def _lacks_basic_charge(request: Request) -> bool:
    """Whether stated prices leave out what a customer of two parts pays for the capacity that is named."""
    return (
        not request.tariff_ref
        and "large_industr" in request.customer.text("class", "")
        and any(request.customer.numbers("transformers_kva") or [request.customer.has("capacity_kva")])
        and not request.customer.flag("basic_charge_exempt")
        and not _asks_for_adjustment_alone(request)
    )


def _rated_main(
    bill: Bill, request: Request, part: Part | None, basic: BasicInputs | None, *, given: bool
) -> tuple[Rules, list[LineFacts]]:
    """The rules and lines of the main part at the prices of a request."""
    rules = _rules_of_main(request, part, basic, given=given)
    check_period(request, rules)
    more: dict[str, Any] = {}
    if basic is not None and any(rule["kind"] == "basic_charge" for rule in rules):
        more = dict(basic.determinants)
    rules, more = household(request, rules_under(rules, request.switches), more)
    usage = usage_of(bill, part or Part("main", {Register.TOTAL: 0}), more, rules)
    return rules, rated(rules, usage) if rules else []


def _main_part(
    bill: Bill, part: Part | None, basic: BasicInputs | None, change: Change | None, *, given: bool
) -> list[Line]:
    """The main part with the basic charge and what adjusts all of the bill; `given`: its energy is billed elsewhere."""
    request = bill.request
    rules, lines = _rated_main(bill, request, part, basic, given=given)
    if change is not None:
        _, later = _rated_main(bill, change.later, part, basic, given=given)
        lines = cut_lines(lines, later, change.cut_of(part or Part("main", {})))
    is_adjusted = _is_adjusted(request, request.price_class)
    bill.base_fen += _of_base([line for line in lines if is_adjusted or CHARGES[line.code].unit != "kWh"])
    adjustment = adjustment_of(bill)
    say(bill, rules, [*lines, *adjustment])
    if _asks_for_adjustment_alone(request):
        return [Line.of_facts(line) for line in adjustment]
    parts = {one.role for one in bill.supply.parts}
    code = "ENERGY"
    if "sub" in parts:
        code = f"ENERGY_{CLASS_LABELS.get(request.price_class, 'MAIN')}"
        bill.answer.quantities[request.price_class] = plain(Fraction(part.total_e2 if part else 0, 100))
    elif parts & {"fixed", "ratio"}:
        code = "ENERGY_MAIN"
    elif part is not None and part.role == "new":
        code = "ENERGY_NEW"
    found = [Line.of_facts(line, code=code if line.code == ChargeCode.ENERGY else "") for line in [*lines, *adjustment]]
    return with_empty_tiers(found, rules)


def _asks_for_adjustment_alone(request: Request) -> bool:
    """
    Whether a stated energy with its reactive energy, and nothing that was measured, asks what the adjustment is.

    Where capacity, demand or funds have a price it asks for all of the bill. Else what the document says it is about
    decides, and where it says nothing, whether it has a period.
    """
    said = {name for name, _ in request.inputs.peek()}
    known = {"active_kwh", "reactive_kvarh", "power_factor"}
    if "active_kwh" not in said or len(said) < 2 or not said <= known:
        return False
    if request.tariff_ref or request.prices is None or not request.prices.is_of_energy_alone:
        return False
    topics = [topic for topic in request.topics if topic not in NOT_CHARGED]
    if topics:
        return all(topic.startswith(("pf_", "power_factor")) for topic in topics)
    return request.start is None
