"""Pure: energy price by period for commerce and industry.

Source: 发改价格〔2023〕526号 and the provincial time-of-use papers; billing-rules.md 2.4 and 2.5. Government funds are
not in these prices; `funds` bills them.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from cis.rating.charges import ENERGY_CHARGE_OF_REGISTER, ChargeCode
from cis.rating.columns import Slot, Usage
from cis.rating.parsing import Spec, check_fields
from cis.rating.prices import UnitPrice, unit_prices
from cis.rating.registers import PERIOD_REGISTERS, Register
from cis.rating.rule import Rule


@dataclass(frozen=True)
class TimeOfUseRule(Rule):
    """Charge the energy of each period at its own price.

    JSON: `{"kind": "time_of_use", "price_yuan": {"sharp": "1.088799", "peak": "0.885761", ...}}` and/or
    `"composition": {"floating_base_yuan": {"agent_purchase": "0.384470", "line_loss": "0.013643"}, "ratio": {"sharp":
    "2.00", "peak": "1.49", ...}, "fixed_yuan": {"transmission_distribution_energy": "0.2103"}}` with optional
    `"price_places": 6` (half-up; Guangdong 4). A composed price with more than 8 places needs `price_places`.
    """

    kind: ClassVar[str] = "time_of_use"
    prices_energy: ClassVar[bool] = True
    prices: dict[Register, UnitPrice]

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule; raises CannotPrice."""
        check_fields(spec, ("kind",), ("price_yuan", "composition", "price_places"))
        periods = tuple(register.name.lower() for register in PERIOD_REGISTERS)
        prices = unit_prices(spec, periods, cls.kind)
        return cls({Register[period.upper()]: price for period, price in prices.items()})

    @property
    def period_registers(self) -> tuple[Register, ...]:
        """The periods that have a price."""
        return tuple(register for register in PERIOD_REGISTERS if register in self.prices)

    @property
    def charges(self) -> tuple[ChargeCode, ...]:
        """Energy per period."""
        return tuple(ENERGY_CHARGE_OF_REGISTER[register] for register in self.period_registers)

    def slots(self, usage: Usage) -> list[Slot]:
        """Return one slot per period."""
        return [
            Slot(ENERGY_CHARGE_OF_REGISTER[register], self.prices[register].price_e8, usage.energy_of(register))
            for register in self.period_registers
        ]

    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return the register and the components of its price."""
        return [{"register": r.name.lower()} | self.prices[r].facts() for r in self.period_registers]
