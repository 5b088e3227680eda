"""Pure: which kind of request a document is, and its answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from cis.previews import corrections
from cis.previews.answer import SCHEMA, Answer
from cis.previews.bill import Request, preview_bill
from cis.previews.document import Document, plain_text
from cis.previews.tariffs import PublishedTariff, StatedPrices
from cis.rating import SWITCHES, CannotPrice, Switches, WindowSet, read_switches

__all__ = ["KINDS", "Published", "preview"]

Found = TypeVar("Found")
FOR_PEOPLE = ("id", "title", "topics", "source", "expected")
CUSTOMER_FACTS = ("pv_kw", "people", "capacity_kva", "transformers_kva", "pf_standard", "pf_standard_after", "voltage")
"""What is known of a customer whether or not a rule of this request reads it."""
CUSTOMER_FLAGS = ("tou", "low_income", "on_load_tap_changer", "basic_charge_exempt")
MOST_PEOPLE = 99
WHOLE_KWH = re.compile(r"integer([ _]kwh)?( per register)?( after multiplication)?")
"""How people say `integer_kwh`."""
OF_LATE_FEES = ("late_fee_split", "late_fee_min_yuan")


@dataclass(frozen=True)
class Published:
    """What a request may name: tariffs by code and day, window sets by code, terms of late fees."""

    tariff: Callable[[str, date | None], PublishedTariff]
    windows: Callable[[str], WindowSet]
    late_fees: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Kind:
    """One kind of request: by which inputs it is known, and what answers it."""

    inputs: tuple[str, ...]
    answer: Callable[[Request, Published], Answer]


KINDS: dict[str, Kind] = {
    "late_fees": Kind(
        ("debts",),
        lambda request, published: corrections.late_fees(
            request.inputs,
            dict(request.options.items()),
            customer_class=request.customer.text("class"),
            pay_on=request.period.day("pay_date"),
            published=published.late_fees,
            rule=request.switches.text("allocation"),
        ),
    ),
    "back_billing": Kind(
        ("error_pct", "correction_rate", "right_ratio"),
        lambda request, _published: corrections.back_billing(request.inputs, _prices(request)),
    ),
    "class_misuse": Kind(
        ("power_kw", "commercial_kw", "lighting_kw"),
        lambda request, _published: corrections.class_misuse(
            request.inputs, _prices(request), request.price_class, request.switches
        ),
    ),
    "theft": Kind(
        ("kw",),
        lambda request, _published: corrections.theft(
            request.inputs,
            _prices(request),
            is_residential=request.price_class == "residential" if request.price_class else None,
        ),
    ),
    "over_capacity": Kind(
        ("kva",),
        lambda request, _published: corrections.over_capacity(
            request.inputs,
            _prices(request),
            request.period,
            is_two_part="large_industr" in request.customer.text("class"),
        ),
    ),
    "bill": Kind((), lambda request, _published: preview_bill(request)),
}
"""The first whose inputs are there answers; the month's bill is what is left."""


def preview(document: Mapping[str, Any], published: Published) -> dict[str, Any]:
    """
    The answer as JSON-ready values: quantities, lines, total, and a settlement for what was fed in.

    :raises CannotPrice: with a stable code and the field that is missing, unknown or impossible
    """
    _check_texts(document)
    whole = Document(document, "request")
    try:
        return _answer(whole, published).as_json()
    except CannotPrice as refused:
        raise _with_field(refused, document) from refused
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as wrong:
        # A shape that no check foresaw is refused like the others, and never half rated.
        where = "request.tariff_inline.rules, or what" if _has_rules(document) else "what"
        raise CannotPrice("ill_typed", f"{where} stands at {whole.last_read}, cannot be read") from wrong


