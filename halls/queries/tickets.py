"""One ticket as its customer sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.shared.errors import NotFound
from halls.models import Rating, Ticket
from halls.queries.halls import HallCard, get_hall_by_id
from halls.queries.queue import LiveQueue, live_queue
from halls.queueing.prediction import Prediction
from halls.service_kinds import GREEN, SERVICE_KINDS


@dataclass(frozen=True, slots=True)
class Wait:
    """How long it will take: people before one; minutes half and nine in ten stay under; None: nobody knows."""

    ahead: int
    p50_min: int | None
    p90_min: int | None

    @property
    def is_known(self) -> bool:
        """Whether there is an open counter, so that minutes can be named."""
        return self.p50_min is not None

    @property
    def is_now(self) -> bool:
        """Whether a counter is free this moment."""
        return self.p90_min == 0


@dataclass(frozen=True, slots=True)
class Why:
    """Why one waits: open counters that do it, how long it usually takes, who came later and was called before."""

    counters: int
    usual_min: int
    passed_green: int
    passed_others: int
    bound_min: int


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket with what its customer can do; `wait` while it waits, `counter` once it is called."""

    token: str
    number: str
    hall: HallCard
    kind: str
    kind_word: str | Promise
    state: str
    state_word: str
    is_green: bool
    taken_at: datetime
    promised: Wait
    wait: Wait | None
    why: Why
    counter: int | None
    calls: int
    waited_min: int | None
    may_return: bool
    return_min: int
    """within so many minutes whoever missed the call may come back"""
    may_rate: bool
    score: int | None

    @property
    def is_live(self) -> bool:
        """Whether something may still happen, so that it is worth looking again."""
        return self.state in ("waiting", "called", "serving")


def minutes(seconds: float | None) -> int | None:
    """Whole minutes, up; none stays none. A wait is never rounded down."""
    return None if seconds is None else -(-int(seconds) // 60)


def wait_of(ahead: int, foretold: Prediction | None) -> Wait:
    """A prediction in minutes."""
    if foretold is None:
        return Wait(ahead, None, None)
    return Wait(ahead, minutes(foretold.p50_s), minutes(foretold.p90_s))


def get_ticket(token: str, *, at: datetime) -> TicketView:
    """
    The ticket with this token.

    :raises NotFound: there is none
    """
    ticket = Ticket.objects.select_related("counter").filter(token=token).first()
    if ticket is None:
        raise NotFound(_("没有找到这张号票，请核对或重新取号。"))
    return _view(ticket, at)


def latest_ticket(person_id: int, *, at: datetime) -> TicketView | None:
    """The person's newest ticket that still counts or can be rated; None where there is none."""
    ticket = (
        Ticket.objects.select_related("counter")
        .filter(person_id=person_id, taken_at__gt=at - timedelta(days=settings.HALLS_RATING_DAYS))
        .order_by("-pk")
        .first()
    )
    return _view(ticket, at) if ticket is not None else None


def _view(ticket: Ticket, at: datetime) -> TicketView:
    hall = get_hall_by_id(ticket.hall_id)
    queue = live_queue(hall.hall_id, discipline=hall.discipline, at=at)
    wait = wait_of(*queue.foretell(ticket.pk)) if ticket.state == Ticket.State.WAITING else None
    score = Rating.objects.filter(ticket=ticket).values_list("score", flat=True).first()
    is_recent = ticket.ended_at is not None and at - ticket.ended_at <= timedelta(days=settings.HALLS_RATING_DAYS)
    is_back_in_time = ticket.ended_at is not None and at - ticket.ended_at <= timedelta(
        seconds=settings.HALLS_RETURN_WITHIN_S
    )
    return TicketView(
        token=ticket.token,
        number=ticket.number,
        hall=hall,
        kind=ticket.kind,
        kind_word=SERVICE_KINDS[ticket.kind].name,
        state=str(ticket.state),
        state_word=_(Ticket.State(ticket.state).label),
        is_green=ticket.priority == GREEN,
        taken_at=ticket.taken_at,
        promised=Wait(ticket.ahead, minutes(ticket.predicted_p50_s), minutes(ticket.predicted_p90_s)),
        wait=wait,
        why=_why(ticket, queue),
        counter=ticket.counter.number if ticket.counter is not None else None,
        calls=ticket.calls,
        waited_min=minutes(ticket.waited_s),
        may_return=ticket.state == Ticket.State.NO_SHOW and is_back_in_time,
        return_min=settings.HALLS_RETURN_WITHIN_S // 60,
        may_rate=ticket.state == Ticket.State.SERVED and score is None and is_recent,
        score=score,
    )


def _why(ticket: Ticket, queue: LiveQueue) -> Why:
    until = ticket.called_at if ticket.called_at is not None and ticket.state != Ticket.State.WAITING else None
    passed = Ticket.objects.filter(
        hall_id=ticket.hall_id, day=ticket.day, taken_at__gt=ticket.taken_at, called_at__isnull=False, kind=ticket.kind
    )
    if until is not None:
        passed = passed.filter(called_at__lt=until)
    classes = list(passed.values_list("priority", flat=True))
    green = sum(priority == GREEN for priority in classes)
    return Why(
        counters=sum(ticket.kind in one.skills for one in queue.counters),
        usual_min=minutes(queue.times[ticket.kind].mean_s) or 1,
        passed_green=green,
        passed_others=len(classes) - green,
        bound_min=settings.HALLS_WAIT_BOUND_S // 60,
    )
