"""Pure: previews of what is asked beside the month's bill: late fees, wrong metering, breach, theft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from cis.collecting.allocation import OpenDebt, allocate
from cis.collecting.late_fee_bill import late_fee_bill
from cis.previews.answer import Answer, Line, plain, yuan
from cis.previews.document import Document, number_of
from cis.rating import CHARGES, CORRECTED_AS, SWITCHES, CannotPrice, Switches
from cis.rating import corrections as kernel

__all__ = ["back_billing", "class_misuse", "late_fees", "over_capacity", "theft"]

MOST_MONTHS = 120
AMOUNTS = ("late_fee_min_yuan", "cap_percent_of_principal", "contract_permille")
MOST_DAYS = 31
HOURS_OF_A_DAY = 24
OF_OTHER_BILLS = ("order", *(name for name in SWITCHES if not name.startswith("late_fee")))
"""Options that decide nothing about late fees."""
PERIODS = ("sharp", "peak", "valley", "deep_valley")
PERIOD_NAMES = {"sharp": "尖峰", "peak": "高峰", "flat": "平段", "valley": "低谷", "deep_valley": "深谷"}


def late_fees(
    inputs: Document,
    options: Mapping[str, Any],
    *,
    customer_class: str,
    pay_on: date,
    published: Sequence[Mapping[str, Any]],
    rule: str,
) -> Answer:
    """Late fees of debts paid on a day; with a `payment`, where it goes."""
    inputs.parts("debts")
    for name in AMOUNTS:
        if name in options:
            number_of(options[name], f"options.{name}")
    said = dict(inputs.items())
    payment = said.pop("payment", None)
    terms = {name: value for name, value in options.items() if name not in OF_OTHER_BILLS}
    found = late_fee_bill(said, terms, customer_class=customer_class, pay_on=pay_on, published=published)
    lines = [
        Line(
            one.code,
            one.name,
            Fraction(one.quantity),
            one.unit,
            Fraction(one.unit_price),
            one.amount_fen,
            "" if one.factor is None else str(one.factor),
        )
        for one in found.lines
    ]
    if not lines and not said["debts"]:
        raise CannotPrice("missing_field", "inputs.debts: at least one")
    quantities = {"raw": yuan(found.raw_fen)}
    if len(found.overdue_days) == 1:
        quantities["overdue_days"] = str(found.overdue_days[0])
    answer = Answer(lines, quantities)
    if payment is not None:
        one_by_one = [
            late_fee_bill({"debts": [debt]}, terms, customer_class=customer_class, pay_on=pay_on, published=published)
            for debt in said["debts"]
        ]
        answer.allocation = _allocated(payment, said["debts"], [one.total_fen for one in one_by_one], rule)
    return answer


def _allocated(payment: Any, debts: Sequence[Mapping[str, Any]], fees_fen: Sequence[int], rule: str) -> dict[str, Any]:
    """Where a payment goes, bill by bill."""
    open_debts = [
        OpenDebt(at, date.fromisoformat(str(debt["due"])), int(Fraction(str(debt["amount"])) * 100), fee)
        for at, (debt, fee) in enumerate(zip(debts, fees_fen, strict=True))
    ]
    paid = number_of(payment, "inputs.payment") * 100
    if paid.denominator != 1:
        raise CannotPrice("too_precise", "inputs.payment is yuan with two decimals")
    shared = allocate(int(paid), open_debts, rule)
    return {
        "shares": [
            {
                "bill": str(debts[one.bill_id].get("bill", "")),
                "fee": yuan(one.fee_fen),
                "principal": yuan(one.principal_fen),
            }
            for one in shared.shares
        ],
        "prepaid": yuan(shared.prepaid_fen),
    }


def back_billing(inputs: Document, prices: Document) -> Answer:
    """Energy that a wrong meter, ratio or wiring did not measure (negative: measured too much)."""
    if inputs.has("error_pct"):
        read = inputs.number("read_kwh")
        share = inputs.number("share_of_period", "1/2")
        if not 0 < share <= 1:
            raise CannotPrice("out_of_range", "inputs.share_of_period must be more than 0 and at most 1")
        missed = kernel.energy_missed_by_error(read, _error(inputs), share)
        lines = kernel.back_energy(
            [
                ("BACK_ENERGY", "追补电费", missed, prices.number("energy_price")),
                *((code, name, missed, price) for code, name, price in _funds(prices)),
            ]
        )
        return Answer([Line.of_correction(one) for one in lines], {"back_kwh": plain(missed)})
    rate = _difference_rate(inputs)
    parts = {name: inputs.number(f"read_{name}") for name in PERIODS if inputs.has(f"read_{name}")}
    total = inputs.number("read_total" if inputs.has("read_total") or parts else "read_kwh")
    if not parts:
        back = kernel.correction_by_rate(total, rate)
        lines = kernel.back_energy(
            [
                ("BACK_ENERGY", "追补电费", back, prices.number("energy_price")),
                *((code, name, back, price) for code, name, price in _funds(prices)),
            ]
        )
        return Answer([Line.of_correction(one) for one in lines], {"back_kwh": plain(back)})
    parts["flat"] = inputs.number("read_flat") if inputs.has("read_flat") else total - sum(parts.values())
    if sum(parts.values()) != total or min(parts.values()) < 0:
        raise CannotPrice("registers_disagree", "inputs: the periods do not add up to read_total")
    back_parts = {name: kernel.correction_by_rate(kwh, rate) for name, kwh in parts.items()}
    whole = sum(back_parts.values(), Fraction())
    lines = kernel.back_energy(
        [
            *(
                (f"BACK_{name.upper()}", f"追补{PERIOD_NAMES[name]}", kwh, prices.number(name))
                for name, kwh in back_parts.items()
            ),
            *((code, name, whole, price) for code, name, price in _funds(prices)),
        ]
    )
    return Answer([Line.of_correction(one) for one in lines], {"back_kwh": plain(whole)})


def _funds(prices: Document) -> list[tuple[str, str, Fraction]]:
    """(code, name, yuan per kWh) of the funds asked for beside the energy, whose price is then without them."""
    known = {code.name: CHARGES[code].name_zh for code in CORRECTED_AS if CHARGES[code].ledger == "fund"}
    inside = prices.part("funds")
    found = []
    for name, title in known.items():
        given = [one for one in (prices, inside) if one.has(name)]
        if len(given) > 1:
            raise CannotPrice("priced_twice", f"{prices.where}.{name} and {inside.where}.{name}")
        found += [(name, title, one.number(name)) for one in given]
    inside.finish()
    return found


def _error(inputs: Document) -> Fraction:
    """Per cent; a meter that measures nothing has no error to correct by."""
    error = inputs.number("error_pct", signed=True)
    if error <= -100:
        raise CannotPrice("out_of_range", "inputs.error_pct must be more than -100")
    return error


def _difference_rate(inputs: Document) -> Fraction:
    """Stated, or from the right and the wrong ratio: 600/5 measured as 300/5 is +100 %."""
    if inputs.has("right_ratio"):
        wrong = inputs.number("wrong_ratio")
        if not wrong:
            raise CannotPrice("out_of_range", "inputs.wrong_ratio must be more than 0")
        return inputs.number("right_ratio") / wrong - 1
    rate = inputs.number("correction_rate", signed=True)
    if rate < -1:
        raise CannotPrice("out_of_range", "inputs.correction_rate gives back more than was read")
    return rate


def _hours(inputs: Document, name: str, usual: int | None) -> Fraction:
    """Hours a day: stated, or those the rule takes where nobody knows."""
    hours = inputs.number(name, None if usual is None else str(usual))
    if hours > HOURS_OF_A_DAY:
        raise CannotPrice("out_of_range", f"inputs.{name} must be at most {HOURS_OF_A_DAY}")
    return hours


def theft(inputs: Document, prices: Document, *, is_residential: bool | None) -> Answer:
    """Energy taken without a meter, and the penalty on it; `is_residential` None: the hours must be stated."""
    usual = None if is_residential is None else kernel.HOURS_A_DAY["lighting" if is_residential else "power"]
    kwh = inputs.number("kw") * inputs.number("days", str(kernel.UNKNOWN_DAYS)) * _hours(inputs, "hours_per_day", usual)
    multiple = inputs.number("penalty_multiple", str(kernel.THEFT_MULTIPLE))
    if multiple.denominator != 1 or not 0 <= multiple <= kernel.THEFT_MULTIPLE:
        raise CannotPrice("out_of_range", f"inputs.penalty_multiple must be 0 to {kernel.THEFT_MULTIPLE}")
    lines = kernel.theft(kwh, _only_price(prices), int(multiple), funds=_funds(prices))
    return Answer([Line.of_correction(one) for one in lines], {"kwh": plain(kwh)})


def class_misuse(inputs: Document, prices: Document, main_class: str, switches: Switches) -> Answer:
    """Expensive loads on a cheap line: the difference, and twice the difference."""
    cheap_class = "cheap" if prices.has("cheap") else main_class
    if not cheap_class:
        raise CannotPrice("missing_field", "customer.class, or tariff_inline.cheap: what was paid")
    cheap = prices.number(cheap_class)
    days = inputs.number("days", "90")
    loads = {
        "industry": ("power_kw", "power_hours", kernel.HOURS_A_DAY["power"]),
        "commercial": ("commercial_kw", "commercial_hours", kernel.HOURS_A_DAY["lighting"]),
        "non_residential": ("lighting_kw", "lighting_hours", kernel.HOURS_A_DAY["lighting"]),
    }
    difference, quantities = Fraction(), {}
    for name, (power, hours, usual) in loads.items():
        if inputs.has(power):
            kwh = inputs.number(power) * _hours(inputs, hours, usual) * days
            if prices.number(name) < cheap:
                raise CannotPrice("out_of_range", f"tariff_inline.{name} is not dearer than what was paid")
            difference += kwh * (prices.number(name) - cheap)
            quantities[f"{name}_kwh"] = plain(kwh)
    if not quantities:
        raise CannotPrice("missing_field", "inputs: power_kw, commercial_kw or lighting_kw")
    lines = kernel.class_difference(
        difference,
        multiple=kernel.CLASS_MULTIPLE,
        on_unrounded=switches.text("penalty_on") == "unrounded_difference",
    )
    quantities["difference_exact"] = plain(difference)
    return Answer([Line.of_correction(one) for one in lines], quantities)


def over_capacity(inputs: Document, prices: Document, period: Document, *, is_two_part: bool = False) -> Answer:
    """
    Capacity beyond the contract, or sealed equipment in use: the basic charge afterwards and a multiple of it; under
    a single-part tariff so much a kVA. `is_two_part`: the customer cannot have the latter.
    """
    is_sealed = inputs.flag("sealed_equipment")
    multiple = kernel.SEALED_MULTIPLE if is_sealed else kernel.OVER_CAPACITY_MULTIPLE
    kva = inputs.number("kva")
    counted = [name for name in ("days_first_month", "full_months", "days_last_month") if inputs.has(name)]
    if not prices.has("capacity_price") and (counted or (is_two_part and not prices.has("penalty_per_kva"))):
        raise CannotPrice("missing_field", f"{prices.where}.capacity_price")
    for name in ("days_first_month", "days_last_month"):
        if inputs.scaled(name, 0, "0") > MOST_DAYS:
            raise CannotPrice("out_of_range", f"inputs.{name} must be at most {MOST_DAYS}")
    if prices.has("capacity_price"):
        months: list[tuple[str, int]] = []
        first = inputs.scaled("days_first_month", 0, "0")
        start = period.day("start") if period.has("start") else None
        if first:
            months.append((f"{start.month}月{first}天" if start else f"{first}天", min(first, 30)))
        if inputs.scaled("full_months", 0, "0") > MOST_MONTHS:
            raise CannotPrice("out_of_range", f"inputs.full_months must be at most {MOST_MONTHS}")
        for number in range(inputs.scaled("full_months", 0, "0")):
            month = (start.month + number + (1 if first else 0) - 1) % 12 + 1 if start else None
            months.append((f"{month}月" if month else "", 30))
        last = inputs.scaled("days_last_month", 0, "0")
        if last:
            months.append((f"{last}天", min(last, 30)))
        if not months:
            raise CannotPrice("missing_field", "inputs.days_first_month or inputs.full_months")
        lines = kernel.over_capacity(kva, prices.number("capacity_price"), months, multiple=multiple)
        return Answer([Line.of_correction(one) for one in lines], {})
    times = inputs.number("times", "1")
    usual = kernel.SEALED_YUAN_PER_KVA if is_sealed else kernel.OVER_YUAN_PER_KVA
    line = kernel.line("CAP_PENALTY", "违约使用电费", kva, "kVA", prices.number("penalty_per_kva", str(usual)), times)
    return Answer([Line.of_correction(line)], {})


def _only_price(prices: Document) -> Fraction:
    for name in ("energy_price", "flat", "price"):
        if prices.has(name):
            return prices.number(name)
    return prices.number("energy_price")
