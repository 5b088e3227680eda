"""The ten-minute payment circle of a part of the utility: who reaches a pay point on foot, and what a new one adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from cis.queries.places import cells_of_accounts, names_of_blocks
from halls.coverage import Circle, best_sites, circle_of, gain_of, reach_m
from halls.models import PayPoint

_SITES = 3


def percent(share_e4: int) -> str:
    """Ten-thousandths as people read them: 81.8 %."""
    tenths = round(share_e4 / 10)
    return f"{tenths // 10}.{tenths % 10} %"


@dataclass(frozen=True, slots=True)
class PointRow:
    """One pay point on the map."""

    name: str
    kind: str
    kind_word: str
    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One block: its customers, those within reach, metres of street to the nearest point (None: there is none)."""

    block: int
    name: str
    customers: int
    within: int
    share_e4: int
    is_covered: bool
    nearest_m: int | None
    longitude: float
    latitude: float

    @property
    def without(self) -> int:
        """Customers who reach no point in time."""
        return self.customers - self.within

    @property
    def percent(self) -> str:
        """The share, to be read."""
        return percent(self.share_e4)


@dataclass(frozen=True, slots=True)
class KindShare:
    """Customers who reach a point of one kind in time."""

    kind: str
    word: str
    points: int
    customers: int
    share_e4: int

    @property
    def percent(self) -> str:
        """The share, to be read."""
        return percent(self.share_e4)


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A place for a new point; `share_after_e4` with it and those before it."""

    longitude: float
    latitude: float
    gain: int
    share_after_e4: int

    @property
    def percent(self) -> str:
        """The share, to be read."""
        return percent(self.share_after_e4)


@dataclass(frozen=True, slots=True)
class PayCircle:
    """The circle of everything under some organisation paths; `what_if` is the site that was asked for."""

    minutes: int
    reach_m: int
    customers: int
    within: int
    share_e4: int
    nowhere: int
    kinds: tuple[KindShare, ...]
    points: tuple[PointRow, ...]
    blocks: tuple[BlockRow, ...]
    sites: tuple[SiteRow, ...]
    what_if: SiteRow | None

    @property
    def uncovered(self) -> tuple[BlockRow, ...]:
        """Blocks most of whose customers reach no point in time, the most customers first."""
        return tuple(block for block in self.blocks if not block.is_covered)

    @property
    def percent(self) -> str:
        """The share, to be read."""
        return percent(self.share_e4)


def get_circle(*, within: Sequence[str], site: tuple[float, float] | None = None) -> PayCircle:
    """
    Coverage under these organisation paths now, where new points would add most, and what one at `site` would add.

    Pay points outside the paths count too: people walk over borders.
    """
    cells = cells_of_accounts(within=within)
    points = _points()
    reach = reach_m(
        minutes=settings.HALLS_CIRCLE_MIN,
        m_per_min=settings.HALLS_WALK_M_PER_MIN,
        detour=settings.HALLS_DETOUR_E2 / 100,
    )
    circle = circle_of(
        longitude=cells.longitude,
        latitude=cells.latitude,
        customers=cells.customers,
        block=cells.block,
        points=[(point.kind, point.longitude, point.latitude) for point in points],
        reach=reach,
    )
    sites = best_sites(
        longitude=cells.longitude,
        latitude=cells.latitude,
        customers=cells.customers,
        is_within=circle.is_within,
        reach=reach,
        count=_SITES,
    )
    covered, rows = circle.within, []
    for one in sites:
        covered += one.gain
        rows.append(SiteRow(one.longitude, one.latitude, one.gain, _share(covered, circle.customers)))
    what_if = None
    if site is not None:
        gain = gain_of(
            longitude=cells.longitude,
            latitude=cells.latitude,
            customers=cells.customers,
            is_within=circle.is_within,
            site=site,
            reach=reach,
        ).gain
        what_if = SiteRow(site[0], site[1], gain, _share(circle.within + gain, circle.customers))
    return PayCircle(
        minutes=settings.HALLS_CIRCLE_MIN,
        reach_m=round(reach),
        customers=circle.customers,
        within=circle.within,
        share_e4=circle.share_e4,
        nowhere=cells.nowhere,
        kinds=_kinds(circle, points),
        points=points,
        blocks=_blocks(circle),
        sites=tuple(rows),
        what_if=what_if,
    )


def _share(part: int, whole: int) -> int:
    return part * 10_000 // whole if whole else 0


def _points() -> tuple[PointRow, ...]:
    rows = PayPoint.objects.filter(is_working=True).order_by("code")
    return tuple(
        PointRow(
            name=row.name,
            kind=str(row.kind),
            kind_word=_(PayPoint.Kind(row.kind).label),
            longitude=float(row.longitude),
            latitude=float(row.latitude),
        )
        for row in rows
    )


def _kinds(circle: Circle, points: Sequence[PointRow]) -> tuple[KindShare, ...]:
    return tuple(
        KindShare(
            kind=kind,
            word=_(PayPoint.Kind(kind).label),
            points=sum(point.kind == kind for point in points),
            customers=circle.by_kind.get(kind, 0),
            share_e4=_share(circle.by_kind.get(kind, 0), circle.customers),
        )
        for kind in PayPoint.Kind.values
    )


def _blocks(circle: Circle) -> tuple[BlockRow, ...]:
    names = names_of_blocks([block.block for block in circle.blocks])
    detour = settings.HALLS_DETOUR_E2 / 100
    return tuple(
        BlockRow(
            block=block.block,
            name=names.get(block.block, ""),
            customers=block.customers,
            within=block.within,
            share_e4=block.share_e4,
            is_covered=block.share_e4 >= settings.HALLS_BLOCK_COVERED_E4,
            nearest_m=round(block.nearest_m * detour) if block.nearest_m < float("inf") else None,
            longitude=block.longitude,
            latitude=block.latitude,
        )
        for block in circle.blocks
    )
