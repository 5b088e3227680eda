"""Pure: the price of residents behind a shared meter (合表), without tiers.

Source: 发改价格〔2011〕2617号; billing-rules.md 1.1 (合表); provincial tables in the tariff version.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from cis.rating.charges import ChargeCode
from cis.rating.columns import Slot, Usage
from cis.rating.parsing import Spec, check_fields, price_e8_of
from cis.rating.rule import Rule


@dataclass(frozen=True)
class SharedMeterRule(Rule):
    """Charge all import energy at one price. JSON: `{"kind": "shared_meter", "price_yuan": "0.558"}`."""

    kind: ClassVar[str] = "shared_meter"
    prices_energy: ClassVar[bool] = True
    price_e8: int

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule; raises CannotPrice."""
        check_fields(spec, ("kind", "price_yuan"))
        return cls(price_e8_of(spec["price_yuan"], "price_yuan"))

    @property
    def charges(self) -> tuple[ChargeCode, ...]:
        """The shared-meter charge."""
        return (ChargeCode.ENERGY_SHARED,)

    def slots(self, usage: Usage) -> list[Slot]:
        """Return the one slot."""
        return [Slot(ChargeCode.ENERGY_SHARED, self.price_e8, usage.import_energy())]

    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return that the meter is shared."""
        return [{"is_shared_meter": True}]
