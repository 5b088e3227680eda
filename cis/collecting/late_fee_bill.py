"""
Pure: late fees of one document, as a program hands it over: debts and a day of payment in, lines out.

    bill = late_fee_bill(inputs, options, customer_class="ordinary_industry", pay_on=..., published=entries)

`inputs` is `{"debts": [{"bill", "amount", "due", "payments": [{"date", "amount"}]}]}`, amounts as strings in yuan, days
in ISO form; `payments` may be left out. `options` may name `late_fee_split`, `late_fee_min_yuan`,
`contract_permille` and `cap_percent_of_principal`; `order` and `note` are for people. Anything else is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from cis.collecting.late_fees import PPM, LateFee, LateFeeTerms, Settled, late_fee, read_late_fee_terms
from cis.rating import CannotPrice
from cis.rating.customer_classes import price_class_of
from config.shared.money import FEN_PER_YUAN, NotMoney, fen_from_yuan

__all__ = ["FeeLine", "LateFeeBill", "late_fee_bill", "terms_in_force"]

CODE = "LATE_FEE"
_SWITCHES = ("late_fee_split", "late_fee_min_yuan", "cap_percent_of_principal")
_FOR_PEOPLE = ("order", "note")


@dataclass(frozen=True, slots=True)
class FeeLine:
    """
    A line: quantity x unit_price x factor, rounded half-up, is the amount; no factor counts as 1.

    Quantity and unit price in yuan; `factor` is the number of days.
    """

    code: str
    name: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    factor: int | None
    amount_fen: int


@dataclass(frozen=True, slots=True)
class LateFeeBill:
    """The lines; `raw_fen` is the sum before minimum and cap, `overdue_days` per debt."""

    lines: tuple[FeeLine, ...]
    total_fen: int
    raw_fen: int
    overdue_days: tuple[int, ...]


def late_fee_bill(
    inputs: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    customer_class: str,
    pay_on: date,
    published: Sequence[Mapping[str, Any]],
    province: str | None = None,
) -> LateFeeBill:
    """
    The late fees of the debts paid on `pay_on`, under the entry of `published` in force on that day.

    A class that holds "residential" is residential, as on a bill. Each debt is a bill of its own: the minimum holds for
    each.

    :raises CannotPrice: a field is missing, unknown or malformed, or no published entry covers the day
    """
    entry = dict(terms_in_force(published, on=pay_on, province=province))
    contract_ppm = 0
    for name, value in options.items():
        if name == "contract_permille":
            contract_ppm = _ppm(value)
        elif name in _SWITCHES:
            entry[name] = value
        elif name not in _FOR_PEOPLE:
            raise CannotPrice("unknown_option", f"options.{name}")
    terms = read_late_fee_terms(entry)
    is_residential = price_class_of(customer_class) == "residential"
    debts = _field(inputs, "debts")
    _only(inputs, ("debts",), "inputs")
    lines: list[FeeLine] = []
    fees: list[LateFee] = []
    for position, debt in enumerate(debts):
        where = f"inputs.debts[{position}]"
        _only(debt, ("bill", "amount", "due", "payments"), where)
        fee = late_fee(
            _fen(_field(debt, "amount", where), f"{where}.amount"),
            due_on=_day(_field(debt, "due", where), f"{where}.due"),
            until_on=pay_on,
            terms=terms,
            residential=is_residential,
            contract_ppm=contract_ppm,
            paid=_payments(debt.get("payments", ()), where),
        )
        fees.append(fee)
        lines += _lines(fee, str(debt.get("bill", "")), terms)
    return LateFeeBill(
        tuple(lines),
        sum(line.amount_fen for line in lines),
        sum(fee.raw_fen for fee in fees),
        tuple(fee.days for fee in fees),
    )


def terms_in_force(
    published: Sequence[Mapping[str, Any]], *, on: date, province: str | None = None
) -> Mapping[str, Any]:
    """
    The entry that holds on a day: the province's own before the national one.

    :raises CannotPrice: none covers the day
    """
    day = on.isoformat()
    for wanted in (province, None) if province else (None,):
        for entry in published:
            until = entry["effective_to"]
            if entry["province"] == wanted and entry["effective_from"] <= day and (until is None or day < until):
                return entry
    raise CannotPrice("no_rule_in_force", f"late fees on {day}")


def _lines(fee: LateFee, bill: str, terms: LateFeeTerms) -> list[FeeLine]:
    """The lines of one debt: its parts, or one line where the minimum or the cap decided."""
    name = f"{bill} 电费" if bill else "电费"
    if fee.settled in (Settled.MINIMUM, Settled.CAP):
        yuan = Decimal(fee.fee_fen) / FEN_PER_YUAN
        floor = Decimal(terms.min_fen) / FEN_PER_YUAN
        why = f"不足{_plain(floor)}元按{_plain(floor)}元" if fee.settled is Settled.MINIMUM else "已到上限"
        return [FeeLine(CODE, f"{name}违约金（{why}）", Decimal(1), "bill", yuan, None, fee.fee_fen)]
    over_years = len({year for part in fee.parts for year in (part.first_on.year, part.last_on.year)}) > 1
    lines = []
    for part in fee.parts:
        years = f" {part.first_on.year}年内{part.days}天" if over_years else f" {part.days}天"
        if part.first_on.year != part.last_on.year:
            years = f" {part.first_on.year}至{part.last_on.year}年{part.days}天"
        lines.append(
            FeeLine(
                CODE,
                name + years,
                Decimal(part.base_fen) / FEN_PER_YUAN,
                "yuan",
                Decimal(part.ppm) / PPM,
                part.days,
                part.fee_fen,
            )
        )
    return lines


def _payments(payments: Sequence[Mapping[str, Any]], where: str) -> list[tuple[date, int]]:
    paid = []
    for position, payment in enumerate(payments):
        place = f"{where}.payments[{position}]"
        _only(payment, ("date", "amount"), place)
        day = _day(_field(payment, "date", place), f"{place}.date")
        paid.append((day, _fen(_field(payment, "amount", place), f"{place}.amount")))
    return paid


def _field(of: Mapping[str, Any], name: str, where: str = "inputs") -> Any:
    if name not in of:
        raise CannotPrice("missing", f"{where}.{name}")
    return of[name]


def _only(of: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for name in of:
        if name not in known:
            raise CannotPrice("unknown_field", f"{where}.{name}")


def _fen(text: Any, where: str) -> int:
    try:
        return fen_from_yuan(str(text))
    except NotMoney as wrong:
        raise CannotPrice("not_an_amount", f"{where}: {text!r}") from wrong


def _day(text: Any, where: str) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError as wrong:
        raise CannotPrice("not_a_day", f"{where}: {text!r}") from wrong


def _ppm(text: Any) -> int:
    try:
        value = Decimal(str(text)) * 1000
    except ArithmeticError as wrong:
        raise CannotPrice("not_a_number", f"options.contract_permille: {text!r}") from wrong
    if not value.is_finite() or value != int(value) or value <= 0:
        raise CannotPrice("not_a_number", f"options.contract_permille: {text!r}")
    return int(value)


def _plain(yuan: Decimal) -> str:
    return f"{yuan.normalize():f}"
