"""Where to go: open halls by the way there and the wait that is foretold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.conf import settings
from django.utils.functional import Promise

from cis.queries.places import Place
from halls.coverage import distances_m
from halls.queries.halls import HallCard, halls_doing, kinds_done_in
from halls.queries.queue import live_queue
from halls.queries.tickets import Wait, minutes, wait_of
from halls.service_kinds import NORMAL, SERVICE_KINDS


@dataclass(frozen=True, slots=True)
class HallChoice:
    """
    One hall for somebody who wants to be served: the way in minutes (None where the start is unknown), the wait (None
    where it was not foretold: closed, or too far away).

    `total_min` is way and half-way wait together, the order of the list; None where either is not known.
    """

    hall: HallCard
    is_open: bool
    away_m: int | None
    way_min: int | None
    wait: Wait | None
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
    """Every kind of service that a hall does, with what a newcomer would wait there now."""
    queue = live_queue(hall.hall_id, discipline=hall.discipline, at=at)
    return tuple(
        KindChoice(
            code,
            SERVICE_KINDS[code].name,
            SERVICE_KINDS[code].covers,
            SERVICE_KINDS[code].icon,
            wait_of(*queue.with_newcomer(code, NORMAL).foretell(0)),
        )
        for code in kinds_done_in(hall.hall_id)
    )


def hall_choices(kind: str, *, start: Place | None, at: datetime) -> tuple[HallChoice, ...]:
    """
    Every hall that does a kind of service, the quickest first: open ones with a figure, open ones without, closed ones.

    The way is the straight line times the detour; what one meets there is taken to be what is there now. The wait is
    foretold for the `HALLS_FORETOLD` nearest open halls (for the first by code where the start is unknown): whoever
    lives far away is told the way.
    """
    ways = sorted(
        ((hall, _away_m(hall, start)) for hall in halls_doing(kind)),
        key=lambda pair: (not pair[0].is_open(at), pair[1] or 0, pair[0].code),
    )
    found = [
        _choice(hall, away_m, kind, at, is_foretold=place < settings.HALLS_FORETOLD and hall.is_open(at))
        for place, (hall, away_m) in enumerate(ways)
    ]
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


def _away_m(hall: HallCard, start: Place | None) -> int | None:
    if start is None:
        return None
    straight = distances_m(
        np.array([start.longitude]),
        np.array([start.latitude]),
        np.array([hall.longitude]),
        np.array([hall.latitude]),
    )[0, 0]
    return round(float(straight) * settings.HALLS_DETOUR_E2 / 100)


def _choice(hall: HallCard, away_m: int | None, kind: str, at: datetime, *, is_foretold: bool) -> HallChoice:
    wait = None
    if is_foretold:
        queue = live_queue(hall.hall_id, discipline=hall.discipline, at=at)
        wait = wait_of(*queue.with_newcomer(kind, NORMAL).foretell(0))
    way_min = minutes(away_m * 60 / settings.HALLS_TRAVEL_M_PER_MIN) if away_m is not None else None
    p50_min = wait.p50_min if wait is not None else None
    return HallChoice(
        hall=hall,
        is_open=hall.is_open(at),
        away_m=away_m,
        way_min=way_min,
        wait=wait,
        total_min=way_min + p50_min if way_min is not None and p50_min is not None else None,
    )
