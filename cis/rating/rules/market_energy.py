"""Pure: energy bought in the market: what the retailer's contract costs, and what comes on top, a line each.

Source: 发改价格〔2021〕1439号, 〔2023〕526号; billing-rules.md 2.5. Purchase-side loss, network price and system
operation are the month's published ones. Government funds are not in these prices; `funds` bills them.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from cis.rating.charges import ChargeCode
from cis.rating.columns import Slot, Usage
from cis.rating.parsing import Spec, check_fields, mapping_of
from cis.rating.prices import UnitPrice, unit_prices
from cis.rating.refusal import CannotPrice
from cis.rating.registers import PERIOD_REGISTERS, Register
from cis.rating.rule import Rule

__all__ = ["PARTS", "MarketEnergyRule"]

PARTS: dict[str, ChargeCode] = {
    "retail": ChargeCode.ENERGY_RETAIL,
    "line_loss": ChargeCode.PURCHASE_LOSS,
    "network": ChargeCode.NETWORK,
    "system_operation": ChargeCode.SYSTEM_OPERATION,
}
"""The parts of the rule's JSON, in the order of the bill, with the charge of each when it has one price."""

_NAMES = tuple(register.name.lower() for register in PERIOD_REGISTERS)

_Priced = tuple[ChargeCode, Register | None, UnitPrice]


@dataclass(frozen=True)
class MarketEnergyRule(Rule):
    """Charge each part on all import energy, or on the energy of each period at its own price.

    JSON: `{"kind": "market_energy", "retail": PART, "line_loss": PART, "network": PART, "system_operation": PART}`; a
    PART is what `time_of_use` (by period) or `flat_energy` (one price) say of their price: `price_yuan` and/or
    `composition`, optional `price_places`. Parts by period name the same periods (`periods_differ`).
    """

    kind: ClassVar[str] = "market_energy"
    prices_energy: ClassVar[bool] = True
    priced: tuple[_Priced, ...]

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule; raises CannotPrice."""
        check_fields(spec, ("kind", *PARTS))
        priced: list[_Priced] = []
        periods: set[frozenset[Register]] = set()
        for name, charge in PARTS.items():
            where = f"{cls.kind}.{name}"
            part = mapping_of(spec[name], where)
            check_fields(part, (), ("price_yuan", "composition", "price_places"), where)
            if not _is_by_period(part):
                priced.append((charge, None, unit_prices(part, None, where)[""]))
                continue
            prices = unit_prices(part, _NAMES, where)
            periods.add(frozenset(Register[period.upper()] for period in prices))
            priced += [
                (ChargeCode(charge + place), register, prices[register.name.lower()])
                for place, register in enumerate(PERIOD_REGISTERS, start=1)
                if register.name.lower() in prices
            ]
        if len(periods) > 1:
            raise CannotPrice("periods_differ", f"{cls.kind}: its parts name different periods")
        return cls(tuple(priced))

    @property
    def period_registers(self) -> tuple[Register, ...]:
        """The periods that have a price; none if no part looks at the time of use."""
        named = {register for _, register, _ in self.priced}
        return tuple(register for register in PERIOD_REGISTERS if register in named)

    @property
    def charges(self) -> tuple[ChargeCode, ...]:
        """Part by part, each by period."""
        return tuple(charge for charge, _, _ in self.priced)

    def slots(self, usage: Usage) -> list[Slot]:
        """Return one slot per part and period."""
        return [
            Slot(
                charge,
                price.price_e8,
                usage.import_energy() if register is None else usage.energy_of(register),
            )
            for charge, register, price in self.priced
        ]

    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return the register and the components of each price."""
        return [
            ({} if register is None else {"register": register.name.lower()}) | price.facts()
            for _, register, price in self.priced
        ]


def _is_by_period(part: Spec) -> bool:
    printed = part.get("price_yuan")
    composition = part.get("composition")
    return isinstance(printed, dict) or (isinstance(composition, dict) and "ratio" in composition)
