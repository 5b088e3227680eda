"""Pure: one price agreed for the whole contract (固定价格套餐)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from cis.market.month import MarketMonth
from cis.market.packages.package import Package, energy_price, flag_of
from cis.rating.parsing import check_fields, decimal_of


@dataclass(frozen=True)
class FixedPrice(Package):
    """Terms: `{"price_yuan": "0.392", "floats": true}`; `floats`: whether the period's ratio applies."""

    kind: ClassVar[str] = "fixed"
    names: ClassVar[tuple[str, str]] = ("固定价格", "Fixed price")
    value: Decimal
    floats: bool

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """Read the terms; raises CannotPrice."""
        check_fields(terms, ("price_yuan", "floats"), (), cls.kind)
        return cls(decimal_of(terms["price_yuan"], "price_yuan"), flag_of(terms["floats"], "floats"))

    def price(self, month: MarketMonth, *, by_period: bool) -> dict[str, Any]:
        """Return the price."""
        return energy_price(month, self.value, floats=self.floats, by_period=by_period)
