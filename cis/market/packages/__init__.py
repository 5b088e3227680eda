"""Pure: every kind of retail package we know. To add one: write its file, name it here."""

from collections.abc import Mapping
from typing import Any

from cis.market.packages.fixed import FixedPrice
from cis.market.packages.green import GreenPremium
from cis.market.packages.package import Package
from cis.market.packages.share import ShareOfDifference
from cis.market.packages.spread import SpreadOverReference
from cis.market.packages.time_bands import TimeBands
from cis.rating.refusal import CannotPrice

__all__ = ["PACKAGES", "Package", "read_package"]

PACKAGES: dict[str, type[Package]] = {
    "fixed": FixedPrice,
    "spread": SpreadOverReference,
    "share": ShareOfDifference,
    "time_bands": TimeBands,
    "green": GreenPremium,
}


def read_package(kind: str, terms: Mapping[str, Any]) -> Package:
    """Return the package; raises CannotPrice(`unknown_kind`), or what its `parse` raises."""
    if kind not in PACKAGES:
        raise CannotPrice("unknown_kind", f"{kind!r}; known kinds are {', '.join(PACKAGES)}")
    return PACKAGES[kind].parse(terms)
