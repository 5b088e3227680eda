"""Pure: what every kind of retail package is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Self

from cis.market.month import MarketMonth
from cis.rating.refusal import CannotPrice

__all__ = ["Package", "energy_price", "flag_of"]


class Package(ABC):
    """What energy costs under a retailer's contract, before network and funds. Immutable."""

    kind: ClassVar[str]
    """its name in a package's data and in PACKAGES"""
    names: ClassVar[tuple[str, str]]
    """Chinese and English"""

    @classmethod
    @abstractmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """Read the terms; raises CannotPrice on unknown, missing or ill-typed ones."""

    @abstractmethod
    def price(self, month: MarketMonth, *, by_period: bool) -> dict[str, Any]:
        """Return the `retail` part of a `market_energy` rule; raises CannotPrice where it does not fit the month."""


def energy_price(
    month: MarketMonth, value: Decimal, *, floats: bool, by_period: bool, fixed: Mapping[str, Decimal] | None = None
) -> dict[str, Any]:
    """
    Return one price as a part of the rule, times the period's ratio where it floats; `fixed` does not float.

    Raises CannotPrice(`negative_price`) where it falls below zero.
    """
    if value < 0:
        raise CannotPrice("negative_price", f"the package comes to {value} yuan a kWh")
    names = {"retail_purchase": _text(value)}
    extra = {name: _text(more) for name, more in (fixed or {}).items()}
    composition: dict[str, Any]
    if by_period and floats:
        composition = {"floating_base_yuan": names} | ({"fixed_yuan": extra} if extra else {})
        composition["ratio"] = {period: str(ratio) for period, ratio in month.ratio.items()}
    else:
        composition = {"fixed_yuan": names | extra}
    return {"composition": composition, "price_places": month.places}


def flag_of(value: object, where: str) -> bool:
    """Return a yes or no; raises CannotPrice(`ill_typed`)."""
    if not isinstance(value, bool):
        raise CannotPrice("ill_typed", f"{where} must be true or false, found {value!r}")
    return value


def _text(value: Decimal) -> str:
    return format(value.quantize(Decimal("1e-8"), ROUND_HALF_UP), "f")