def _answer(whole: Document, published: Published) -> Answer:
    whole.ignore(*FOR_PEOPLE, "tariff_inline")
    if whole.text("schema_version", SCHEMA) != SCHEMA:
        raise CannotPrice("unknown_value", f"request.schema_version must be {SCHEMA}")
    options = whole.part("options")
    inputs, customer, period = whole.part("inputs"), whole.part("customer"), whole.part("period")
    stated = StatedPrices.read(whole.part("tariff_inline")) if whole.has("tariff_inline") else None
    request = Request(
        customer=customer,
        period=period,
        inputs=inputs,
        options=options,
        prices=stated,
        tariff_ref=whole.text("tariff_ref", ""),
        switches=_switches(options),
        tariff=lambda code, on: _named("tariff_ref", lambda: published.tariff(code, on)),
        windows=lambda code: _named("options.tou_windows_ref", lambda: published.windows(code)),
        topics=tuple(one for one in whole.raw("topics", []) if isinstance(one, str)),
    )
    whole.finish()
    for name in CUSTOMER_FLAGS:
        customer.flag(name)
    if not 1 <= customer.scaled("people", 0, "1") <= MOST_PEOPLE:
        raise CannotPrice("out_of_range", f"customer.people must be 1 to {MOST_PEOPLE}")
    kind = next(one for one in KINDS.values() if not one.inputs or any(inputs.has(name) for name in one.inputs))
    if not inputs.has("debts"):
        _check_late_fee_switches(options)
    answer = kind.answer(request, published)
    period.ignore("start", "end", "date", "bill_month", "pay_date")
    for part in (inputs, options, *([stated.fields] if stated else [])):
        part.finish()
    customer.ignore(*CUSTOMER_FACTS)
    for part in (customer, period):
        part.finish(texts_are_notes=True)
    return answer


def _named(field: str, find: Callable[[], Found]) -> Found:
    """What a code of this field means; the refusal says which field it was."""
    try:
        return find()
    except CannotPrice as refused:
        raise CannotPrice(refused.code, f"{field}: {refused.detail}") from refused


def _check_texts(document: object) -> None:
    """:raises CannotPrice: `ill_typed`, a text that cannot be written in Unicode, such as half a surrogate pair"""
    left: list[tuple[str, object]] = [("request", document)]
    while left:
        where, value = left.pop()
        if isinstance(value, str) and plain_text(value) != value:
            raise CannotPrice("ill_typed", f"{where}: {plain_text(value)} is no text")
        if isinstance(value, Mapping):
            left += [(where, name) for name in value]
            left += [(f"{where}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            left += [(where, inner) for inner in value]


PATHS = re.compile(r"\b(request|customer|period|inputs|options|tariff_inline)\b|tariff_ref")
FIELDS = (
    ("no_rules", "tariff_ref or tariff_inline"),
    ("unpriced_register", "tariff_ref or tariff_inline"),
    ("upper_kwh", "inputs.tier_bounds_applied"),
    ("kwh_per_month", "options.free_kwh"),
    ("unknown_capacity", "inputs.events"),
    ("register_missing", "inputs.meters"),
    ("registers_disagree", "inputs.meters"),
    ("overpaid", "inputs.debts"),
    ("bad_amount", "inputs.debts"),
    ("bad_terms", "options"),
)
"""By code or word, the fields that refusals of the kernel are about: it knows rules and columns, not the request."""


def _with_field(refused: CannotPrice, document: Mapping[str, Any]) -> CannotPrice:
    """The refusal with the field of the request that it is about."""
    if PATHS.search(refused.detail):
        return refused
    field = next((field for word, field in FIELDS if word in str(refused)), "")
    if _has_rules(document):
        field = "tariff_inline.rules"
    return CannotPrice(refused.code, f"{field}: {refused.detail}") if field else refused


def _has_rules(document: Mapping[str, Any]) -> bool:
    prices = document.get("tariff_inline")
    return isinstance(prices, Mapping) and "rules" in prices


def _prices(request: Request) -> Document:
    if request.prices is None:
        raise CannotPrice("missing_field", "tariff_inline")
    return request.prices.fields


def _switches(options: Document) -> Switches:
    """The switches among the options; other options belong to the kinds."""
    chosen: dict[str, object] = {}
    # How losses and shares are put together is said for people; the order is that of billing-rules.md section 0.
    options.ignore("order")
    for name in SWITCHES:
        if options.has(name) and name not in OF_LATE_FEES:
            chosen[name] = options.raw(name)
    if options.has("seal_day_counts_as_suspended"):
        day = "new" if options.flag("seal_day_counts_as_suspended") else "old"
        if chosen.setdefault("change_day_belongs_to", day) != day:
            raise CannotPrice(
                "options_disagree", "options.seal_day_counts_as_suspended and options.change_day_belongs_to"
            )
    rounding = chosen.get("kwh_rounding")
    if isinstance(rounding, str) and WHOLE_KWH.fullmatch(rounding):
        chosen["kwh_rounding"] = "integer_kwh"
    return read_switches(chosen)


def _check_late_fee_switches(options: Document) -> None:
    """A utility may hand over all its switches with every request; those of late fees decide nothing here."""
    if options.has("late_fee_split"):
        read_switches({"late_fee_split": options.raw("late_fee_split")})
    if options.has("late_fee_min_yuan"):
        options.number("late_fee_min_yuan")
