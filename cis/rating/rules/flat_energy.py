"""Pure: one energy price at all hours, for commerce and industry without time of use.

Source: 发改价格〔2023〕526号; billing-rules.md 2.5. Government funds are not in this price; `funds` bills them.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from cis.rating.charges import ChargeCode
from cis.rating.columns import Slot, Usage
from cis.rating.parsing import Spec, check_fields
from cis.rating.prices import UnitPrice, unit_prices
from cis.rating.rule import Rule


@dataclass(frozen=True)
class FlatEnergyRule(Rule):
    """Charge all import energy at one price.

    JSON: `{"kind": "flat_energy", "price_yuan": "0.690686"}` and/or `"composition": {"floating_base_yuan":
    {"agent_purchase": "0.384470"}, "fixed_yuan": {"system_operation": "0.082273"}}`; optional `"price_places": 6`.
    """

    kind: ClassVar[str] = "flat_energy"
    prices_energy: ClassVar[bool] = True
    price: UnitPrice

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule; raises CannotPrice."""
        check_fields(spec, ("kind",), ("price_yuan", "composition", "price_places"))
        return cls(unit_prices(spec, None, cls.kind)[""])

    @property
    def charges(self) -> tuple[ChargeCode, ...]:
        """The plain energy charge."""
        return (ChargeCode.ENERGY,)

    def slots(self, usage: Usage) -> list[Slot]:
        """Return the one slot."""
        return [Slot(ChargeCode.ENERGY, self.price.price_e8, usage.import_energy())]

    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return the components of the price."""
        return [self.price.facts()]
