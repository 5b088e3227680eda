"""A hall with counters, people at them, and tickets in its queue."""

from __future__ import annotations

import uuid
from datetime import datetime, time
from typing import Any

from halls.models import Counter, Hall, HallQueue, Zone
from halls.operations import open_counter, take_ticket
from halls.operations.tickets import TakenTicket

EVERY_SKILL = ("pay", "enquiry", "change", "new-supply", "complaint")


def make_hall(unit_id: int, *, counters: int = 2, skills: tuple[str, ...] = EVERY_SKILL, **changed: Any) -> Hall:
    """The unit as a hall that is open all day, every day, with closed counters from number 1 on."""
    hall = Hall.objects.create(
        **{
            "org_unit_id": unit_id,
            "grade": Hall.Grade.B,
            "address": "江汉市东湖区桂花路1号",
            "longitude": "112.860000",
            "latitude": "30.620000",
            "opens_at": time(0, 0),
            "closes_at": time(23, 59, 59),
            "weekdays": [1, 2, 3, 4, 5, 6, 7],
            "wait_target_s": 900,
            **changed,
        }
    )
    HallQueue.objects.create(hall=hall)
    zone = Zone.objects.create(hall=hall, kind=Zone.Kind.BUSINESS)
    for number in range(1, counters + 1):
        Counter.objects.create(hall=hall, zone=zone, number=number, skills=list(skills))
    return hall


def at_counter(hall: Hall, number: int, clerk_id: int, *, at: datetime) -> Counter:
    """A clerk opens a counter of the hall."""
    counter = Counter.objects.get(hall=hall, number=number)
    open_counter(counter_id=counter.pk, clerk_id=clerk_id, within=None, at=at)
    return counter


def take(hall: Hall, *, at: datetime, kind: str = "pay", **more: Any) -> TakenTicket:
    """A ticket from the counter of the guide."""
    return take_ticket(
        **{
            "hall_id": hall.pk,
            "kind": kind,
            "channel": "counter",
            "form_key": uuid.uuid4().hex,
            "at": at,
            **more,
        }
    )
