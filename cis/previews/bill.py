"""Pure: the preview of one month's bill, by the kernel that issues bills."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import numpy as np

from cis.previews.answer import Answer, Line, plain
from cis.previews.basic import BasicInputs, read_basic
from cis.previews.document import Document
from cis.previews.price_change import cut_lines, read_cut
from cis.previews.supply import Part, Supply, read_supply
from cis.previews.tariffs import (
    CLASS_LABELS,
    ENERGY_KINDS,
    RESIDENTIAL,
    PublishedTariff,
    StatedPrices,
    rules_of_part,
)
from cis.rating import (
    CHARGES,
    CannotPrice,
    ChargeCode,
    CompiledTariff,
    LineFacts,
    Refusal,
    Register,
    Switches,
    Usage,
    WindowSet,
    compile_rules,
    explain,
    rate,
    rules_under,
)
from cis.rating.power_factors import TABLES, power_factor_e2, standard_e2

__all__ = ["Request", "preview_bill"]

TABLE = "1983-215"
# Which price class a customer's class holds; the first mark that is in it counts.
CLASSES = (
    ("non_residential", "non_residential"),
    ("non_industr", "commercial"),
    ("residential", "residential"),
    ("irrigation", "irrigation"),
    ("agricultur", "agriculture"),
    ("wholesale", "wholesale"),
    ("industr", "industry"),
    ("commercial", "commercial"),
    ("ev_charging", "commercial"),
)


@dataclass
class Request:
    """What a document says, cut up; `tariff` and `windows` look published ones up."""

    customer: Document
    period: Document
    inputs: Document
    options: Document
    prices: StatedPrices | None
    tariff_ref: str
    switches: Switches
    tariff: Callable[[str, date | None], PublishedTariff]
    windows: Callable[[str], WindowSet]

    @property
    def price_class(self) -> str:
        """The class of the main part in the words of `CLASS_LABELS`; raises CannotPrice(`unknown_value`)."""
        named = self.customer.text("class", "")
        if not named:
            return ""
        for mark, name in CLASSES:
            if mark in named:
                return name
        raise CannotPrice("unknown_value", f"customer.class {named}: holds {', '.join(mark for mark, _ in CLASSES)}")

    @property
    def is_shared_meter(self) -> bool:
        """Whether several homes stand behind one meter, or a charging pile of a home: no tiers."""
        named = self.customer.text("class", "")
        return "shared" in named or ("ev_charging" in named and "residential" in named)

    @property
    def is_high_voltage(self) -> bool:
        """Whether it is supplied at 1 kV or more; not where nothing is said."""
        named = self.customer.text("voltage", "").lower().replace(" ", "")
        found = re.search(r"([0-9.]+)(?:\([0-9.]+\))?kv", named)
        return bool(found) and not named.startswith("<") and Fraction(found[1]) >= 1 if found else False

    @property
    def start(self) -> date | None:
        """The first day of the period."""
        return self.period.day("start") if self.period.has("start") else None

    @property
    def end(self) -> date | None:
        """The day after its last."""
        return self.period.day("end") if self.period.has("end") else None

    @property
    def month(self) -> int:
        """The month that decides the season."""
        if self.period.has("bill_month"):
            named = self.period.text("bill_month")
            if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", named):
                raise CannotPrice("ill_typed", "period.bill_month must be a month such as 2026-01")
            return int(named[5:7])
        for name in ("date", "start"):
            if self.period.has(name):
                return self.period.day(name).month
        return 1


@dataclass
class _Bill:
    """A bill in the making."""

    request: Request
    supply: Supply
    answer: Answer = field(default_factory=Answer)
    standard_e2: int = 0
    factor_e2: int = -1
    other_base_fen: int = 0


def preview_bill(request: Request) -> Answer:
    """
    The lines of the bill.

    :raises CannotPrice: something is missing, unknown, or cannot be
    """
    published = _published(request)
    supply = read_supply(request.inputs, request.options, request.switches, _windows(request, published), request.month)
    bill = _Bill(request, supply)
    bill.answer.quantities |= supply.quantities
    _power_factor(bill)
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
    bill.answer.lines = _in_order(lines)
    _export(bill)
    return bill.answer


# --- Which tariff ----------------------------------------------------------------------------


def _published(request: Request) -> PublishedTariff | None:
    """The published version, in the variant the customer has."""
    if not request.tariff_ref:
        return None
    is_home = request.price_class in ("residential", "")
    suffixes = [""]
    if request.is_shared_meter:
        suffixes = ["-SHARED-10", "-SHARED"] if request.is_high_voltage else ["-SHARED"]
    elif request.customer.flag("tou"):
        suffixes = ["-TOU"] if is_home else [""]
    elif not is_home and _is_without_periods(request):
        suffixes = ["-NOTOU", ""]
    for at, suffix in enumerate(suffixes):
        try:
            return request.tariff(request.tariff_ref + suffix, request.start)
        except CannotPrice as refused:
            if refused.code != "unknown_tariff" or at == len(suffixes) - 1:
                raise
    raise CannotPrice("unknown_tariff", request.tariff_ref)


def _is_without_periods(request: Request) -> bool:
    """Whether commerce or industry is metered by a total alone."""
    names = {str(meter.raw("register")) for meter in request.inputs.parts("meters")}
    return bool(names or request.inputs.has("billed_kwh") or request.inputs.has("active_kwh")) and not (
        names & {"sharp", "peak", "flat", "valley", "deep_valley"}
    )


def _windows(request: Request, published: PublishedTariff | None) -> WindowSet | None:
    code = request.options.text("tou_windows_ref", "") or (published.windows_ref if published else None) or ""
    return request.windows(code) if code else None


# --- Parts -----------------------------------------------------------------------------------


def _other_part(bill: _Bill, part: Part, published: PublishedTariff | None) -> list[Line]:
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
    found = _rated(rules, _usage(bill, part, {}))
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
        rules = _merged(rules, request.prices.rules(part, request.price_class, is_optional=bool(rules)))
    if part is not None and not any(rule["kind"] in ENERGY_KINDS for rule in rules):
        raise CannotPrice("missing_field", "a price of the energy: tariff_ref or tariff_inline.energy_price")
    rules = [rule for rule in rules if rule["kind"] != "basic_charge" or basic is not None]
    if basic is not None and not any(rule["kind"] == "basic_charge" for rule in rules):
        basic = None
    if part is None and basic is None and not given:
        raise CannotPrice("missing_field", "a price of the capacity or demand: tariff_ref or tariff_inline")
    return rules, basic


def _main_part(
    bill: _Bill,
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
    _check_period(request, rules)
    rules = rules_under(rules, request.switches)
    rules, more = _household(request, rules, more)
    if part is None:
        part = Part("main", {Register.TOTAL: 0})
    lines = _rated(rules, _usage(bill, part, more))
    if request.inputs.has("price_change"):
        lines = _at_two_prices(bill, part, more, lines)
    _say(bill, rules, lines)
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
    return _with_empty_tiers(found, rules)


def _at_two_prices(bill: _Bill, part: Part, more: dict[str, Any], old: list[LineFacts]) -> list[LineFacts]:
    """The lines cut where the price changed."""
    request = bill.request
    change = request.inputs.part("price_change")
    later = replace(
        request,
        tariff_ref=change.text("tariff_ref", ""),
        prices=StatedPrices.read(change.part("tariff_inline")) if change.has("tariff_inline") else None,
    )
    published = _published(later)
    rules = [dict(rule) for rule in published.rules] if published else []
    if later.prices is not None:
        rules = later.prices.rules(part, later.price_class)
        later.prices.fields.finish()
    cut = read_cut(
        change, request.inputs.parts("meters"), start=request.start, end=request.end, switches=request.switches
    )
    change.finish()
    rules, more = _household(later, rules_under(rules, request.switches), more)
    return cut_lines(old, _rated(rules, _usage(bill, part, more)), cut)


def _merged(rules: list[dict[str, Any]], stated: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Published rules with stated ones beside them; raises CannotPrice when both price the same."""
    kinds = {"energy" if rule["kind"] in ENERGY_KINDS else rule["kind"] for rule in rules}
    for rule in stated:
        if ("energy" if rule["kind"] in ENERGY_KINDS else rule["kind"]) in kinds:
            raise CannotPrice("priced_twice", f"tariff_ref and tariff_inline both have a {rule['kind']}")
    return sorted(
        [*rules, *stated],
        key=lambda rule: 0 if rule["kind"] in ENERGY_KINDS else 1 if rule["kind"] == "basic_charge" else 2,
    )


