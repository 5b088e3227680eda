"""Pure: the preview of one month's bill, by the kernel that issues bills."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from cis.previews.answer import Answer, Line, plain
from cis.previews.basic import BasicInputs, read_basic
from cis.previews.bill_request import Bill, Request
from cis.previews.chosen_tariff import merged, published_of, windows_of
from cis.previews.household import check_period, household, with_empty_tiers
from cis.previews.parts import Part, Terms
from cis.previews.power_factor import TABLE, power_factor_of
from cis.previews.price_change import cut_lines, read_cut
from cis.previews.rated import rated, usage_of
from cis.previews.said import in_order, say, say_export
from cis.previews.supply import read_supply
from cis.previews.tariffs import (
    CLASS_LABELS,
    ENERGY_KINDS,
    RESIDENTIAL,
    PublishedTariff,
    StatedPrices,
    rules_of_part,
)
from cis.rating import CHARGES, CannotPrice, ChargeCode, LineFacts, Register, rules_under

__all__ = ["Request", "preview_bill"]


def preview_bill(request: Request) -> Answer:
    """
    The lines of the bill.

    :raises CannotPrice: something is missing, unknown, or cannot be
    """
    published = published_of(request)
    terms = Terms.of(
        published.rules if published else (),
        request.prices.periods if request.prices else (),
        is_home=request.price_class == "residential",
    )
    windows = windows_of(request, published)
    supply = read_supply(request.inputs, request.options, request.switches, windows, request.month, terms)
    bill = Bill(request, supply)
    bill.answer.quantities |= supply.quantities
    power_factor_of(bill)
    given = request.inputs.numbers("energy_amounts")
    if any((amount * 100).denominator != 1 for amount in given):
        raise CannotPrice("too_precise", "inputs.energy_amounts are yuan with two decimals")
    bill.other_base_fen += sum(int(amount * 100) for amount in given)
    if given:
        bill.answer.quantities["energy_sum"] = plain(Fraction(bill.other_base_fen, 100))
    main = supply.part("main", "new")
    basic = read_basic(request, supply)
    bill.answer.quantities |= supply.quantities
    if main is None and basic is None:
        raise CannotPrice("missing_field", "inputs: no energy, no capacity and no demand to bill")
    # What belongs to the base of the adjustment is rated before the main part; on the bill sub-meters follow it.
    others: dict[str, list[Line]] = {part.role: [] for part in supply.parts if part is not main}
    for part in supply.parts:
        if part is not main:
            others[part.role] += _other_part(bill, part, published)
    subs = others.pop("sub", [])
    lines = [line for before in others.values() for line in before]
    lines += [*_main_part(bill, None if given else main, basic, published, given=bool(given)), *subs]
    bill.answer.lines = in_order(lines)
    say_export(bill)
    return bill.answer


def _other_part(bill: Bill, part: Part, published: PublishedTariff | None) -> list[Line]:
    """Energy beside the main part: an old meter, a sub-meter, an agreed quantity or share."""
    prices = bill.request.prices
    if part.role == "old":
        rules = (
            prices.rules(part, bill.request.price_class)
            if prices
            else [dict(rule) for rule in published.rules]
            if published
            else []
        )
        rules = [rule for rule in rules if rule["kind"] != "basic_charge"]
        code, is_adjusted = "ENERGY_OLD", part.reactive_e2 is not None
    else:
        if prices is None:
            raise CannotPrice("missing_field", f"tariff_inline: the price of the {part.role} part")
        name = prices.other_class(bill.request.price_class, part)
        rules = [{"kind": "flat_energy", "price_yuan": prices.classes[name]}]
        code = f"ENERGY_{CLASS_LABELS[name]}" if part.role == "sub" else f"ENERGY_{part.role.upper()}"
        is_adjusted = name not in RESIDENTIAL or bill.request.switches.is_on("pf_adjust_residential")
        if part.has_periods:
            part.energy_e2 = {Register.TOTAL: part.total_e2}
    found = rated(rules, usage_of(bill, part, {}))
    if is_adjusted:
        bill.other_base_fen += sum(line.amount_fen for line in found if CHARGES[line.code].ledger == "energy")
    if part.role == "sub":
        bill.answer.quantities[CLASS_LABELS[name].lower()] = plain(Fraction(part.total_e2, 100))
    return [Line.of_facts(line, code=code if line.code == ChargeCode.ENERGY else "") for line in found]


def _rules_of_main(
    request: Request,
    part: Part | None,
    basic: BasicInputs | None,
    published: PublishedTariff | None,
    *,
    given: bool,
) -> tuple[list[dict[str, Any]], BasicInputs | None]:
    """The rules of the main part, published and stated, and the basis of its basic charge where it has one."""
    rules: list[dict[str, Any]] = []
    if published is not None:
        rules = rules_of_part(published.rules, energy=part is not None)
    if request.prices is not None:
        rules = merged(rules, request.prices.rules(part, request.price_class, is_optional=bool(rules)))
    if part is not None and not any(rule["kind"] in ENERGY_KINDS for rule in rules):
        raise CannotPrice("missing_field", "a price of the energy: tariff_ref or tariff_inline.energy_price")
    rules = [rule for rule in rules if rule["kind"] != "basic_charge" or basic is not None]
    if basic is not None and not any(rule["kind"] == "basic_charge" for rule in rules):
        basic = None
    if part is None and basic is None and not given:
        raise CannotPrice("missing_field", "a price of the capacity or demand: tariff_ref or tariff_inline")
    return rules, basic


def _main_part(
    bill: Bill,
    part: Part | None,
    basic: BasicInputs | None,
    published: PublishedTariff | None,
    *,
    given: bool,
) -> list[Line]:
    """The main part with the basic charge and what adjusts both; `given` when its energy is billed elsewhere."""
    request = bill.request
    rules, basic = _rules_of_main(request, part, basic, published, given=given)
    more: dict[str, Any] = {} if basic is None else dict(basic.determinants)
    if bill.standard_e2:
        more |= {
            "pf_standard_e2": bill.standard_e2,
            "power_factor_e2": bill.factor_e2,
            "pf_other_fen": bill.other_base_fen,
        }
        rules = _after_charges([rule for rule in rules if rule["kind"] != "power_factor"])
    check_period(request, rules)
    rules = rules_under(rules, request.switches)
    rules, more = household(request, rules, more)
    if part is None:
        part = Part("main", {Register.TOTAL: 0})
    lines = rated(rules, usage_of(bill, part, more))
    if request.inputs.has("price_change"):
        lines = _at_two_prices(bill, part, more, lines)
    say(bill, rules, lines)
    alone = _asks_for_adjustment_alone(request)
    parts = {one.role for one in bill.supply.parts}
    code = "ENERGY"
    if "sub" in parts:
        code = f"ENERGY_{CLASS_LABELS.get(request.price_class, 'MAIN')}"
        bill.answer.quantities[request.price_class] = plain(Fraction(part.total_e2, 100))
    elif parts & {"fixed", "ratio"}:
        code = "ENERGY_MAIN"
    elif part.role == "new":
        code = "ENERGY_NEW"
    found = [
        Line.of_facts(line, code=code if line.code == ChargeCode.ENERGY else "")
        for line in lines
        if not alone or line.code == ChargeCode.PF_ADJ
    ]
    return with_empty_tiers(found, rules)


def _at_two_prices(bill: Bill, part: Part, more: dict[str, Any], old: list[LineFacts]) -> list[LineFacts]:
    """The lines cut where the price changed."""
    request = bill.request
    change = request.inputs.part("price_change")
    later = replace(
        request,
        tariff_ref=change.text("tariff_ref", ""),
        prices=StatedPrices.read(change.part("tariff_inline")) if change.has("tariff_inline") else None,
    )
    published = published_of(later)
    rules = [dict(rule) for rule in published.rules] if published else []
    if later.prices is not None:
        rules = later.prices.rules(part, later.price_class)
        later.prices.fields.finish()
    cut = read_cut(
        change, request.inputs.parts("meters"), start=request.start, end=request.end, switches=request.switches
    )
    change.finish()
    rules, more = household(later, rules_under(rules, request.switches), more)
    return cut_lines(old, rated(rules, usage_of(bill, part, more)), cut)


def _asks_for_adjustment_alone(request: Request) -> bool:
    """Whether a stated energy with its reactive energy, and nothing that was measured, asks what the adjustment is."""
    said = {name for name, _ in request.inputs.peek()}
    return "active_kwh" in said and said <= {"active_kwh", "reactive_kvarh", "power_factor"} and request.start is None


def _after_charges(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules with the adjustment between the charges and the funds."""
    charges = [rule for rule in rules if rule["kind"] in (*ENERGY_KINDS, "basic_charge")]
    rest = [rule for rule in rules if rule not in charges]
    return [*charges, {"kind": "power_factor", "table": TABLE}, *rest]
