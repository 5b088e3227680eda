"""Pure: which rules a request's tariff means: a published version by its code, or prices stated in the request."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cis.previews.answer import plain
from cis.previews.document import Document
from cis.previews.parts import Part
from cis.rating import PERIOD_REGISTERS, CannotPrice

__all__ = ["ENERGY_KINDS", "PublishedTariff", "StatedPrices", "rules_of_part"]

Rules = list[dict[str, Any]]
ENERGY_KINDS = ("tier", "tier_time_of_use", "shared_meter", "flat_energy", "time_of_use")
PERIODS = tuple(register.name.lower() for register in PERIOD_REGISTERS)

CLASS_LABELS = {
    "industry": "IND",
    "wholesale": "WHO",
    "residential": "RES",
    "residential_shared": "RES",
    "commercial": "COM",
    "agriculture": "AGR",
    "non_residential": "NONRES",
    "irrigation": "IRR",
}
"""Price classes a request may name, and how their energy lines are marked."""
RESIDENTIAL = ("residential", "residential_shared")


@dataclass(frozen=True)
class PublishedTariff:
    """One version: its code, its rules for the kernel, the window set that folds its curves."""

    code: str
    rules: Sequence[Mapping[str, Any]]
    windows_ref: str | None = None


@dataclass
class StatedPrices:
    """Prices stated in a request, by what they are for."""

    fields: Document
    classes: dict[str, str] = field(default_factory=dict)
    """yuan per kWh by price class"""
    periods: dict[str, str] = field(default_factory=dict)
    energy: str = ""
    own_rules: Rules = field(default_factory=list)

    @classmethod
    def read(cls, fields: Document) -> StatedPrices:
        """Read `tariff_inline`; what it does not know is refused when the request is finished."""
        prices = cls(fields)
        for name in CLASS_LABELS:
            if fields.has(name):
                prices.classes[name] = plain(fields.number(name))
        for name in PERIODS:
            if fields.has(name):
                prices.periods[name] = plain(fields.number(name))
        if fields.has("energy_price"):
            prices.energy = plain(fields.number("energy_price"))
        if fields.has("rules"):
            rules = fields.raw("rules")
            if not isinstance(rules, list) or not all(isinstance(rule, Mapping) for rule in rules):
                raise CannotPrice("ill_typed", f"{fields.where}.rules must be a list of objects")
            prices.own_rules = [dict(rule) for rule in rules]
        return prices

    def rules(self, part: Part | None, price_class: str, *, is_optional: bool = False) -> Rules:
        """The rules of the main part: energy, basic charge and funds; `is_optional` where others price the energy."""
        found = list(self.own_rules)
        prices_energy = bool(self.energy or self.periods or price_class in self.classes)
        if (
            part is not None
            and (prices_energy or not is_optional)
            and not any(rule.get("kind") in ENERGY_KINDS for rule in found)
        ):
            found.insert(0, self._energy_rule(part, price_class))
        basic = {
            "capacity_price_yuan_per_kva_month": self._price("capacity_price"),
            "demand_price_yuan_per_kw_month": self._price("demand_price"),
        }
        if any(basic.values()):
            found.append({"kind": "basic_charge", **basic})
        if self.fields.has("funds"):
            items = [{"charge": name, "price_yuan": str(price)} for name, price in self.fields.part("funds").items()]
            found.append({"kind": "funds", "items": items})
        return found

    def _energy_rule(self, part: Part, price_class: str) -> dict[str, Any]:
        if part.has_periods:
            priced = {name: price for name, price in self.periods.items() if name in PERIODS}
            if not priced:
                raise CannotPrice(
                    "missing_field", f"{self.fields.where}: a price for each period ({', '.join(PERIODS)})"
                )
            return {"kind": "time_of_use", "price_yuan": priced}
        price = self.energy or self.classes.get(price_class) or self.periods.get("flat")
        if not price:
            named = "energy_price" if price_class or not self.classes else "energy_price, or customer.class"
            raise CannotPrice("missing_field", f"{self.fields.where}.{named}")
        return {"kind": "flat_energy", "price_yuan": price}

    def _price(self, name: str) -> str | None:
        return plain(self.fields.number(name)) if self.fields.has(name) else None

    @property
    def is_of_energy_alone(self) -> bool:
        """Whether nothing but the energy has a price."""
        return not any(self.fields.has(name) for name in ("capacity_price", "demand_price", "funds", "rules"))

    def other_class(self, main_class: str, part: Part, *, stated: str = "", taken: Collection[str] = ()) -> str:
        """
        The class of a part beside the main one: stated, named by its meter, or the one that is left.

        `taken`: what meters that name their class have. Raises CannotPrice where it is unclear or has no price.
        """
        named = self.named_class(part, stated)
        if named is not None:
            return named
        others = [name for name in self.classes if name != main_class]
        left = [name for name in others if name not in taken] or others
        if len(left) != 1:
            which = f"which of {', '.join(left)} is the price" if left else "the price"
            where = f"the name of meter {part.label}" if part.label else f"inputs.{part.role}_class"
            raise CannotPrice("missing_field", f"{self.fields.where}: {which} of the {part.role} part; {where} says it")
        return left[0]

    def named_class(self, part: Part, stated: str = "") -> str | None:
        """The class that a part names itself; None where it names none; raises CannotPrice where that has no price."""
        said = stated or part.label.removeprefix("sub")
        words = sorted((name for name in CLASS_LABELS if name in said), key=len)
        if not words:
            if stated:
                raise CannotPrice("unknown_value", f"inputs.{part.role}_class {stated}: {', '.join(CLASS_LABELS)}")
            return None
        word = words[-1]
        alike = [name for name in self.classes if CLASS_LABELS[name] == CLASS_LABELS[word]]
        if word in alike:
            return word
        if len(alike) != 1:
            raise CannotPrice("missing_field", f"{self.fields.where}.{word}: the price of the part {said.strip('_')}")
        return alike[0]


def rules_of_part(rules: Sequence[Mapping[str, Any]], *, energy: bool) -> Rules:
    """The rules that a bill of this kind needs: without energy, the basic charge alone."""
    return [dict(rule) for rule in rules if energy or rule.get("kind") == "basic_charge"]
