"""Pure: distances on the earth, and how far one gets on foot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EARTH_M = 6_371_008.8
"""Mean radius of the earth (IUGG 1980); the sphere is right to 0.6 %, the detour factor is not."""

Column = NDArray[np.float64]


def reach_m(*, minutes: float, m_per_min: float, detour: float) -> float:
    """How far away, as the crow flies, something may lie that one reaches on foot within so many minutes."""
    return minutes * m_per_min / detour


def distances_m(longitude: Column, latitude: Column, to_longitude: Column, to_latitude: Column) -> Column:
    """Great-circle metres (haversine) from each of n places to each of m: an (n, m) array; degrees go in."""
    here_lat, there_lat = np.radians(latitude)[:, None], np.radians(to_latitude)[None, :]
    by_lat = np.sin((there_lat - here_lat) / 2) ** 2
    by_lon = np.sin(np.radians(to_longitude[None, :] - longitude[:, None]) / 2) ** 2
    root: Column = np.sqrt(by_lat + np.cos(here_lat) * np.cos(there_lat) * by_lon)
    found: Column = 2 * EARTH_M * np.arcsin(np.minimum(root, 1.0))
    return found


def nearest_m(longitude: Column, latitude: Column, to_longitude: Column, to_latitude: Column) -> Column:
    """Metres from each place to the nearest of the others; infinite where there is none. Works in slices of memory."""
    nearest = np.full(len(longitude), np.inf)
    if not len(to_longitude):
        return nearest
    step = max(1, 4_000_000 // len(to_longitude))
    for start in range(0, len(longitude), step):
        part = slice(start, start + step)
        nearest[part] = distances_m(longitude[part], latitude[part], to_longitude, to_latitude).min(axis=1)
    return nearest
