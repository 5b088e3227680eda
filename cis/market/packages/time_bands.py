"""Pure: a price of its own for each period (分时段套餐); the published ratios do not apply to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Self

from cis.market.month import MarketMonth
from cis.market.packages.package import Package
from cis.rating.parsing import check_fields, decimal_of, mapping_of
from cis.rating.refusal import CannotPrice
from cis.rating.registers import PERIOD_REGISTERS

_PERIODS = tuple(register.name.lower() for register in PERIOD_REGISTERS)


@dataclass(frozen=True)
class TimeBands(Package):
    """Terms: `{"prices_yuan": {"sharp": "0.7", "peak": "0.55", "flat": "0.4", "valley": "0.2"}}`."""

    kind: ClassVar[str] = "time_bands"
    names: ClassVar[tuple[str, str]] = ("分时段价格", "Time bands")
    prices: Mapping[str, Decimal]

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """Read the terms; raises CannotPrice."""
        check_fields(terms, ("prices_yuan",), (), cls.kind)
        prices = mapping_of(terms["prices_yuan"], "prices_yuan")
        check_fields(prices, (), _PERIODS, "prices_yuan")
        return cls({period: decimal_of(price, f"prices_yuan {period}") for period, price in prices.items()})

    def price(self, month: MarketMonth, *, by_period: bool) -> dict[str, Any]:
        """Return the prices; raises CannotPrice unless they are those of the month's periods."""
        if not by_period:
            raise CannotPrice("needs_time_of_use", "prices by period need a meter that tells the periods")
        if set(self.prices) != set(month.ratio):
            raise CannotPrice("periods_differ", f"the month has {', '.join(month.ratio)}")
        places = Decimal(1).scaleb(-month.places)
        return {
            "price_yuan": {
                period: format(self.prices[period].quantize(places, ROUND_HALF_UP), "f") for period in month.ratio
            }
        }
