"""Pure: a reference price of the month and a fixed spread over or under it (价差套餐)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from cis.market.month import MarketMonth
from cis.market.packages.package import Package, energy_price, flag_of
from cis.rating.parsing import check_fields, decimal_of, text_of


@dataclass(frozen=True)
class SpreadOverReference(Package):
    """Terms: `{"reference": "agent_purchase", "spread_yuan": "-0.005", "floats": true}`."""

    kind: ClassVar[str] = "spread"
    names: ClassVar[tuple[str, str]] = ("参考价加价差", "Spread over a reference")
    reference: str
    spread: Decimal
    floats: bool

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """Read the terms; raises CannotPrice."""
        check_fields(terms, ("reference", "spread_yuan", "floats"), (), cls.kind)
        return cls(
            text_of(terms["reference"], "reference"),
            decimal_of(terms["spread_yuan"], "spread_yuan"),
            flag_of(terms["floats"], "floats"),
        )

    def price(self, month: MarketMonth, *, by_period: bool) -> dict[str, Any]:
        """Return the month's reference price and the spread."""
        value = month.reference(self.reference) + self.spread
        return energy_price(month, value, floats=self.floats, by_period=by_period)
