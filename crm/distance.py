"""Pure: how far two places on the earth are from each other."""

from __future__ import annotations

from decimal import Decimal
from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_000


def metres_between(longitude: Decimal, latitude: Decimal, other_longitude: Decimal, other_latitude: Decimal) -> int:
    """The great-circle distance in whole metres of two places in degrees (haversine)."""
    first, second = radians(float(latitude)), radians(float(other_latitude))
    height = sin((second - first) / 2) ** 2
    width = sin(radians(float(other_longitude) - float(longitude)) / 2) ** 2
    return round(2 * EARTH_RADIUS_M * asin(sqrt(height + cos(first) * cos(second) * width)))
