"""
The clerk's side of a queue: next, call again, missed, start, transfer, finish.

Whoever calls holds the row of the hall's queue, so that any number of clerks on any number of servers call one after
another; the database holds one live ticket a clerk and a counter besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from config.shared.errors import BadInput, Refused
from halls.models import Counter, CounterDuty, Hall, HallQueue, Ticket, TicketEvent
from halls.operations.screens import ring_screens
from halls.operations.tickets import check_done_here
from halls.queries.halls import get_hall_by_id
from halls.queries.queue import rules_now, waiting_in
from halls.queueing import next_for
from halls.service_kinds import SERVICE_KINDS


class NotAtCounter(Refused):
    """The clerk stands at no counter."""

    code = "not-at-counter"


class CounterNotOpen(Refused):
    """The clerk's counter is on a break."""

    code = "counter-not-open"


class NobodyWaits(Refused):
    """Nobody waits whom this counter can serve."""

    code = "nobody-waits"


class AlreadyServing(Refused):
    """The number called last has neither come nor been missed."""

    code = "already-serving"


class NothingCalled(Refused):
    """The clerk has called nobody, or not in the state that this takes."""

    code = "nothing-called"


class TooSoon(Refused):
    """Customers need time to get up."""

    code = "too-soon"


class UnknownTransfer(BadInput):
    """No hall does what it was to be transferred to."""

    code = "unknown-service"


@dataclass(frozen=True, slots=True)
class CalledTicket:
    """A ticket at a counter; `account_id` is known where the customer came by the portal or said who they are."""

    ticket_id: int
    number: str
    counter: int
    account_id: int | None
    kind: str


def call_next(*, clerk_id: int, at: datetime, device: str = "") -> CalledTicket | None:
    """
    Call the ticket that is next for the clerk's counter; what the clerk was serving is finished by it.

    None: the service is finished and nobody waits whom this counter can serve.

    :raises NotAtCounter, CounterNotOpen: the clerk must open a counter first
    :raises AlreadyServing: the number called last is still awaited
    :raises NobodyWaits: for what this counter can do, and there was nobody to finish
    """
    with transaction.atomic():
        queue = HallQueue.objects.select_for_update().get(hall_id=_duty(clerk_id).counter.hall_id)
        # Read again: while one waited for the queue, the counter may have been closed or taken over.
        counter = _duty(clerk_id).counter
        if counter.hall_id != queue.hall_id:
            raise NotAtCounter(_("您已经换了窗口，请再按一次。"))
        if counter.state != Counter.State.OPEN:
            raise CounterNotOpen(_("%(number)s 号窗口没有开放，先恢复办理再叫号。") % {"number": counter.number})
        current = _current(clerk_id)
        if current is not None and current.state == Ticket.State.CALLED:
            raise AlreadyServing(
                _("%(number)s 号还没有到窗口。请重呼、开始办理，或按过号。") % {"number": current.number}
            )
        if current is not None:
            _end_service(current, at)
        ticket = _choose(counter, queue, at)
        if ticket is None:
            # What was finished stays finished.
            if current is None:
                raise NobodyWaits(_("现在没有这个窗口能办的号。"))
            ring_screens(counter.hall_id)
            return None
        ticket.state, ticket.called_at, ticket.calls = Ticket.State.CALLED, at, 1
        ticket.counter, ticket.clerk_id, ticket.back_after_call = counter, clerk_id, None
        if ticket.waited_s is None:
            ticket.waited_s = max(int((at - ticket.taken_at).total_seconds()), 0)
        ticket.save(update_fields=["state", "called_at", "calls", "counter", "clerk", "back_after_call", "waited_s"])
        queue.calls += 1
        queue.save(update_fields=["calls"])
        _note(ticket, TicketEvent.Kind.CALLED, at, device=device)
        ring_screens(counter.hall_id)
    return _called(ticket)


def recall(*, clerk_id: int, at: datetime) -> CalledTicket:
    """
    Call the same number again.

    :raises NothingCalled: nobody is awaited, or the number was called as often as it may be
    :raises TooSoon: the last call was a moment ago
    """
    with transaction.atomic():
        ticket = _awaited(clerk_id)
        since_s = (at - ticket.called_at).total_seconds() if ticket.called_at else settings.HALLS_CALL_GAP_S
        if ticket.calls >= settings.HALLS_CALL_ATTEMPTS:
            raise NothingCalled(
                _("%(number)s 号已经叫了 %(times)s 遍，没有来就按过号。")
                % {"number": ticket.number, "times": ticket.calls}
            )
        if since_s < settings.HALLS_CALL_GAP_S:
            raise TooSoon(
                _("刚叫过 %(number)s 号，请过 %(left)s 秒再重呼。")
                % {"number": ticket.number, "left": round(settings.HALLS_CALL_GAP_S - since_s)}
            )
        ticket.calls, ticket.called_at = ticket.calls + 1, at
        ticket.save(update_fields=["calls", "called_at"])
        _note(ticket, TicketEvent.Kind.RECALLED, at)
        ring_screens(ticket.hall_id)
    return _called(ticket)


