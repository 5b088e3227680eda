"""
Pure: late fees (电费违约金) of debts, columns in and out, and a plain form for one debt.

    spans = spans_of(debts, payments)          # stretches of days with one base each
    fees = late_fees(debts, spans, terms)      # parts, and one fee a debt
    fee = late_fee(500_00, due_on=..., until_on=..., terms=terms, residential=True)

Days count from the day after the due date up to and including the day of payment. The base is principal only; a
partial payment lowers it from the next day on. Each part of constant base and rate is rounded half-up to the fen.

Source: 供电营业规则 (1996) art. 98 for rates and minimum, 电力供应与使用条例 art. 39 for the bounds of an agreed rate;
the 2024 text was not at hand, so every number is a field of `LateFeeTerms`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.rating import CannotPrice

__all__ = [
    "Debts",
    "FeePart",
    "LateFee",
    "LateFeeTerms",
    "LateFees",
    "Payments",
    "Settled",
    "Spans",
    "Split",
    "late_fee",
    "late_fees",
    "read_late_fee_terms",
    "spans_of",
]

Int64Column = NDArray[np.int64]
BoolColumn = NDArray[np.bool_]

PPM = 1_000_000
MAX_DAYS = 20_000
"""54 years; with the largest amount and rate the products stay inside int64."""
MAX_PRINCIPAL_FEN = 10**11
_EPOCH = date(1970, 1, 1)


class Split(StrEnum):
    """How a debt that lives over a year end is charged where the rate across years is another one."""

    BY_CALENDAR_YEAR_OF_EACH_DAY = "by_calendar_year_of_each_day"
    """days in the year of the due date at the current year's rate, later days at the rate across years"""
    NEW_YEAR_ONLY = "new_year_only"
    """later days at the rate across years, days in the year of the due date at nothing"""
    ALL_DAYS_CROSS_YEAR_RATE = "all_days_cross_year_rate"
    """all its days at the rate across years"""


class Settled(StrEnum):
    """What decided the fee of a debt."""

    NONE = "none"
    PARTS = "parts"
    MINIMUM = "minimum"
    CAP = "cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFeeTerms:
    """
    One version of the rule. Rates in parts per million a day (1 permille = 1000).

    :raises CannotPrice: a rate is negative or above what the regulation allows, an amount is negative
    """

    residential_ppm: int
    current_year_ppm: int
    cross_year_ppm: int
    contract_min_ppm: int
    contract_max_ppm: int
    min_fen: int
    cap_ppm_of_principal: int | None
    """never more than this share of the principal; None: no cap"""
    split: Split

    def __post_init__(self) -> None:
        if not 0 <= self.contract_min_ppm <= self.contract_max_ppm <= PPM // 100:
            raise CannotPrice("bad_terms", "contract_min_permille and contract_max_permille must rise, up to 10")
        for name in ("residential_ppm", "current_year_ppm", "cross_year_ppm"):
            if not 0 <= getattr(self, name) <= self.contract_max_ppm:
                raise CannotPrice("bad_terms", f"{name} must be between 0 and the regulation's maximum")
        if self.min_fen < 0 or (self.cap_ppm_of_principal is not None and self.cap_ppm_of_principal < 0):
            raise CannotPrice("bad_terms", "a minimum and a cap must not be negative")


