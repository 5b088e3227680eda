"""Halls as places: which there are, where, when they are open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from django.conf import settings
from django.utils.translation import gettext as _

from config.shared.errors import NotFound
from config.shared.permissions import in_scope
from halls.models import Hall


@dataclass(frozen=True, slots=True)
class HallCard:
    """One hall: who it is, where, when it is open; `path` is its place in the organisation."""

    hall_id: int
    code: str
    name: str
    grade: str
    address: str
    longitude: float
    latitude: float
    opens_at: time
    closes_at: time
    weekdays: tuple[int, ...]
    min_open_counters: int
    wait_target_s: int
    discipline: str
    path: str

    def is_open(self, at: datetime) -> bool:
        """Whether its doors are open at a moment, by its hours."""
        local = at.astimezone(settings.BILLING_TIME_ZONE)
        return local.isoweekday() in self.weekdays and self.opens_at <= local.time() < self.closes_at

    @property
    def hours(self) -> str:
        """Such as 08:30–17:30."""
        return f"{self.opens_at:%H:%M}–{self.closes_at:%H:%M}"


def get_hall(code: str) -> HallCard:
    """
    The hall with this code.

    :raises NotFound: there is none
    """
    hall = Hall.objects.select_related("org_unit").filter(org_unit__code=code).first()
    if hall is None:
        raise NotFound(_("没有找到这个营业厅。"))
    return _card(hall)


def get_hall_by_id(hall_id: int) -> HallCard:
    """
    The hall of this unit.

    :raises NotFound: the unit is no hall
    """
    hall = Hall.objects.select_related("org_unit").filter(pk=hall_id).first()
    if hall is None:
        raise NotFound(_("没有找到这个营业厅。"))
    return _card(hall)


def get_managed_hall(code: str, *, within: Sequence[str]) -> HallCard:
    """
    The hall with this code, for those who answer for it.

    :raises NotFound: there is none under these organisation paths
    """
    hall = Hall.objects.select_related("org_unit").filter(in_scope("org_unit", within), org_unit__code=code).first()
    if hall is None:
        raise NotFound(_("没有找到这个营业厅。"))
    return _card(hall)


def list_halls(*, within: Sequence[str] | None = None) -> tuple[HallCard, ...]:
    """Every hall, or those under these organisation paths, by code."""
    halls = Hall.objects.select_related("org_unit").filter(in_scope("org_unit", within)).order_by("org_unit__code")
    return tuple(_card(hall) for hall in halls)


def _card(hall: Hall) -> HallCard:
    unit = hall.org_unit
    return HallCard(
        hall_id=hall.pk,
        code=unit.code,
        name=unit.shown_name,
        grade=hall.grade,
        address=hall.address,
        longitude=float(hall.longitude),
        latitude=float(hall.latitude),
        opens_at=hall.opens_at,
        closes_at=hall.closes_at,
        weekdays=tuple(hall.weekdays),
        min_open_counters=hall.min_open_counters,
        wait_target_s=hall.wait_target_s,
        discipline=hall.discipline,
        path=unit.path,
    )
