"""Pure: an agreed base price, and a share of what the month's reference is below (or above) it (分成套餐)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from cis.market.month import MarketMonth
from cis.market.packages.package import Package, energy_price, flag_of
from cis.rating.parsing import check_fields, decimal_of, text_of, whole_of


@dataclass(frozen=True)
class ShareOfDifference(Package):
    """
    Base less the customer's share of (base - reference).

    Terms: `{"reference": "monthly_auction", "base_yuan": "0.41", "customer_share_pct": 60, "shares_losses": false,
    "floats": true}`; `shares_losses`: whether a reference above the base makes the customer's price rise likewise.
    """

    kind: ClassVar[str] = "share"
    names: ClassVar[tuple[str, str]] = ("差价分成", "Share of the difference")
    reference: str
    base: Decimal
    share_pct: int
    shares_losses: bool
    floats: bool

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """Read the terms; raises CannotPrice."""
        check_fields(terms, ("reference", "base_yuan", "customer_share_pct", "shares_losses", "floats"), (), cls.kind)
        return cls(
            text_of(terms["reference"], "reference"),
            decimal_of(terms["base_yuan"], "base_yuan"),
            whole_of(terms["customer_share_pct"], "customer_share_pct", 0, 100),
            flag_of(terms["shares_losses"], "shares_losses"),
            flag_of(terms["floats"], "floats"),
        )

    def price(self, month: MarketMonth, *, by_period: bool) -> dict[str, Any]:
        """Return the base less the share."""
        difference = self.base - month.reference(self.reference)
        if difference < 0 and not self.shares_losses:
            difference = Decimal(0)
        value = self.base - difference * self.share_pct / 100
        return energy_price(month, value, floats=self.floats, by_period=by_period)
