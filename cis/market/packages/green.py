"""Pure: green power (绿电套餐): the energy by one of the other kinds, and the premium of its green attribute.

The premium stands beside the energy price and does not float (发改办体改〔2022〕797号, usual).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Self

from cis.market.month import MarketMonth
from cis.market.packages.fixed import FixedPrice
from cis.market.packages.package import Package
from cis.market.packages.share import ShareOfDifference
from cis.market.packages.spread import SpreadOverReference
from cis.market.packages.time_bands import TimeBands
from cis.rating.parsing import check_fields, choice_of, decimal_of, mapping_of, whole_of

_ENERGY: dict[str, type[Package]] = {
    kind.kind: kind for kind in (FixedPrice, SpreadOverReference, ShareOfDifference, TimeBands)
}


@dataclass(frozen=True)
class GreenPremium(Package):
    """Terms: `{"energy": {"kind": "fixed", …}, "premium_yuan": "0.03", "green_share_pct": 100}`."""

    kind: ClassVar[str] = "green"
    names: ClassVar[tuple[str, str]] = ("绿电", "Green power")
    energy: Package
    premium: Decimal
    share_pct: int

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """Read the terms; raises CannotPrice."""
        check_fields(terms, ("energy", "premium_yuan", "green_share_pct"), (), cls.kind)
        energy = dict(mapping_of(terms["energy"], "energy"))
        kind = choice_of(energy.pop("kind", None), "energy.kind", _ENERGY)
        return cls(
            _ENERGY[kind].parse(energy),
            decimal_of(terms["premium_yuan"], "premium_yuan"),
            whole_of(terms["green_share_pct"], "green_share_pct", 0, 100),
        )

    def price(self, month: MarketMonth, *, by_period: bool) -> dict[str, Any]:
        """Return the energy's price with the premium of the green share on top."""
        part = self.energy.price(month, by_period=by_period)
        premium = self.premium * self.share_pct / 100
        if "composition" in part:
            fixed = dict(part["composition"].get("fixed_yuan", {}))
            fixed["green_premium"] = _text(premium, 8)
            return part | {"composition": part["composition"] | {"fixed_yuan": fixed}}
        return {
            "price_yuan": {
                period: _text(Decimal(price) + premium, month.places) for period, price in part["price_yuan"].items()
            }
        }


def _text(value: Decimal, places: int) -> str:
    return format(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), "f")
