"""Pure: free energy of households on minimum income (低保户、五保户免费电量).

Source: 发改价格〔2011〕2617号 (10 to 15 kWh a household and month); whether it is taken off before tiering or credited
at the price of tier 1 no source says: billing-rules.md 1.1, switch `free_kwh_method`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from cis.rating.charges import ChargeCode
from cis.rating.columns import Int64Column, Slot, Usage
from cis.rating.parsing import Spec, bound_kwh_e2_of, check_fields, choice_of, price_e8_of
from cis.rating.refusal import CannotPrice
from cis.rating.registers import Register
from cis.rating.rule import Rule

__all__ = ["FREE_KWH_METHODS", "FreeEnergyRule"]

FREE_KWH_METHODS = ("credit_at_tier1_price", "deduct_before_tiering")


@dataclass(frozen=True)
class FreeEnergyRule(Rule):
    """Give the first kWh of each month free, at most what was used.

    JSON: `{"kind": "free_energy", "kwh_per_month": "15", "method": "credit_at_tier1_price"}`; a credit takes the price
    of the line of tier 1, or `"price_yuan"` where the tariff has none. Determinant: `free_months` (n,), the months of
    the bill in which the household is entitled; without it nobody of the call is.
    """

    kind: ClassVar[str] = "free_energy"
    kwh_e2_per_month: int
    method: str
    price_e8: int | None

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule; raises CannotPrice."""
        check_fields(spec, ("kind", "kwh_per_month", "method"), ("price_yuan",))
        return cls(
            bound_kwh_e2_of(spec["kwh_per_month"], "kwh_per_month"),
            choice_of(spec["method"], "method", FREE_KWH_METHODS),
            price_e8_of(spec["price_yuan"], "price_yuan") if "price_yuan" in spec else None,
        )

    @property
    def charges(self) -> tuple[ChargeCode, ...]:
        """The credit, if it is one."""
        return (ChargeCode.FREE_KWH,) if self.method == "credit_at_tier1_price" else ()

    def free_kwh_e2(self, usage: Usage) -> Int64Column:
        """(n,) what is free, at most what was used."""
        months = usage.more.get("free_months", np.zeros(len(usage), dtype=np.int64))
        return np.minimum(months * self.kwh_e2_per_month, usage.import_energy())

    def prepare(self, usage: Usage) -> Usage:
        """Take what is free off the energy before it is priced, where that is the method."""
        if self.method != "deduct_before_tiering" or "free_months" not in usage.more:
            return usage
        if Register.TOTAL not in usage.registers or len(usage.registers) > 1:
            raise CannotPrice("free_energy_by_period", "no source says from which period free energy is deducted")
        return replace(usage, energy_kwh_e2=usage.energy_kwh_e2 - self.free_kwh_e2(usage)[:, np.newaxis])

    def slots(self, usage: Usage) -> list[Slot]:
        """Return the credit at the price the rule states."""
        return self.slots_after(usage, ())

    def slots_after(self, usage: Usage, before: Sequence[Slot]) -> list[Slot]:
        """Return the credit."""
        if self.method != "credit_at_tier1_price" or "free_months" not in usage.more:
            return []
        price: int | Int64Column | None = self.price_e8
        if price is None:
            price = next((slot.price_e8 for slot in before if slot.code == ChargeCode.ENERGY_T1), None)
        if price is None:
            raise CannotPrice("missing_field", "free_energy: price_yuan, for the tariff has no line of tier 1")
        return [Slot(ChargeCode.FREE_KWH, price, -self.free_kwh_e2(usage))]

    def offers(self, usage: Usage) -> list[tuple[Slot, dict[str, object]]]:
        """Return nothing: what is free has no price of its own."""
        del usage
        return []

    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return how much a month is free."""
        if not self.charges or "free_months" not in usage.more:
            return []
        return [{"free_kwh_e2_per_month": self.kwh_e2_per_month, "free_months": int(usage.more["free_months"][0])}]
