"""Pure: tiered residential price, monthly with seasons or cumulative over the tier year.

Source: 发改价格〔2011〕2617号; billing-rules.md 1.1; provincial tables in the tariff version.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from cis.rating.charges import ChargeCode
from cis.rating.columns import Slot, Usage
from cis.rating.parsing import Spec, check_fields, price_e8_of, sequence_of
from cis.rating.refusal import CannotPrice
from cis.rating.rule import Rule
from cis.rating.tiers import TIER_FIELDS, TierBounds

TIER_CHARGES = (ChargeCode.ENERGY_T1, ChargeCode.ENERGY_T2, ChargeCode.ENERGY_T3)


@dataclass(frozen=True)
class TierRule(Rule):
    """Charge import energy tier by tier; a bound belongs to the lower tier.

    JSON: `{"kind": "tier", "period": "year", "price_yuan": ["0.538", "0.588", "0.838"], "upper_kwh": ["2760", "4800"],
    "multi_person": {"min_people": 5, "extra_kwh_per_month": ["100", "100"]}}`, or instead of `upper_kwh` (period
    "month" only) `"seasons": [{"name": "summer", "months": [5, 6], "upper_kwh": ["260", "600"]}, ...]`. Prices must
    not fall from tier to tier.
    """

    kind: ClassVar[str] = "tier"
    prices_energy: ClassVar[bool] = True
    bounds: TierBounds
    price_e8: tuple[int, ...]

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule; raises CannotPrice."""
        check_fields(spec, ("kind", "period", "price_yuan"), TIER_FIELDS)
        prices = tuple(price_e8_of(price, "price_yuan") for price in sequence_of(spec["price_yuan"], "price_yuan"))
        if not 2 <= len(prices) <= len(TIER_CHARGES):
            raise CannotPrice("tier_count", f"price_yuan has {len(prices)} tiers, 2 or 3 are known")
        if list(prices) != sorted(prices):
            raise CannotPrice("prices_fall", "price_yuan must not fall from tier to tier")
        return cls(TierBounds.parse(spec, len(prices)), prices)

    @property
    def charges(self) -> tuple[ChargeCode, ...]:
        """One charge per tier."""
        return TIER_CHARGES[: len(self.price_e8)]

    def slots(self, usage: Usage) -> list[Slot]:
        """Return one slot per tier."""
        spread = self.bounds.spread(usage.import_energy(), usage)
        return [Slot(c, p, q) for c, p, q in zip(self.charges, self.price_e8, spread, strict=False)]

    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return tier, bounds, season and household facts."""
        return [self.bounds.facts(usage, tier) for tier, _ in enumerate(self.slots(usage), 1)]
