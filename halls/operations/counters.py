"""Open a counter, take a break, close it: who stands where, from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.shared.errors import BadInput, NotFound, Refused
from config.shared.permissions import in_scope
from halls.models import Counter, CounterDuty, Ticket
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
        counter = Counter.objects.select_for_update().filter(in_scope("hall__org_unit", within), pk=counter_id).first()
        if counter is None:
            raise NotFound(_("没有找到这个窗口。"))
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
        duty = _duty(clerk_id)
        _check_no_customer(clerk_id)
        _set(duty.counter, Counter.State.BREAK, reason.strip()[:100], at)


def close_counter(*, clerk_id: int, at: datetime) -> None:
    """
    The clerk leaves the counter.

    :raises NotAtCounter: the clerk stands at none
    :raises CustomerAtCounter: a customer is there
    """
    with transaction.atomic():
        _duty(clerk_id)
        _leave(clerk_id, at)


def _duty(clerk_id: int) -> CounterDuty:
    duty = (
        CounterDuty.objects.select_related("counter")
        .select_for_update(of=("self", "counter"))
        .filter(clerk_id=clerk_id, ended_at=None)
        .first()
    )
    if duty is None:
        raise NotAtCounter(_("您还没有开窗口。请先选一个窗口开放。"))
    return duty


def _leave(clerk_id: int, at: datetime) -> None:
    """End the clerk's duty, if there is one, and close that counter."""
    duty = CounterDuty.objects.select_related("counter").filter(clerk_id=clerk_id, ended_at=None).first()
    if duty is None:
        return
    _check_no_customer(clerk_id)
    duty.ended_at = at
    duty.save(update_fields=["ended_at"])
    _set(duty.counter, Counter.State.CLOSED, "", at)


def _check_no_customer(clerk_id: int) -> None:
    live = Ticket.objects.filter(clerk_id=clerk_id, state__in=(Ticket.State.CALLED, Ticket.State.SERVING)).first()
    if live is not None:
        raise CustomerAtCounter(_("%(number)s 号还在您的窗口，请先办结、转办或过号。") % {"number": live.number})


def _set(counter: Counter, state: str, reason: str, at: datetime) -> None:
    counter.state, counter.reason, counter.state_since = state, reason, at
    counter.save(update_fields=["state", "reason", "state_since"])
    ring_screens(counter.hall_id)
