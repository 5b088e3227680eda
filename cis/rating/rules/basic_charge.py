"""Pure: the basic charge of two-part tariffs (容量电费、需量电费), by capacity, by contract demand or by actual demand.

Source: 发改办价格〔2016〕1583号 (contract value, 105 %, 40 %), 发改价格〔2023〕526号 (load-factor discount);
billing-rules.md 2.2 and 2.3. It takes no time of use and is not reduced for outages.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cis.rating.charges import ChargeCode
from cis.rating.columns import WHOLE, Int64Column, Slot, Usage
from cis.rating.parsing import Spec, check_fields, choice_of, mapping_of, price_e8_of, whole_of
from cis.rating.refusal import CannotPrice, Refusal
from cis.rating.rule import Rule

__all__ = ["BasicChargeRule", "DemandMode"]

EXCESS_RULES = {
    # What is paid beyond the threshold T = 105 % of the contract value C at a maximum demand M above it.
    "C_plus_double_over_105": "C + 2 x (M - T)",
    "105_plus_double_over_105": "T + 2 x (M - T)",
    "C_plus_double_over_C": "C + 2 x (M - C); in force before 2016",
}


class DemandMode(IntEnum):
    """How an account pays its basic charge. Stored with contracts: never renumber."""

    NOT_AGREED = 0
    """a two-part tariff cannot be billed before it is"""
    CAPACITY = 1
    CONTRACT = 2
    ACTUAL = 3
    EXEMPT = 4
    """such as public charging stations until 2030"""


@dataclass(frozen=True)
class BasicChargeRule(Rule):
    """Charge capacity or demand by the month.

    JSON: `{"kind": "basic_charge", "capacity_price_yuan_per_kva_month": "26.3", "demand_price_yuan_per_kw_month":
    "42.0"}`, one of them null where it is not offered; optional `"demand_excess_rule"` (one of `EXCESS_RULES`),
    `"threshold_pct": 105`, `"floor_pct": 40` (contract values below this share of the capacity are lifted to it) and
    `"load_factor_discount": {"kwh_per_kva": 260, "price_pct": 90}` on the demand price.

    Determinants: `demand_mode` (n,) `DemandMode`; `capacity_kva_e2`, `capacity_share` and `capacity_is_half` (n, k):
    stretches of equal capacity, the sixtieths of the month each is charged for, and whether it is suspended at half;
    `floor_kva_e2` (n,): transformers and high-voltage motors, without what is sealed; `contract_kw_e4` (n,);
    `demand_kw_e4` (n, f): maximum demand of each feeder; optional `demand_share` (n,) in sixtieths and `load_kwh_e2`
    (n,), the month's energy where it is more than what is priced here.
    """

    kind: ClassVar[str] = "basic_charge"
    capacity_price_e8: int | None
    demand_price_e8: int | None
    excess_rule: str
    threshold_pct: int
    floor_pct: int
    discount: tuple[int, int] | None
    """kWh per kVA from which on, per cent of the demand price"""

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule; raises CannotPrice."""
        names = ("capacity_price_yuan_per_kva_month", "demand_price_yuan_per_kw_month")
        optional = ("demand_excess_rule", "threshold_pct", "floor_pct", "load_factor_discount")
        check_fields(spec, ("kind",), (*names, *optional))
        capacity, demand = (None if spec.get(name) is None else price_e8_of(spec[name], name) for name in names)
        if capacity is None and demand is None:
            raise CannotPrice("price_unknown", f"{names[0]} or {names[1]}")
        discount = None
        if spec.get("load_factor_discount") is not None:
            part = mapping_of(spec["load_factor_discount"], "load_factor_discount")
            check_fields(part, ("kwh_per_kva", "price_pct"), (), "load_factor_discount")
            discount = (
                whole_of(part["kwh_per_kva"], "load_factor_discount.kwh_per_kva", 1, 744),
                whole_of(part["price_pct"], "load_factor_discount.price_pct", 1, 100),
            )
            if demand is not None and demand * discount[1] % 100:
                raise CannotPrice("inexact_price", "load_factor_discount leaves more than 8 places")
        return cls(
            capacity,
            demand,
            choice_of(spec.get("demand_excess_rule", "C_plus_double_over_105"), "demand_excess_rule", EXCESS_RULES),
            whole_of(spec.get("threshold_pct", 105), "threshold_pct", 100, 200),
            whole_of(spec.get("floor_pct", 40), "floor_pct", 0, 100),
            discount,
        )

    @property
    def charges(self) -> tuple[ChargeCode, ...]:
        """Capacity, capacity at half, demand, demand above the threshold."""
        return (ChargeCode.CAPACITY, ChargeCode.CAPACITY_HALF, ChargeCode.DEMAND, ChargeCode.DEMAND_OVER)

    def refuse(self, usage: Usage) -> NDArray[np.int8] | None:
        """Refuse rows that pay in a way this tariff has no price for."""
        mode = usage.determinant("demand_mode")
        unpriced = (mode <= DemandMode.NOT_AGREED) | (mode > DemandMode.EXEMPT)
        if self.capacity_price_e8 is None:
            unpriced |= mode == DemandMode.CAPACITY
        if self.demand_price_e8 is None:
            unpriced |= (mode == DemandMode.CONTRACT) | (mode == DemandMode.ACTUAL)
        return np.where(unpriced, Refusal.UNPRICED_MODE, Refusal.NONE).astype(np.int8) if unpriced.any() else None

    def slots(self, usage: Usage) -> list[Slot]:
        """Return the slots of all stretches, then those of demand."""
        mode = usage.determinant("demand_mode")
        slots: list[Slot] = []
        by_capacity = mode == DemandMode.CAPACITY
        if self.capacity_price_e8 is not None and by_capacity.any():
            slots += self._capacity(usage, by_capacity, self.capacity_price_e8)
        if self.demand_price_e8 is not None:
            slots += self._contract(usage, mode == DemandMode.CONTRACT)
            slots += self._actual(usage, mode == DemandMode.ACTUAL)
        return slots

    def _capacity(self, usage: Usage, rows: NDArray[np.bool_], price_e8: int) -> list[Slot]:
        kva, share, half = (usage.determinant(f"capacity_{name}") for name in ("kva_e2", "share", "is_half"))
        slots: list[Slot] = []
        for part in range(kva.shape[1]):
            charged = np.where(rows & (share[:, part] > 0), kva[:, part], 0)
            is_half = half[:, part] != 0
            part_of_month = share[:, part] if (share[:, part] != WHOLE).any() else None
            if not is_half.all():
                slots.append(Slot(ChargeCode.CAPACITY, price_e8, np.where(is_half, 0, charged), part_of_month))
            if is_half.any():
                slots.append(Slot(ChargeCode.CAPACITY_HALF, price_e8, np.where(is_half, charged, 0), part_of_month))
        return slots

    def effective_contract_kw_e4(self, usage: Usage) -> Int64Column:
        """(n,) the contract value, lifted to the share of the capacity below which nobody may agree."""
        floor = usage.determinant("floor_kva_e2") * self.floor_pct
        return np.maximum(usage.determinant("contract_kw_e4"), floor)

    def _contract(self, usage: Usage, rows: NDArray[np.bool_]) -> list[Slot]:
        if not rows.any():
            return []
        contract, highest = self.effective_contract_kw_e4(usage), usage.determinant("demand_kw_e4").sum(axis=1)
        share = usage.more.get("demand_share")
        # Hundredths of 0.0001 kW, so that 105 % of any contract value is exact.
        is_over = rows & (highest * 100 > contract * self.threshold_pct)
        threshold = _half_up_hundredth(contract * self.threshold_pct)
        base, begins = contract, threshold
        if self.excess_rule == "105_plus_double_over_105":
            base = np.where(is_over, threshold, contract)
        elif self.excess_rule == "C_plus_double_over_C":
            begins = contract
        price = self._price_e8(usage)
        return [
            Slot(ChargeCode.DEMAND, price, np.where(rows, base, 0), share),
            Slot(ChargeCode.DEMAND_OVER, price * 2, np.where(is_over, highest - begins, 0), share),
        ]

    def _actual(self, usage: Usage, rows: NDArray[np.bool_]) -> list[Slot]:
        if not rows.any():
            return []
        demand, share, price = usage.determinant("demand_kw_e4"), usage.more.get("demand_share"), self._price_e8(usage)
        return [
            Slot(ChargeCode.DEMAND, price, np.where(rows, demand[:, feeder], 0), share)
            for feeder in range(demand.shape[1])
        ]

    def _price_e8(self, usage: Usage) -> int | Int64Column:
        """The demand price, with the discount of those whose use a kVA reaches it."""
        price = self.demand_price_e8 or 0
        if self.discount is None:
            return price
        capacity = usage.determinant("floor_kva_e2")
        used = usage.more.get("load_kwh_e2", usage.import_energy())
        reaches = (capacity > 0) & (used >= self.discount[0] * capacity)
        return np.where(reaches, price * self.discount[1] // 100, price)

    def offers(self, usage: Usage) -> list[tuple[Slot, dict[str, object]]]:
        """Return the prices by the month that a customer may choose between."""
        prices = ((ChargeCode.CAPACITY, self.capacity_price_e8), (ChargeCode.DEMAND, self.demand_price_e8))
        none = np.zeros(len(usage), dtype=np.int64)
        return [(Slot(code, price, none), {}) for code, price in prices if price is not None]

    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return how each slot of a usage of one row came about."""
        return [self._facts(usage, slot) for slot in self.slots(usage)]

    def _facts(self, usage: Usage, slot: Slot) -> dict[str, object]:
        facts: dict[str, Any] = {"demand_mode": DemandMode(int(usage.determinant("demand_mode")[0])).name.lower()}
        if slot.share is not None:
            facts["share_60ths"] = int(slot.share[0])
        if facts["demand_mode"] == "contract":
            contract = int(self.effective_contract_kw_e4(usage)[0])
            applied = int(usage.determinant("contract_kw_e4")[0])
            facts |= {
                "contract_kw_e4": contract,
                "threshold_kw_e4": _half_up_hundredth(contract * self.threshold_pct),
                "threshold_pct": self.threshold_pct,
                "demand_kw_e4": int(usage.determinant("demand_kw_e4")[0].sum()),
                "excess_rule": EXCESS_RULES[self.excess_rule],
            }
            if contract > applied:
                facts |= {"lifted_from_kw_e4": applied, "floor_pct": self.floor_pct}
        if isinstance(slot.price_e8, np.ndarray) and int(slot.price_e8[0]) != self.demand_price_e8 and self.discount:
            facts |= {"discount_from_kwh_per_kva": self.discount[0], "discount_price_pct": self.discount[1]}
        return facts


def _half_up_hundredth(value: Any) -> Any:
    """Divide by 100, rounding half-up (values are not negative)."""
    return (value + 50) // 100
