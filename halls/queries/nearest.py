"""Where to go: open halls by the way there and the wait that is foretold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.conf import settings
from django.utils.functional import Promise

from cis.queries.places import Place
from halls.coverage import distances_m
from halls.queries.halls import HallCard, list_halls
from halls.queries.queue import live_queue
from halls.queries.tickets import Wait, minutes, wait_of
from halls.service_kinds import NORMAL, SERVICE_KINDS


@dataclass(frozen=True, slots=True)
class HallChoice:
    """
    One hall for somebody who wants to be served: the way in minutes (None where the start is unknown), the wait.

    `total_min` is way and half-way wait together, the order of the list; None where either is not known.
    """

    hall: HallCard
    is_open: bool
    away_m: int | None
    way_min: int | None
    wait: Wait
    total_min: int | None


@dataclass(frozen=True, slots=True)
class KindChoice:
    """One kind of service for somebody who stands in a hall, with the wait of a newcomer."""

    kind: str
    name: str | Promise
    covers: str | Promise
    icon: str
    wait: Wait


def kinds_with_wait(hall: HallCard, *, at: datetime) -> tuple[KindChoice, ...]:
    """Every kind of service with what a newcomer would wait in a hall now."""
    queue = live_queue(hall.hall_id, discipline=hall.discipline, at=at)
    return tuple(
        KindChoice(code, kind.name, kind.covers, kind.icon, wait_of(*queue.with_newcomer(code, NORMAL).foretell(0)))
        for code, kind in SERVICE_KINDS.items()
    )


def hall_choices(kind: str, *, start: Place | None, at: datetime) -> tuple[HallChoice, ...]:
    """
    Every hall for a kind of service, the quickest first: open ones with a figure, open ones without, closed ones.

    The way is the straight line times the detour; what one meets there is taken to be what is there now.
    """
    found = [_choice(hall, kind, start, at) for hall in list_halls()]
    return tuple(
        sorted(
            found,
            key=lambda one: (
                not one.is_open,
                one.total_min is None,
                one.total_min if one.total_min is not None else one.way_min or 0,
                one.hall.code,
            ),
        )
    )


def _choice(hall: HallCard, kind: str, start: Place | None, at: datetime) -> HallChoice:
    is_open = hall.is_open(at)
    wait = Wait(0, None, None)
    if is_open:
        queue = live_queue(hall.hall_id, discipline=hall.discipline, at=at)
        wait = wait_of(*queue.with_newcomer(kind, NORMAL).foretell(0))
    away_m = way_min = None
    if start is not None:
        straight = distances_m(
            np.array([start.longitude]),
            np.array([start.latitude]),
            np.array([hall.longitude]),
            np.array([hall.latitude]),
        )[0, 0]
        away_m = round(float(straight) * settings.HALLS_DETOUR_E2 / 100)
        way_min = minutes(away_m * 60 / settings.HALLS_TRAVEL_M_PER_MIN)
    total = way_min + wait.p50_min if way_min is not None and wait.p50_min is not None else None
    return HallChoice(hall, is_open, away_m, way_min, wait, total)
