"""
Pure: what a new pay point would add, and where the next ones add most.

Choosing several sites is maximal covering; taking the best one after another is never worse than 1 - 1/e of the best
choice (G. L. Nemhauser, L. A. Wolsey, M. L. Fisher 1978).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from halls.coverage.geodesy import Column, distances_m

_CANDIDATES = 400


@dataclass(frozen=True, slots=True)
class Site:
    """A place for a new point and how many customers it would newly bring within reach."""

    longitude: float
    latitude: float
    gain: int


def gain_of(
    *,
    longitude: Column,
    latitude: Column,
    customers: NDArray[np.int64],
    is_within: NDArray[np.bool_],
    site: tuple[float, float],
    reach: float,
) -> Site:
    """How many customers who reach no point today would reach one at `site` (longitude, latitude)."""
    away = distances_m(longitude, latitude, np.array([site[0]]), np.array([site[1]]))[:, 0]
    return Site(site[0], site[1], int(customers[(away <= reach) & ~is_within].sum()))


def best_sites(
    *,
    longitude: Column,
    latitude: Column,
    customers: NDArray[np.int64],
    is_within: NDArray[np.bool_],
    reach: float,
    count: int,
) -> list[Site]:
    """
    The places where new points add most, one after another; fewer than `count` where nobody is left out of reach.

    Candidates are the cells that are out of reach, the fullest first.
    """
    outside = np.flatnonzero(~is_within & (customers > 0))
    lon, lat, people = longitude[outside], latitude[outside], customers[outside].astype(np.int64)
    chosen = np.argsort(-people, kind="stable")[:_CANDIDATES]
    reaches = distances_m(lon[chosen], lat[chosen], lon, lat) <= reach
    found: list[Site] = []
    left = people.copy()
    while len(found) < count and left.any():
        gains = reaches @ left
        best = int(gains.argmax())
        if not gains[best]:
            break
        found.append(Site(float(lon[chosen[best]]), float(lat[chosen[best]]), int(gains[best])))
        left[reaches[best]] = 0
    return found
