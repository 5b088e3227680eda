"""Pure: the free energy of a household on minimum income, and at which price it is credited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cis.previews.answer import plain
from cis.previews.bill_request import Request
from cis.rating import CannotPrice

__all__ = ["free_energy_rule"]

ONE_PRICE = ("flat_energy", "shared_meter")
BY_PERIOD = ("tier_time_of_use", "time_of_use")


def free_energy_rule(request: Request, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """
    The rule that gives the free kWh of each month.

    A home billed by period has no line of tier 1: the credit takes the first tier's price of the same tariff without
    periods (billing-rules.md 1.1 names the tier-1 price), or the one that the request states.

    :raises CannotPrice: no source says from which period energy is deducted; or no price of the credit is known
    """
    method = request.switches.text("free_kwh_method")
    rule = {
        "kind": "free_energy",
        "kwh_per_month": plain(request.options.number("free_kwh", "15")),
        "method": method,
    }
    kinds = {str(one["kind"]) for one in rules}
    if method == "deduct_before_tiering":
        if kinds & set(BY_PERIOD):
            raise CannotPrice(
                "free_energy_by_period",
                "options.free_kwh_method: no source says from which period free energy is deducted",
            )
        return rule
    if "tier" in kinds:
        return rule
    return rule | {"price_yuan": _price(request, rules)}


def _price(request: Request, rules: Sequence[Mapping[str, Any]]) -> str:
    if request.options.has("free_kwh_price"):
        return plain(request.options.number("free_kwh_price"))
    for one in rules:
        if one["kind"] in ONE_PRICE and isinstance(one.get("price_yuan"), str):
            return str(one["price_yuan"])
    if request.tariff_ref:
        for one in request.tariff(request.tariff_ref, request.start).rules:
            if one["kind"] == "tier":
                return str(one["price_yuan"][0])
    raise CannotPrice("missing_field", "options.free_kwh_price: the tariff has no line of tier 1 to credit at")
