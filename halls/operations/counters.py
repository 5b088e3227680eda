"""Open a counter, take a break, close it: who stands where, from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.shared.errors import BadInput, NotFound, Refused
from config.shared.permissions import in_scope
from halls.models import Counter, CounterDuty, HallQueue, Ticket, TicketEvent
from halls.operations.calling import NotAtCounter
from halls.operations.screens import ring_screens


class CounterTaken(Refused):
    """Somebody else stands at the counter."""

    code = "counter-taken"


class CustomerAtCounter(Refused):
    """A number is called or being served."""

    code = "customer-at-counter"


class ReasonMissing(BadInput):
    """A break needs a reason."""

    code = "reason-missing"


@dataclass(frozen=True, slots=True)
class ClosedCounter:
    """A counter somebody else closed, and the number that went back to the queue; empty where nobody was there."""

    counter: int
    ticket: str


def open_counter(*, counter_id: int | None, clerk_id: int, within: Sequence[str] | None, at: datetime) -> int:
    """
    The clerk stands at this counter and calls from now on; its number. Also the end of a break.

    `counter_id` None: the counter the clerk stands at. `within`: the organisation paths the clerk may work in.

    :raises NotFound: there is no such counter there
    :raises CounterTaken: a colleague stands at it
    :raises CustomerAtCounter: the clerk has a customer at another counter
    """
    with transaction.atomic():
        if counter_id is None:
            counter_id = _duty(clerk_id).counter_id
        counter = Counter.objects.filter(in_scope("hall__org_unit", within), pk=counter_id).first()
        if counter is None:
            raise NotFound(_("没有找到这个窗口。"))
        left = CounterDuty.objects.filter(clerk_id=clerk_id, ended_at=None).values_list("counter__hall_id", flat=True)
        _hold_queues(counter.hall_id, *left)
        counter = Counter.objects.select_for_update().get(pk=counter_id)
        at_counter = CounterDuty.objects.select_related("clerk").filter(counter=counter, ended_at=None).first()
        if at_counter is not None and at_counter.clerk_id != clerk_id:
            name = at_counter.clerk.display_name or at_counter.clerk.username
            raise CounterTaken(
                _("%(number)s 号窗口由%(name)s值守，请选别的窗口。") % {"number": counter.number, "name": name}
            )
        if at_counter is None:
            _leave(clerk_id, at)
            CounterDuty.objects.create(counter=counter, clerk_id=clerk_id, began_at=at)
        _set(counter, Counter.State.OPEN, "", at)
    return counter.number


def pause_counter(*, clerk_id: int, reason: str, at: datetime) -> None:
    """
    A break: the counter calls nobody until it is opened again.

    :raises NotAtCounter: the clerk stands at none
    :raises ReasonMissing: why is not said
    :raises CustomerAtCounter: a customer is there
    """
    if not reason.strip():
        detail = _("请写明暂停的原因，例如「核对票据」。")
        raise ReasonMissing(detail, errors=[{"pointer": "/reason", "detail": detail}])
    with transaction.atomic():
        duty = _held_duty(clerk_id)
        _check_no_customer(clerk_id)
        _set(duty.counter, Counter.State.BREAK, reason.strip()[:100], at)


def close_counter(*, clerk_id: int, at: datetime) -> None:
    """
    The clerk leaves the counter.

    :raises NotAtCounter: the clerk stands at none
    :raises CustomerAtCounter: a customer is there
    """
    with transaction.atomic():
        _end(_held_duty(clerk_id), at)


def close_counter_of(*, counter_id: int, within: Sequence[str], by_id: int, at: datetime) -> ClosedCounter:
    """
    Close a counter for a clerk who has gone; whoever is still called there waits again, from when they came.

    `within`: the organisation paths whose halls `by_id` answers for.

    :raises NotFound: there is no such counter there
    :raises NotAtCounter: nobody stands at it
    """
    with transaction.atomic():
        counter = Counter.objects.filter(in_scope("hall__org_unit", within), pk=counter_id).first()
        if counter is None:
            raise NotFound(_("没有找到这个窗口。"))
        _hold_queues(counter.hall_id)
        duty = (
            CounterDuty.objects.select_related("counter")
            .select_for_update(of=("self", "counter"))
            .filter(counter=counter, ended_at=None)
            .first()
        )
        if duty is None:
            raise NotAtCounter(_("%(number)s 号窗口现在没有人值守。") % {"number": counter.number})
        ticket = _back_to_the_queue(duty.clerk_id, by_id, at)
        _end(duty, at)
    return ClosedCounter(counter.number, ticket)


def _back_to_the_queue(clerk_id: int, by_id: int, at: datetime) -> str:
    """Whom the clerk called waits again, from when they came; the number, empty where there was nobody."""
    ticket = _live_ticket(clerk_id)
    if ticket is None:
        return ""
    TicketEvent.objects.create(
        ticket=ticket, kind=TicketEvent.Kind.TRANSFERRED, at=at, counter_id=ticket.counter_id, user_id=by_id
    )
    ticket.state, ticket.calls = Ticket.State.WAITING, 0
    ticket.counter, ticket.clerk, ticket.started_at = None, None, None
    ticket.save(update_fields=["state", "counter", "clerk", "started_at", "calls"])
    return ticket.number


def _hold_queues(*hall_ids: int) -> None:
    """Nobody calls in these halls until the transaction is over: no number is called to a counter that closes."""
    list(HallQueue.objects.select_for_update().filter(hall_id__in=hall_ids).order_by("hall_id"))


def _duty(clerk_id: int) -> CounterDuty:
    duty = CounterDuty.objects.select_related("counter").filter(clerk_id=clerk_id, ended_at=None).first()
    if duty is None:
        raise NotAtCounter(_("您还没有开窗口。请先选一个窗口开放。"))
    return duty


def _held_duty(clerk_id: int) -> CounterDuty:
    """The clerk's duty, once nobody calls in its hall."""
    _hold_queues(_duty(clerk_id).counter.hall_id)
    return _duty(clerk_id)


def _leave(clerk_id: int, at: datetime) -> None:
    """End the clerk's duty, if there is one, and close that counter."""
    duty = CounterDuty.objects.select_related("counter").filter(clerk_id=clerk_id, ended_at=None).first()
    if duty is not None:
        _end(duty, at)


def _end(duty: CounterDuty, at: datetime) -> None:
    _check_no_customer(duty.clerk_id)
    duty.ended_at = at
    duty.save(update_fields=["ended_at"])
    _set(duty.counter, Counter.State.CLOSED, "", at)


def _live_ticket(clerk_id: int) -> Ticket | None:
    return (
        Ticket.objects.select_for_update()
        .filter(clerk_id=clerk_id, state__in=(Ticket.State.CALLED, Ticket.State.SERVING))
        .first()
    )


def _check_no_customer(clerk_id: int) -> None:
    live = _live_ticket(clerk_id)
    if live is not None:
        raise CustomerAtCounter(_("%(number)s 号还在您的窗口，请先办结、转办或过号。") % {"number": live.number})


def _set(counter: Counter, state: str, reason: str, at: datetime) -> None:
    counter.state, counter.reason, counter.state_since = state, reason, at
    counter.save(update_fields=["state", "reason", "state_since"])
    ring_screens(counter.hall_id)