def read_late_fee_terms(published: Mapping[str, Any]) -> LateFeeTerms:
    """
    The terms of one entry of `late_fees` in `cis/data/collection.json`; numbers are strings of permille and yuan.

    :raises CannotPrice: a field is missing, is no number, or names an unknown switch value
    """
    try:
        cap = published["cap_percent_of_principal"]
        return LateFeeTerms(
            residential_ppm=_whole(published["residential_permille"], 1000, "residential_permille"),
            current_year_ppm=_whole(published["current_year_permille"], 1000, "current_year_permille"),
            cross_year_ppm=_whole(published["cross_year_permille"], 1000, "cross_year_permille"),
            contract_min_ppm=_whole(published["contract_min_permille"], 1000, "contract_min_permille"),
            contract_max_ppm=_whole(published["contract_max_permille"], 1000, "contract_max_permille"),
            min_fen=_whole(published["late_fee_min_yuan"], 100, "late_fee_min_yuan"),
            cap_ppm_of_principal=None if cap is None else _whole(cap, PPM // 100, "cap_percent_of_principal"),
            split=_split(published["late_fee_split"]),
        )
    except KeyError as missing:
        raise CannotPrice("missing", f"late fee terms: {missing.args[0]}") from missing


@dataclass(frozen=True, slots=True)
class Debts:
    """m debts: what each bill asked for, when it was due, and up to which day fees are counted."""

    principal_fen: Int64Column
    due_day: Int64Column
    until_day: Int64Column
    """included: the day of payment, or today"""
    residential: BoolColumn
    contract_ppm: Int64Column
    """the rate agreed in the supply contract, 0 where none is: it stands in place of the rule's rates"""


@dataclass(frozen=True, slots=True)
class Payments:
    """What was paid on the debts, in any order; `debt` is the row in `Debts`."""

    debt: Int64Column
    day: Int64Column
    amount_fen: Int64Column


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of days with one base each, by debt and day; both ends are counted."""

    debt: Int64Column
    base_fen: Int64Column
    first_day: Int64Column
    last_day: Int64Column


@dataclass(frozen=True, slots=True)
class LateFees:
    """
    The parts, by debt and day, and one row a debt.

    `fee_fen` is the sum of a debt's parts, lifted to the minimum and then held to the cap; `settled` says which.
    """

    part_debt: Int64Column
    part_base_fen: Int64Column
    part_first_day: Int64Column
    part_last_day: Int64Column
    part_ppm: Int64Column
    part_fee_fen: Int64Column
    days: Int64Column
    raw_fen: Int64Column
    fee_fen: Int64Column
    lifted: BoolColumn
    capped: BoolColumn


def spans_of(debts: Debts, payments: Payments) -> Spans:
    """
    Cut each debt's days after the due date at its payments; days without a base are left out.

    Payments up to the due date lower the base from the start; payments after `until_day` are not looked at.

    :raises CannotPrice: more was paid on a debt than it asked for, or an amount is not positive
    """
    if (payments.amount_fen <= 0).any():
        raise CannotPrice("bad_payment", "a payment must be more than zero")
    counted = payments.day <= debts.until_day[payments.debt]
    count = len(debts.principal_fen)
    debt = np.concatenate([np.arange(count, dtype=np.int64), payments.debt[counted]])
    day = np.concatenate([debts.due_day, np.maximum(payments.day[counted], debts.due_day[payments.debt[counted]])])
    change = np.concatenate([debts.principal_fen, -payments.amount_fen[counted]])
    # A stable sort keeps the debt itself, written first, ahead of what was paid up to its due date.
    order = np.lexsort((day, debt))
    debt, day, change = debt[order], day[order], change[order]
    running = np.cumsum(change)
    first_of_debt = np.searchsorted(debt, np.arange(count))
    before = (running - change)[first_of_debt]
    base = running - before[debt]
    if (base < 0).any():
        raise CannotPrice("overpaid", "more was paid on a debt than it asked for")
    is_last = np.append(debt[1:] != debt[:-1], True) if len(debt) else np.zeros(0, dtype=np.bool_)
    last_day = np.where(is_last, debts.until_day[debt], np.append(day[1:], 0) if len(day) else day)
    keep = (base > 0) & (last_day > day)
    return Spans(debt[keep], base[keep], day[keep] + 1, last_day[keep])


def late_fees(debts: Debts, spans: Spans, terms: LateFeeTerms) -> LateFees:
    """
    The late fees of m debts under one version of the rule.

    :raises CannotPrice: an amount or a stretch of days is out of range, or an agreed rate is outside the regulation
    """
    _check(debts, spans, terms)
    current, cross = _rates(debts, terms)
    count = len(debts.principal_fen)
    year_end = _last_day_of_year(debts.due_day)
    until = np.full(count, np.iinfo(np.int64).min)
    np.maximum.at(until, spans.debt, spans.last_day)
    # Where both rates are the same a year end changes nothing and makes no part of its own.
    crosses = (until > year_end) & (current != cross)
    span_crosses, span_end = crosses[spans.debt], year_end[spans.debt]
    if terms.split is Split.ALL_DAYS_CROSS_YEAR_RATE:
        old_last = np.where(span_crosses, spans.first_day - 1, spans.last_day)
    else:
        old_last = np.where(span_crosses, np.minimum(spans.last_day, span_end), spans.last_day)
    new_first = np.maximum(old_last + 1, spans.first_day)
    old_ppm = current[spans.debt]
    if terms.split is Split.NEW_YEAR_ONLY:
        old_ppm = np.where(span_crosses, 0, old_ppm)
    debt = np.concatenate([spans.debt, spans.debt])
    base = np.concatenate([spans.base_fen, spans.base_fen])
    first = np.concatenate([spans.first_day, new_first])
    last = np.concatenate([old_last, spans.last_day])
    ppm = np.concatenate([old_ppm, cross[spans.debt]])
    keep = (last >= first) & (ppm > 0)
    debt, base, first, last, ppm = debt[keep], base[keep], first[keep], last[keep], ppm[keep]
    order = np.lexsort((first, debt))
    debt, base, first, last, ppm = debt[order], base[order], first[order], last[order], ppm[order]
    fee = (base * (last - first + 1) * ppm + PPM // 2) // PPM
    raw = np.zeros(count, dtype=np.int64)
    np.add.at(raw, debt, fee)
    days = np.zeros(count, dtype=np.int64)
    np.add.at(days, spans.debt, spans.last_day - spans.first_day + 1)
    is_due = np.zeros(count, dtype=np.bool_)
    is_due[debt] = True
    total = np.where(is_due, np.maximum(raw, terms.min_fen), 0)
    lifted = total > raw
    capped = np.zeros(count, dtype=np.bool_)
    if terms.cap_ppm_of_principal is not None:
        cap = debts.principal_fen * terms.cap_ppm_of_principal // PPM
        capped = total > cap
        total = np.minimum(total, cap)
    return LateFees(debt, base, first, last, ppm, fee, days, raw, total, lifted & ~capped, capped)


@dataclass(frozen=True, slots=True)
class FeePart:
    """One stretch of constant base and rate; both days are counted."""

    base_fen: int
    first_on: date
    last_on: date
    ppm: int
    fee_fen: int

    @property
    def days(self) -> int:
        """How many days it counts."""
        return (self.last_on - self.first_on).days + 1


@dataclass(frozen=True, slots=True)
class LateFee:
    """The late fee of one debt and how it came about."""

    parts: tuple[FeePart, ...]
    days: int
    raw_fen: int
    fee_fen: int
    settled: Settled


def late_fee(
    principal_fen: int,
    *,
    due_on: date,
    until_on: date,
    terms: LateFeeTerms,
    residential: bool,
    contract_ppm: int = 0,
    paid: Sequence[tuple[date, int]] = (),
) -> LateFee:
    """
    The late fee of one debt up to and including `until_on`; `paid` holds (day, fen). The same columns, one row.

    :raises CannotPrice: as `spans_of` and `late_fees`
    """
    debts = Debts(
        _ints([principal_fen]),
        _ints([day_number(due_on)]),
        _ints([day_number(until_on)]),
        np.asarray([residential], dtype=np.bool_),
        _ints([contract_ppm]),
    )
    payments = Payments(
        _ints([0] * len(paid)), _ints([day_number(day) for day, _fen in paid]), _ints([fen for _day, fen in paid])
    )
    fees = late_fees(debts, spans_of(debts, payments), terms)
    parts = tuple(
        FeePart(int(base), day_of(int(first)), day_of(int(last)), int(ppm), int(fee))
        for base, first, last, ppm, fee in zip(
            fees.part_base_fen,
            fees.part_first_day,
            fees.part_last_day,
            fees.part_ppm,
            fees.part_fee_fen,
            strict=True,
        )
    )
    settled = Settled.PARTS if parts else Settled.NONE
    if fees.capped[0]:
        settled = Settled.CAP
    elif fees.lifted[0]:
        settled = Settled.MINIMUM
    return LateFee(parts, int(fees.days[0]), int(fees.raw_fen[0]), int(fees.fee_fen[0]), settled)


def day_number(day: date) -> int:
    """Whole days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The inverse of `day_number`."""
    return _EPOCH + timedelta(days=number)


def _check(debts: Debts, spans: Spans, terms: LateFeeTerms) -> None:
    if ((debts.principal_fen < 0) | (debts.principal_fen > MAX_PRINCIPAL_FEN)).any():
        raise CannotPrice("bad_amount", f"a debt must be between 0 and {MAX_PRINCIPAL_FEN} fen")
    if (spans.last_day - spans.first_day >= MAX_DAYS).any():
        raise CannotPrice("too_long", f"a debt is counted for at most {MAX_DAYS} days")
    agreed = debts.contract_ppm != 0
    outside = (debts.contract_ppm < terms.contract_min_ppm) | (debts.contract_ppm > terms.contract_max_ppm)
    if (agreed & outside).any():
        raise CannotPrice(
            "contract_rate_outside_regulation",
            f"an agreed rate must be between {terms.contract_min_ppm} and {terms.contract_max_ppm} ppm a day",
        )


def _rates(debts: Debts, terms: LateFeeTerms) -> tuple[Int64Column, Int64Column]:
    """The rates of each debt in the year of its due date and after it."""
    agreed = debts.contract_ppm != 0
    current = np.where(debts.residential, terms.residential_ppm, terms.current_year_ppm)
    cross = np.where(debts.residential, terms.residential_ppm, terms.cross_year_ppm)
    return np.where(agreed, debts.contract_ppm, current), np.where(agreed, debts.contract_ppm, cross)


def _last_day_of_year(day: Int64Column) -> Int64Column:
    years = day.astype("datetime64[D]").astype("datetime64[Y]")
    return (years + np.timedelta64(1, "Y")).astype("datetime64[D]").astype(np.int64) - 1


def _split(text: str) -> Split:
    try:
        return Split(text)
    except ValueError as unknown:
        raise CannotPrice("unknown_switch_value", f"late_fee_split: {text!r}") from unknown


def _whole(text: str, times: int, field: str) -> int:
    try:
        value = Decimal(text) * times
    except (ArithmeticError, ValueError, TypeError) as wrong:
        raise CannotPrice("not_a_number", f"{field}: {text!r}") from wrong
    if not value.is_finite() or value != int(value):
        raise CannotPrice("not_a_number", f"{field}: {text!r} has more decimals than are kept")
    return int(value)


def _ints(values: Sequence[int]) -> Int64Column:
    return np.asarray(values, dtype=np.int64)