def miss(*, clerk_id: int, at: datetime) -> None:
    """
    Nobody came: the number is missed. It may come back within the limit.

    :raises NothingCalled: nobody is awaited
    :raises TooSoon: the number was not called as often as it must be
    """
    with transaction.atomic():
        ticket = _awaited(clerk_id)
        if ticket.calls < settings.HALLS_CALL_ATTEMPTS:
            raise TooSoon(
                _("%(number)s 号叫了 %(times)s 遍，叫满 %(attempts)s 遍还没来才能过号。")
                % {"number": ticket.number, "times": ticket.calls, "attempts": settings.HALLS_CALL_ATTEMPTS}
            )
        ticket.state, ticket.ended_at = Ticket.State.NO_SHOW, at
        ticket.save(update_fields=["state", "ended_at"])
        _note(ticket, TicketEvent.Kind.MISSED, at)
        ring_screens(ticket.hall_id)


def start_serving(*, clerk_id: int, at: datetime) -> CalledTicket:
    """
    The customer has come to the counter.

    :raises NothingCalled: nobody is awaited
    """
    with transaction.atomic():
        ticket = _awaited(clerk_id)
        ticket.state, ticket.started_at = Ticket.State.SERVING, at
        ticket.save(update_fields=["state", "started_at"])
        _note(ticket, TicketEvent.Kind.STARTED, at)
        ring_screens(ticket.hall_id)
    return _called(ticket)


def finish(*, clerk_id: int, at: datetime) -> str:
    """
    The service is over; the number that was served.

    :raises NothingCalled: nobody is being served
    """
    with transaction.atomic():
        ticket = _served(clerk_id)
        _end_service(ticket, at)
        ring_screens(ticket.hall_id)
    return ticket.number


def transfer(*, clerk_id: int, kind: str, at: datetime, note: str = "") -> str:
    """
    Send whom one is serving on to counters for another kind; what they have waited counts on. The number.

    :raises UnknownTransfer: there is no such kind
    :raises NotDoneHere: no counter of the hall does it
    :raises NothingCalled: nobody is being served
    """
    if kind not in SERVICE_KINDS:
        detail = _("请选择转到哪种业务。")
        raise UnknownTransfer(detail, errors=[{"pointer": "/kind", "detail": detail}])
    with transaction.atomic():
        ticket = _served(clerk_id)
        check_done_here(get_hall_by_id(ticket.hall_id), kind)
        _note(ticket, TicketEvent.Kind.TRANSFERRED, at, note=f"{ticket.kind} > {kind} {note}".strip())
        Ticket.objects.filter(pk=ticket.pk).update(
            state=Ticket.State.WAITING, kind=kind, counter=None, clerk=None, started_at=None, calls=0
        )
        ring_screens(ticket.hall_id)
    return ticket.number


def _duty(clerk_id: int) -> CounterDuty:
    duty = CounterDuty.objects.select_related("counter").filter(clerk_id=clerk_id, ended_at=None).first()
    if duty is None:
        raise NotAtCounter(_("您还没有开窗口。请先选一个窗口开放。"))
    return duty


def _choose(counter: Counter, queue: HallQueue, at: datetime) -> Ticket | None:
    """The next ticket for a counter, locked; one that is given back at this moment is passed over."""
    discipline = Hall.objects.values_list("discipline", flat=True).get(pk=counter.hall_id)
    waiting = waiting_in(counter.hall_id, calls=queue.calls, at=at)
    while True:
        chosen = next_for(frozenset(counter.skills), waiting, discipline=discipline, rules=rules_now())
        if chosen is None:
            return None
        ticket = Ticket.objects.select_for_update().get(pk=chosen.ticket_id)
        if ticket.state == Ticket.State.WAITING:
            return ticket
        waiting.remove(chosen)


def _current(clerk_id: int) -> Ticket | None:
    return (
        Ticket.objects.select_for_update()
        .filter(clerk_id=clerk_id, state__in=(Ticket.State.CALLED, Ticket.State.SERVING))
        .first()
    )


def _awaited(clerk_id: int) -> Ticket:
    ticket = _current(clerk_id)
    if ticket is None or ticket.state != Ticket.State.CALLED:
        raise NothingCalled(_("没有正在等待到窗口的号。"))
    return ticket


def _served(clerk_id: int) -> Ticket:
    ticket = _current(clerk_id)
    if ticket is None or ticket.state != Ticket.State.SERVING:
        raise NothingCalled(_("没有正在办理的号。"))
    return ticket


def _end_service(ticket: Ticket, at: datetime) -> None:
    ticket.state, ticket.ended_at = Ticket.State.SERVED, at
    ticket.save(update_fields=["state", "ended_at"])
    _note(ticket, TicketEvent.Kind.FINISHED, at)


def _note(ticket: Ticket, kind: str, at: datetime, *, device: str = "", note: str = "") -> None:
    TicketEvent.objects.create(
        ticket=ticket,
        kind=kind,
        at=at,
        counter_id=ticket.counter_id,
        user_id=ticket.clerk_id,
        device=device[:64],
        note=note[:200],
    )


def _called(ticket: Ticket) -> CalledTicket:
    assert ticket.counter is not None  # noqa: S101 (the database holds it for a called ticket)
    return CalledTicket(ticket.pk, ticket.number, ticket.counter.number, ticket.account_id, ticket.kind)
