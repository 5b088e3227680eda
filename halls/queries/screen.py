"""What hangs on a hall's wall: number and counter, nothing else; and what is said aloud."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings

from config.shared.models import OrgUnit
from halls.models import Counter, Hall, Ticket, TicketEvent

SCREEN = "hall-screen"
"""The live topic; its key is the hall's code."""

_CALLED_SHOWN = 8
# A call older than this is spoken no more by a screen that comes back.
_SPOKEN_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ScreenCall:
    """One call: `call_id` grows with every call and call again, so that each is spoken once."""

    call_id: int
    number: str
    counter: int
    is_serving: bool


@dataclass(frozen=True, slots=True)
class HallScreen:
    """The whole screen: the newest calls first, open counters, how many wait."""

    hall: str
    calls: tuple[ScreenCall, ...]
    open_counters: tuple[int, ...]
    waiting: int
    speak_from: int
    """calls with an id below this are too old to be spoken"""


@lru_cache(maxsize=4096)
def code_of(hall_id: int) -> str:
    """The code of a hall; a unit's code never changes."""
    return OrgUnit.objects.values_list("code", flat=True).get(pk=hall_id)


def screen_of(code: str, *, at: datetime) -> HallScreen | None:
    """What the screen of a hall shows at a moment, in five statements; None where there is no such hall."""
    hall = Hall.objects.select_related("org_unit").filter(org_unit__code=code).first()
    if hall is None:
        return None
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    at_counters = Ticket.objects.filter(
        hall=hall, day=today, state__in=(Ticket.State.CALLED, Ticket.State.SERVING)
    ).values_list("pk", "number", "counter__number", "state")
    shown = {ticket_id: (number, counter, state) for ticket_id, number, counter, state in at_counters}
    newest: dict[int, tuple[int, datetime]] = {}
    for event_id, ticket_id, called_at in (
        TicketEvent.objects.filter(ticket_id__in=shown, kind__in=(TicketEvent.Kind.CALLED, TicketEvent.Kind.RECALLED))
        .order_by("pk")
        .values_list("pk", "ticket_id", "at")
    ):
        newest[ticket_id] = (event_id, called_at)
    rows = sorted(((event[0], ticket_id) for ticket_id, event in newest.items()), reverse=True)
    fresh = [event_id for event_id, called_at in newest.values() if called_at > at - _SPOKEN_FOR]
    return HallScreen(
        hall=hall.org_unit.name,
        calls=tuple(
            ScreenCall(event_id, shown[ticket_id][0], shown[ticket_id][1], shown[ticket_id][2] == Ticket.State.SERVING)
            for event_id, ticket_id in rows[:_CALLED_SHOWN]
        ),
        open_counters=tuple(
            Counter.objects.filter(hall=hall, state=Counter.State.OPEN)
            .order_by("number")
            .values_list("number", flat=True)
        ),
        waiting=Ticket.objects.filter(hall=hall, state=Ticket.State.WAITING).count(),
        speak_from=min(fresh, default=max((event_id for event_id, _ticket in rows), default=0) + 1),
    )


def plain_screen(screen: HallScreen) -> dict[str, object]:
    """The same as plain values, as it is sent to browsers. `speak_from` changes by the clock alone and is left out."""
    sent = asdict(screen)
    del sent["speak_from"]
    return sent
