"""Pure: which kind of request a document is, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cis.previews import corrections
from cis.previews.answer import Answer
from cis.previews.bill import Request, preview_bill
from cis.previews.document import Document
from cis.previews.tariffs import PublishedTariff, StatedPrices
from cis.rating import SWITCHES, CannotPrice, Switches, WindowSet, read_switches

__all__ = ["KINDS", "Published", "preview"]

FOR_PEOPLE = ("id", "title", "topics", "source", "expected", "schema_version")
CUSTOMER_FACTS = ("pv_kw", "people", "capacity_kva", "transformers_kva", "pf_standard", "pf_standard_after", "voltage")
"""What is known of a customer whether or not a rule of this request reads it."""


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
            request.inputs, _prices(request), is_residential=request.price_class == "residential"
        ),
    ),
    "over_capacity": Kind(
        ("kva",),
        lambda request, _published: corrections.over_capacity(request.inputs, _prices(request), request.period),
    ),
    "bill": Kind((), lambda request, _published: preview_bill(request)),
}
"""The first whose inputs are there answers; the month's bill is what is left."""


def preview(document: Mapping[str, Any], published: Published) -> dict[str, Any]:
    """
    The answer as JSON-ready values: quantities, lines, total, and a settlement for what was fed in.

    :raises CannotPrice: with a stable code and the field that is missing, unknown or impossible
    """
    whole = Document(document, "request")
    whole.ignore(*FOR_PEOPLE, "tariff_inline")
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
        tariff=published.tariff,
        windows=published.windows,
    )
    whole.finish()
    kind = next(one for one in KINDS.values() if not one.inputs or any(inputs.has(name) for name in one.inputs))
    try:
        answer = kind.answer(request, published)
    except (ArithmeticError, LookupError, TypeError, ValueError) as wrong:
        # A shape that no check foresaw is refused like the others, and never half rated.
        raise CannotPrice("ill_typed", f"the request cannot be read: {type(wrong).__name__}: {wrong}") from wrong
    period.ignore("start", "end", "date", "bill_month", "pay_date")
    for part in (inputs, options, *([stated.fields] if stated else [])):
        part.finish()
    customer.ignore(*CUSTOMER_FACTS)
    for part in (customer, period):
        part.finish(texts_are_notes=True)
    return answer.as_json()


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
        if options.has(name) and name not in ("late_fee_split", "late_fee_min_yuan"):
            chosen[name] = options.raw(name)
    if options.has("seal_day_counts_as_suspended"):
        chosen["change_day_belongs_to"] = "new" if options.raw("seal_day_counts_as_suspended") is True else "old"
    rounding = chosen.get("kwh_rounding")
    if isinstance(rounding, str) and rounding.startswith("integer"):
        chosen["kwh_rounding"] = "integer_kwh"
    return read_switches(chosen)
