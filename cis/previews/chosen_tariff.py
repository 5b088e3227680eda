"""Pure: which version a request means, in the variant that its customer has."""

from __future__ import annotations

from typing import Any

from cis.previews.bill_request import Request
from cis.previews.parts import Part
from cis.previews.tariffs import ENERGY_KINDS, PublishedTariff
from cis.rating import CannotPrice, WindowSet

__all__ = ["merged", "published_of", "windows_of"]


def published_of(request: Request, part: Part | None = None) -> PublishedTariff | None:
    """
    The published version, in the variant the customer has; of a part, in that by which the part is metered.

    :raises CannotPrice: there is none, none for this customer, or what tells variants apart is not said
    """
    if not request.tariff_ref:
        return None
    is_home = request.price_class in ("residential", "")
    suffixes = [""]
    if request.is_shared_meter:
        suffixes = _shared(request)
    elif request.customer.flag("tou"):
        suffixes = ["-TOU"] if is_home else [""]
    elif is_home and part is not None and part.has_periods and not request.customer.has("tou"):
        _refuse_unsaid_periods(request)
    elif not is_home and (_is_without_periods(request) if part is None else not part.has_periods):
        suffixes = ["-NOTOU", ""]
    found = _first_of(request, suffixes)
    if not is_home and any(rule.get("kind") in ("tier", "tier_time_of_use") for rule in found.rules):
        raise CannotPrice("unknown_tariff", f"{found.code} is a price of homes; customer.class is another")
    return found


def _first_of(request: Request, suffixes: list[str]) -> PublishedTariff:
    for at, suffix in enumerate(suffixes):
        try:
            return request.tariff(request.tariff_ref + suffix, request.start)
        except CannotPrice as refused:
            if refused.code != "unknown_tariff" or at == len(suffixes) - 1:
                raise
    raise CannotPrice("unknown_tariff", request.tariff_ref)


def _refuse_unsaid_periods(request: Request) -> None:
    """A home metered by period pays by period or not, as it chose: raises CannotPrice where both have a price."""
    try:
        request.tariff(f"{request.tariff_ref}-TOU", request.start)
    except CannotPrice:
        return
    raise CannotPrice("missing_field", "customer.tou: whether the home pays by the periods that its meter has")


def _shared(request: Request) -> list[str]:
    """The variants of a shared meter; some provinces have another price at 1 kV and above."""
    if request.customer.flag("tou"):
        raise CannotPrice("unknown_tariff", f"{request.tariff_ref}: no price by time of use of a shared meter is known")
    if request.is_high_voltage is not None:
        return ["-SHARED-10", "-SHARED"] if request.is_high_voltage else ["-SHARED"]
    try:
        request.tariff(request.tariff_ref + "-SHARED-10", request.start)
    except CannotPrice:
        return ["-SHARED"]
    raise CannotPrice("missing_field", "customer.voltage in kV: the price of a shared meter follows it")


def _is_without_periods(request: Request) -> bool:
    """Whether commerce or industry is metered by a total alone."""
    names = {str(meter.raw("register")).removeprefix("import_") for meter in request.inputs.parts("meters")}
    return bool(names or request.inputs.has("billed_kwh") or request.inputs.has("active_kwh")) and not (
        names & {"sharp", "peak", "flat", "valley", "deep_valley"}
    )


CURVES = ("hourly_kwh", "quarter_kwh")


def windows_of(request: Request, published: PublishedTariff | None) -> WindowSet | None:
    """The windows that fold a curve; raises CannotPrice where a curve has no day to be of."""
    days = ("date", "start", "bill_month")
    if any(request.inputs.has(name) for name in CURVES) and not any(request.period.has(name) for name in days):
        raise CannotPrice("missing_field", "period.date: the windows are those of a month")
    code = request.options.text("tou_windows_ref", "") or (published.windows_ref if published else None) or ""
    return request.windows(code) if code else None


def merged(rules: list[dict[str, Any]], stated: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Published rules with stated ones beside them; raises CannotPrice when both price the same."""
    kinds = {"energy" if rule["kind"] in ENERGY_KINDS else rule["kind"] for rule in rules}
    for rule in stated:
        if ("energy" if rule["kind"] in ENERGY_KINDS else rule["kind"]) in kinds:
            raise CannotPrice("priced_twice", f"tariff_ref and tariff_inline both have a {rule['kind']}")
    return sorted(
        [*rules, *stated],
        key=lambda rule: 0 if rule["kind"] in ENERGY_KINDS else 1 if rule["kind"] == "basic_charge" else 2,
    )
