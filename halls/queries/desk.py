"""The queue as a clerk at a counter sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from cis.queries.dues import names_of
from config.shared.permissions import in_scope
from halls.models import Counter, CounterDuty, Ticket
from halls.queries.halls import HallCard, get_hall_by_id, kinds_done_in
from halls.queries.queue import live_queue
from halls.service_kinds import SERVICE_KINDS


@dataclass(frozen=True, slots=True)
class AtCounter:
    """Whom the clerk has called or serves; `account_no` is empty where the house does not know who it is."""

    number: str
    kind_word: str | Promise
    is_serving: bool
    calls: int
    since: datetime
    account_no: str
    masked_name: str


@dataclass(frozen=True, slots=True)
class CounterChoice:
    """A counter one may open; `taken_by` names the colleague who stands there."""

    counter_id: int
    number: int
    hall: str
    skills: tuple[str | Promise, ...]
    taken_by: str


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One who waits, in the order of the calls as things stand."""

    number: str
    kind_word: str | Promise
    waited_s: int
    is_for_me: bool
    is_back: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """The clerk's counter, if they stand at one, whom they serve, who waits."""

    hall: HallCard | None
    counter: int | None
    state: str
    reason: str
    current: AtCounter | None
    waiting: tuple[WaitingRow, ...]
    kinds: tuple[str, ...] = ()
    """what the hall does"""

    @property
    def is_open(self) -> bool:
        """Whether the counter calls."""
        return self.state == Counter.State.OPEN

    @property
    def for_me(self) -> int:
        """How many wait whom this counter can serve."""
        return sum(row.is_for_me for row in self.waiting)


def get_desk(clerk_id: int, *, at: datetime) -> Desk:
    """The counter of a clerk, in some eight statements however long the queue is; empty where they stand at none."""
    duty = CounterDuty.objects.select_related("counter").filter(clerk_id=clerk_id, ended_at=None).first()
    if duty is None:
        return Desk(None, None, Counter.State.CLOSED, "", None, ())
    counter = duty.counter
    hall = get_hall_by_id(counter.hall_id)
    queue = live_queue(hall.hall_id, discipline=hall.discipline, at=at)
    numbers = dict(Ticket.objects.filter(pk__in=[one.ticket_id for one in queue.order]).values_list("pk", "number"))
    return Desk(
        hall=hall,
        counter=counter.number,
        state=str(counter.state),
        reason=counter.reason,
        current=_at_counter(clerk_id),
        waiting=tuple(
            WaitingRow(
                number=numbers[one.ticket_id],
                kind_word=SERVICE_KINDS[one.kind].name,
                waited_s=one.waited_s,
                is_for_me=one.kind in counter.skills,
                is_back=one.is_back,
            )
            for one in queue.order
            if one.ticket_id in numbers
        ),
        kinds=kinds_done_in(hall.hall_id),
    )


def _at_counter(clerk_id: int) -> AtCounter | None:
    ticket = Ticket.objects.filter(clerk_id=clerk_id, state__in=(Ticket.State.CALLED, Ticket.State.SERVING)).first()
    if ticket is None or ticket.called_at is None:
        return None
    account_no, masked_name = "", ""
    if ticket.account_id is not None:
        account_no, masked_name = names_of([ticket.account_id])[ticket.account_id]
    return AtCounter(
        number=ticket.number,
        kind_word=SERVICE_KINDS[ticket.kind].name,
        is_serving=ticket.state == Ticket.State.SERVING,
        calls=ticket.calls,
        since=ticket.started_at or ticket.called_at,
        account_no=account_no,
        masked_name=masked_name,
    )


def list_counters(*, within: Sequence[str]) -> tuple[CounterChoice, ...]:
    """The counters of the halls one may work in."""
    counters = (
        Counter.objects.select_related("hall__org_unit")
        .filter(in_scope("hall__org_unit", within))
        .order_by("hall__org_unit__code", "number")
    )
    there = {
        duty.counter_id: duty.clerk.display_name or duty.clerk.username
        for duty in CounterDuty.objects.select_related("clerk").filter(ended_at=None, counter__in=counters)
    }
    return tuple(
        CounterChoice(
            counter_id=one.pk,
            number=one.number,
            hall=one.hall.org_unit.shown_name,
            skills=tuple(SERVICE_KINDS[code].name for code in one.skills if code in SERVICE_KINDS),
            taken_by=there.get(one.pk, ""),
        )
        for one in counters
    )


def account_no_of(account_id: int | None) -> str:
    """The number of an account; empty for none."""
    return names_of([account_id])[account_id][0] if account_id is not None else ""


def counter_state_word(state: str) -> str:
    """The state of a counter in a word."""
    return _(Counter.State(state).label)