def _asks_for_adjustment_alone(request: Request) -> bool:
    """Whether a stated energy with its reactive energy, and nothing that was measured, asks what the adjustment is."""
    said = {name for name, _ in request.inputs.peek()}
    return "active_kwh" in said and said <= {"active_kwh", "reactive_kvarh", "power_factor"} and request.start is None


def _with_empty_tiers(lines: list[Line], rules: list[dict[str, Any]]) -> list[Line]:
    """The lines with every tier of the month, so that a reader sees the one not reached and its price."""
    prices: list[str] = next(
        (rule["price_yuan"] for rule in rules if rule["kind"] == "tier" and rule["period"] == "month"), []
    )
    if not prices or any(line.code == "FREE_KWH" for line in lines):
        return lines
    shown = {line.code for line in lines}
    empty = [
        Line(charge.text, charge.name_zh, Fraction(), charge.unit, Fraction(price), 0, "", charge.legal_basis)
        for charge, price in zip((CHARGES[code] for code in TIERS), prices, strict=False)
        if charge.text not in shown
    ]
    tiers = sorted([line for line in lines if line.code.startswith("ENERGY_T")] + empty, key=lambda line: line.code)
    return tiers + [line for line in lines if not line.code.startswith("ENERGY_T")]


def _after_charges(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules with the adjustment between the charges and the funds."""
    charges = [rule for rule in rules if rule["kind"] in (*ENERGY_KINDS, "basic_charge")]
    rest = [rule for rule in rules if rule not in charges]
    return [*charges, {"kind": "power_factor", "table": TABLE}, *rest]


def _household(
    request: Request, rules: list[dict[str, Any]], more: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Bounds that the request states, and free energy of a household on minimum income."""
    if request.inputs.has("tier_bounds_applied"):
        stated = [plain(bound) for bound in request.inputs.numbers("tier_bounds_applied")]
        moved = ("multi_person", "seasons")
        rules = [
            {name: value for name, value in rule.items() if name not in moved} | {"upper_kwh": stated}
            if rule["kind"] in ("tier", "tier_time_of_use")
            else rule
            for rule in rules
        ]
    if request.customer.flag("low_income"):
        kwh = plain(request.options.number("free_kwh", "15"))
        method = request.switches.text("free_kwh_method")
        rules = [*rules, {"kind": "free_energy", "kwh_per_month": kwh, "method": method}]
        more = more | {"free_months": _months(request)}
    return rules, more


# --- Rating ----------------------------------------------------------------------------------


def _check_period(request: Request, rules: list[dict[str, Any]]) -> None:
    """A price by season needs a month; a period needs a day."""
    if request.start and request.end and request.end <= request.start:
        raise CannotPrice("out_of_range", "period.end must lie after period.start")
    is_seasonal = any("seasons" in rule or "price_seasons" in rule for rule in rules)
    if is_seasonal and not any(request.period.has(name) for name in ("bill_month", "date", "start")):
        raise CannotPrice("missing_field", "period.start or period.bill_month: the price goes by season")


def _usage(bill: _Bill, part: Part, more: Mapping[str, Any]) -> Usage:
    request = bill.request
    return Usage.of(
        request.month,
        {register: energy for register, energy in part.energy_e2.items()},
        tier_kwh_e2_before=_before(request),
        people=request.customer.scaled("people", 0, "1"),
        months=_months(request),
        tier_months=_tier_months(request),
        more=more,
    )


def _with_unmeasured_periods(tariff: CompiledTariff, usage: Usage) -> Usage:
    """Sharp and deep-valley hours that the meter has no register for hold nothing: all energy stands in the others."""
    priced = {register for rule in tariff.rules for register in rule.period_registers}
    absent = priced - set(usage.registers)
    # Sharp and deep valley hours are not those of every month; the others every meter has.
    missing = sorted(absent & {Register.SHARP, Register.DEEP_VALLEY}) if usage.period_registers else []
    if not missing:
        return usage
    empty = np.zeros((len(usage), len(missing)), dtype=np.int64)
    return replace(
        usage,
        registers=(*usage.registers, *missing),
        energy_kwh_e2=np.hstack([usage.energy_kwh_e2, empty]),
    )


def _months(request: Request) -> int:
    return 2 if request.customer.text("reading_cycle", "monthly").startswith("bimonthly") else 1


def _tier_months(request: Request) -> int:
    """Months of the tier year that count: up to that of a transfer, included; all twelve otherwise."""
    event = request.inputs.text("event", "")
    if event not in EVENTS:
        raise CannotPrice("unknown_value", f"inputs.event {event}: one of {', '.join(EVENTS[1:])}")
    if request.inputs.has("tier_bounds_applied"):
        return 12  # stated bounds are those of this bill
    last = request.inputs.day("event_on") if request.inputs.has("event_on") else request.end
    if event != "account_transferred" or not request.switches.is_on("transfer_prorates_tiers"):
        return 12
    if last is None:
        raise CannotPrice("missing_field", "inputs.event_on")
    last_day = last if request.inputs.has("event_on") else last - timedelta(days=1)
    return (last_day.month - request.switches.number("tier_year_start")) % 12 + 1


EVENTS = ("", "account_opened", "account_closed", "account_transferred")


def _before(request: Request) -> int:
    """What the tier year already holds: stated, or from a history by month."""
    if not request.inputs.has("tier_history"):
        request.inputs.ignore("history")
        return request.inputs.scaled("tier_year_kwh_before", 2, "0")
    start = request.start
    if start is None:
        raise CannotPrice("missing_field", "period.start")
    first = request.switches.number("tier_year_start")
    month, year = start.month, start.year
    is_odd = request.customer.text("reading_cycle", "").startswith("bimonthly") and request.period.has("bill_month")
    if is_odd and request.switches.text("odd_month_january") == "current_year":
        year, month = int(request.period.text("bill_month")[:4]), request.month
    began = date(year if month >= first else year - 1, first, 1)
    total = 0
    for one in request.inputs.parts("tier_history"):
        when = one.text("month")
        if began.isoformat()[:7] <= when < start.isoformat()[:7]:
            total += one.scaled("kwh", 2)
        else:
            one.ignore("kwh")
        one.finish()
    return total


def _rated(rules: list[dict[str, Any]], usage: Usage) -> list[LineFacts]:
    """The lines of one row; energy given back is rated as the energy it takes off the tier year."""
    tariff = compile_rules(rules, prices_energy=any(rule["kind"] in ENERGY_KINDS for rule in rules))
    usage = _with_unmeasured_periods(tariff, usage)
    energy = usage.energy_kwh_e2
    is_refund = bool((energy <= 0).all() and (energy < 0).any())
    if is_refund:
        before = usage.tier_kwh_e2_before + energy.sum(axis=1)
        if all(rule.get("period") != "year" for rule in rules):
            before = np.maximum(before, 0)
        usage = Usage(
            usage.registers, -energy, before, usage.people, usage.months,
            usage.bill_month, usage.tier_months, usage.more,
        )  # fmt: skip
    refused = int(rate(tariff, usage).refused[0])
    if refused:
        raise CannotPrice(Refusal(refused).name.lower(), "the kernel refuses these determinants")
    lines = explain(tariff, usage, 0)
    if not is_refund:
        return lines
    return [LineFacts(one.code, -one.quantity, one.price_e8, -one.amount_fen, one.share, one.facts) for one in lines]


# --- Power factor ----------------------------------------------------------------------------


def _power_factor(bill: _Bill) -> None:
    """The standard that applies and the factor: stated, or from active and reactive energy."""
    request, supply = bill.request, bill.supply
    main = supply.part("main", "new")
    reactive = main.reactive_e2 if main else None
    if reactive is None and not request.inputs.has("power_factor"):
        return
    bill.standard_e2 = _standard(request)
    if not bill.standard_e2:
        return
    if request.inputs.has("power_factor"):
        bill.factor_e2 = request.inputs.scaled("power_factor", 2)
        if bill.factor_e2 > 100:
            raise CannotPrice("out_of_range", "inputs.power_factor must be 0 to 1")
    elif main is not None and reactive is not None:
        active = supply.main_e2 if request.switches.text("pf_active_base") == "main_meter_total" else main.total_e2
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


# --- What is said beside the lines -----------------------------------------------------------

TIERS = (ChargeCode.ENERGY_T1, ChargeCode.ENERGY_T2, ChargeCode.ENERGY_T3)
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


def _say(bill: _Bill, rules: list[dict[str, Any]], lines: list[LineFacts]) -> None:
    """Quantities that a reader checks."""
    said = bill.answer.quantities
    main = bill.supply.part("main", "new")
    if main is not None:
        said.setdefault("billed_kwh", plain(Fraction(main.total_e2, 100)))
        if main.reactive_e2 is not None:
            said["reactive"] = plain(Fraction(main.reactive_e2, 100))
        _say_tiers(said, {str(rule["kind"]) for rule in rules}, lines, main.total_e2)
    for line in lines:
        name = QUANTITY_OF_CHARGE.get(line.code)
        if name:
            said[name] = plain(Fraction(line.quantity, 100))
        if line.code == ChargeCode.PF_ADJ:
            said["adjusted_base"] = plain(Fraction(line.quantity, 100))
        _say_demand(said, line)


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
        above = {SURCHARGES[line.code]: line.quantity for line in lines if line.code in SURCHARGES}
        said |= {name: plain(Fraction(above.get(name, 0), 100)) for name in ("t2", "t3")}
        said["t1"] = plain(Fraction(total_e2 - sum(above.values()), 100))
    elif "tier" in kinds:
        for name in ("t1", "t2", "t3"):
            said.setdefault(name, "0")


def _in_order(lines: list[Line]) -> list[Line]:
    """Energy, basic charge, adjustment, funds, credits; inside a kind as they were rated."""
    places = {"CAPACITY": 1, "CAPACITY_HALF": 1, "DEMAND": 1, "DEMAND_OVER": 1, "PF_ADJ": 2}

    def place(line: Line) -> int:
        if line.code.startswith("FUND"):
            return 3
        return 4 if line.code == "FREE_KWH" else places.get(line.code, 0)

    return sorted(lines, key=place)


def _export(bill: _Bill) -> None:
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
