"""Pure: which version a request means, in the variant that its customer has."""

from __future__ import annotations

from typing import Any

from cis.previews.bill_request import Request
from cis.previews.tariffs import ENERGY_KINDS, PublishedTariff
from cis.rating import CannotPrice, WindowSet

__all__ = ["merged", "published_of", "windows_of"]


def published_of(request: Request) -> PublishedTariff | None:
    """The published version, in the variant the customer has."""
    if not request.tariff_ref:
        return None
    is_home = request.price_class in ("residential", "")
    suffixes = [""]
    if request.is_shared_meter:
        suffixes = ["-SHARED-10", "-SHARED"] if request.is_high_voltage else ["-SHARED"]
    elif request.customer.flag("tou"):
        suffixes = ["-TOU"] if is_home else [""]
    elif not is_home and is_without_periods(request):
        suffixes = ["-NOTOU", ""]
    for at, suffix in enumerate(suffixes):
        try:
            return request.tariff(request.tariff_ref + suffix, request.start)
        except CannotPrice as refused:
            if refused.code != "unknown_tariff" or at == len(suffixes) - 1:
                raise
    raise CannotPrice("unknown_tariff", request.tariff_ref)


def is_without_periods(request: Request) -> bool:
    """Whether commerce or industry is metered by a total alone."""
    names = {str(meter.raw("register")) for meter in request.inputs.parts("meters")}
    return bool(names or request.inputs.has("billed_kwh") or request.inputs.has("active_kwh")) and not (
        names & {"sharp", "peak", "flat", "valley", "deep_valley"}
    )


def windows_of(request: Request, published: PublishedTariff | None) -> WindowSet | None:
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
