"""Halls as places: which there are, where, when they are open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _

from config.shared.errors import NotFound
from config.shared.models import OrgUnit
from config.shared.permissions import in_scope, is_within
from halls.coverage import distances_m
from halls.models import Counter, Hall
from halls.service_kinds import SERVICE_KINDS


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


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the organisation."""

    path: str
    name: str


def part_within(org_unit_id: int, *, within: Sequence[str]) -> Part | None:
    """The part with this id, if it lies under these organisation paths."""
    unit = OrgUnit.objects.filter(pk=org_unit_id).first()
    return Part(unit.path, unit.shown_name) if unit is not None and is_within(unit.path, within) else None


def list_halls(*, within: Sequence[str] | None = None) -> tuple[HallCard, ...]:
    """Every hall, or those under these organisation paths, by code."""
    halls = Hall.objects.select_related("org_unit").filter(in_scope("org_unit", within)).order_by("org_unit__code")
    return tuple(_card(hall) for hall in halls)


def kinds_done_in(hall_id: int) -> tuple[str, ...]:
    """The kinds of service that some counter of a hall can do, open or not, in the order of the house's list."""
    skills = Counter.objects.filter(hall_id=hall_id).values_list("skills", flat=True)
    done = {kind for one in skills for kind in one}
    return tuple(kind for kind in SERVICE_KINDS if kind in done)


def halls_doing(kind: str) -> tuple[HallCard, ...]:
    """Every hall with a counter for a kind of service, by code."""
    able = Hall.objects.filter(counters__skills__contains=[kind]).distinct()
    return tuple(_card(hall) for hall in able.select_related("org_unit").order_by("org_unit__code"))


def nearest_doing(kind: str, *, to: HallCard) -> HallCard | None:
    """The other hall nearest to one, in a straight line, that does a kind of service; None where none does."""
    others = [one for one in halls_doing(kind) if one.hall_id != to.hall_id]
    if not others:
        return None
    away = distances_m(
        np.array([to.longitude]),
        np.array([to.latitude]),
        np.array([one.longitude for one in others]),
        np.array([one.latitude for one in others]),
    )[0]
    return others[int(away.argmin())]


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
