"""Pure: how a unit price is made, exactly, when a tariff is read.

Source: billing-rules.md 2.4 and 2.5: price = floating components x ratio of the period + fixed components, without
government funds (which `funds` bills on their own); some provinces round the unit price before use (Guangdong to
0.0001 yuan, 粤发改价格〔2021〕331号).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

from cis.rating.charges import PRICE_COMPONENTS
from cis.rating.parsing import Spec, check_fields, decimal_of, mapping_of, to_e8, whole_of
from cis.rating.refusal import CannotPrice

__all__ = ["Composition", "UnitPrice", "unit_prices"]


@dataclass(frozen=True)
class UnitPrice:
    """A price in 1e-8 yuan and, where known, what it is made of."""

    price_e8: int
    components: tuple[tuple[str, str], ...] = ()
    """(component, yuan as text) before rounding of the price"""
    ratio: str | None = None
    """factor on the floating components"""
    price_places: int | None = None
    """decimal places to which the price was rounded half-up, if it was"""

    def facts(self) -> dict[str, object]:
        """Return the plain facts of this price for an explanation; empty when it is a printed price."""
        if not self.components:
            return {}
        facts: dict[str, object] = {
            "components_yuan": dict(self.components),
            "component_names": {name: PRICE_COMPONENTS[name][0] for name, _ in self.components},
        }
        if self.ratio is not None:
            facts["ratio"] = self.ratio
        if self.price_places is not None:
            facts["price_places"] = self.price_places
        return facts


@dataclass(frozen=True)
class Composition:
    """Floating and fixed components of an energy price, in yuan per kWh."""

    floating: Mapping[str, Decimal]
    fixed: Mapping[str, Decimal]

    @classmethod
    def parse(cls, spec: Spec, where: str) -> Self:
        """Read `floating_base_yuan` and `fixed_yuan`; raises CannotPrice, also on a component not on the whitelist."""
        parts: list[dict[str, Decimal]] = []
        for name in ("floating_base_yuan", "fixed_yuan"):
            # Where everything floats with the period, or nothing does, the other part is not there.
            part = mapping_of(spec[name], f"{where}.{name}") if name in spec else {}
            parts.append({key: decimal_of(value, f"{where}.{name}.{key}") for key, value in part.items()})
        if not any(parts):
            raise CannotPrice("missing_field", f"{where}: floating_base_yuan or fixed_yuan")
        named = [key for part in parts for key in part]
        for key in named:
            if key not in PRICE_COMPONENTS:
                raise CannotPrice("unknown_component", f"{where}: {key}")
        if len(set(named)) != len(named):
            raise CannotPrice("component_twice", f"{where}: {named}")
        return cls(*parts)

    def price(self, ratio: Decimal | None, places: int | None, where: str) -> UnitPrice:
        """Return the price at a ratio (None = 1), rounded half-up to `places` if given; raises CannotPrice."""
        factor = Decimal(1) if ratio is None else ratio
        parts = {name: value * factor for name, value in self.floating.items()} | dict(self.fixed)
        value = sum(parts.values(), Decimal(0))
        if places is not None:
            value = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
        breakdown = tuple((name, format(part, "f")) for name, part in parts.items())
        return UnitPrice(to_e8(value, where), breakdown, None if ratio is None else str(ratio), places)


def unit_prices(spec: Spec, periods: tuple[str, ...] | None, where: str) -> dict[str, UnitPrice]:
    """Return the price per period (`periods` None: one price under the key "").

    Reads `price_yuan` (printed prices), `composition`, or both; both must agree (`price_disagrees`). `price_places`
    rounds composed prices and, when they are printed, says to how many places they must already be rounded.
    """
    places = spec.get("price_places")
    if places is not None:
        places = whole_of(places, f"{where}.price_places", 0, 8)
    if "price_yuan" not in spec and "composition" not in spec:
        raise CannotPrice("missing_field", f"{where}: price_yuan or composition")
    printed = _printed(spec, periods, places, where) if "price_yuan" in spec else {}
    composed = _composed(spec, periods, places, where) if "composition" in spec else {}
    values = [{period: price.price_e8 for period, price in prices.items()} for prices in (printed, composed)]
    if printed and composed and values[0] != values[1]:
        raise CannotPrice("price_disagrees", f"{where}: price_yuan differs from the sum of its components")
    return composed or printed


def _printed(spec: Spec, periods: tuple[str, ...] | None, places: int | None, where: str) -> dict[str, UnitPrice]:
    """Read `price_yuan`."""
    values: Spec = {"": spec["price_yuan"]}
    if periods is not None:
        values = mapping_of(spec["price_yuan"], f"{where}.price_yuan")
        check_fields(values, (), periods, f"{where}.price_yuan")
    prices: dict[str, UnitPrice] = {}
    for period, text in values.items():
        name = f"{where}.price_yuan {period}".rstrip()
        value = decimal_of(text, name)
        if places is not None and value != value.quantize(Decimal(1).scaleb(-places)):
            raise CannotPrice("inexact_price", f"{name} is {value}, more than {places} places")
        prices[period] = UnitPrice(to_e8(value, name))
    return prices


def _composed(spec: Spec, periods: tuple[str, ...] | None, places: int | None, where: str) -> dict[str, UnitPrice]:
    """Read `composition`."""
    parts = mapping_of(spec["composition"], f"{where}.composition")
    if periods is None:
        check_fields(parts, (), ("floating_base_yuan", "fixed_yuan"), f"{where}.composition")
        return {"": Composition.parse(parts, f"{where}.composition").price(None, places, where)}
    check_fields(parts, ("ratio",), ("floating_base_yuan", "fixed_yuan"), f"{where}.composition")
    composition = Composition.parse(parts, f"{where}.composition")
    ratios = mapping_of(parts["ratio"], f"{where}.composition.ratio")
    check_fields(ratios, (), periods, f"{where}.composition.ratio")
    return {
        period: composition.price(decimal_of(ratio, f"{where} ratio {period}"), places, f"{where} {period}")
        for period, ratio in ratios.items()
    }
