"""Pure: who reaches a pay point on foot in time, by block and by kind of point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from halls.coverage.geodesy import Column, nearest_m


@dataclass(frozen=True, slots=True)
class Block:
    """One block: how many customers, how many of them within reach, how far the nearest point is (on average, m)."""

    block: int
    customers: int
    within: int
    longitude: float
    latitude: float
    nearest_m: float

    @property
    def share_e4(self) -> int:
        """Customers within reach, in ten-thousandths of all of the block."""
        return self.within * 10_000 // self.customers if self.customers else 0


@dataclass(frozen=True, slots=True)
class Circle:
    """
    The whole: customers, those within reach of any point, those within reach of each kind.

    `by_kind` counts for each kind alone, so its numbers overlap. `is_within`: cell by cell, in the order of the cells.
    """

    customers: int
    within: int
    by_kind: dict[str, int]
    blocks: tuple[Block, ...]
    is_within: NDArray[np.bool_]

    @property
    def share_e4(self) -> int:
        """Customers within reach, in ten-thousandths of all."""
        return self.within * 10_000 // self.customers if self.customers else 0


def circle_of(
    *,
    longitude: Column,
    latitude: Column,
    customers: NDArray[np.int64],
    block: NDArray[np.int64],
    points: Sequence[tuple[str, float, float]],
    reach: float,
) -> Circle:
    """
    Coverage of cells by pay points (kind, longitude, latitude) within `reach` metres as the crow flies.

    Blocks come with the most customers out of reach first.
    """
    by_kind: dict[str, int] = {}
    nearest = np.full(len(longitude), np.inf)
    for kind in dict.fromkeys(kind for kind, _lon, _lat in points):
        own = np.array([(lon, lat) for other, lon, lat in points if other == kind])
        to_kind = nearest_m(longitude, latitude, own[:, 0], own[:, 1])
        by_kind[kind] = int(customers[to_kind <= reach].sum())
        nearest = np.minimum(nearest, to_kind)
    is_within = nearest <= reach
    return Circle(
        customers=int(customers.sum()),
        within=int(customers[is_within].sum()),
        by_kind=by_kind,
        blocks=_blocks(longitude, latitude, customers, block, nearest, is_within),
        is_within=is_within,
    )


def _blocks(
    longitude: Column,
    latitude: Column,
    customers: NDArray[np.int64],
    block: NDArray[np.int64],
    nearest: Column,
    is_within: NDArray[np.bool_],
) -> tuple[Block, ...]:
    codes, place = np.unique(block, return_inverse=True)

    def sums(values: NDArray[np.generic]) -> Column:
        return np.asarray(np.bincount(place, weights=values.astype(np.float64), minlength=len(codes)), np.float64)

    people = sums(customers)
    whole = np.maximum(people, 1)
    east, north = sums(longitude * customers) / whole, sums(latitude * customers) / whole
    within = sums(np.where(is_within, customers, 0))
    # Where there is no point at all every distance is infinite, which a weight of 0 would turn into nothing.
    away = sums(np.where(np.isfinite(nearest), nearest, 0.0) * customers) / whole
    if not np.isfinite(nearest).all():
        away = np.full(len(codes), np.inf)
    found = [
        Block(int(code), int(people[n]), int(within[n]), float(east[n]), float(north[n]), float(away[n]))
        for n, code in enumerate(codes)
    ]
    return tuple(sorted(found, key=lambda one: (one.within - one.customers, one.block)))
