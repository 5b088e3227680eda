"""The customer's side of a queue: take a ticket, give it back, come back after a missed call."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.queries.dues import account_id_of
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.models import User
from crm.queries.tiers import key_among
from halls.models import HallQueue, Ticket, TicketEvent, TicketSeries
from halls.operations.screens import ring_screens
from halls.queries.halls import HallCard, get_hall_by_id, kinds_done_in, nearest_doing
from halls.queries.queue import live_queue
from halls.service_kinds import GREEN, KEY, NORMAL, SERVICE_KINDS

_LIVE = (Ticket.State.WAITING, Ticket.State.CALLED, Ticket.State.SERVING)


class HallClosed(Refused):
    """The hall's doors are closed at this hour."""

    code = "hall-closed"


class UnknownService(BadInput):
    """No hall does this."""

    code = "unknown-service"


class NotDoneHere(Refused):
    """No counter of the hall does this; the message names the nearest hall that does."""

    code = "not-done-here"


class AlreadyWaiting(Refused):
    """The person holds a ticket that still counts; `facts` has its token."""

    code = "already-waiting"


class TooManyTickets(Refused):
    """More tickets than people could take; a kiosk that is stuck, or somebody's joke."""

    code = "too-many-tickets"


class TooLateToReturn(Refused):
    """The missed call is too long ago."""

    code = "too-late-to-return"


class NotWaiting(Refused):
    """The ticket is not in a state in which this can be done."""

    code = "ticket-not-waiting"


@dataclass(frozen=True, slots=True)
class TakenTicket:
    """A ticket and what was foretold; no figures where no open counter can serve it."""

    ticket_id: int
    number: str
    token: str
    ahead: int
    p50_s: int | None
    p90_s: int | None


def take_ticket(
    *,
    hall_id: int,
    kind: str,
    channel: str,
    form_key: str,
    at: datetime,
    is_green: bool = False,
    account_id: int | None = None,
    account_no: str = "",
    person_id: int | None = None,
    taken_by_id: int | None = None,
    device: str = "",
) -> TakenTicket:
    """
    Give out the next number of a hall, with the wait foretold; the same form sent twice is one ticket.

    `is_green`: the customer says that they are 60 or older, disabled, pregnant or a soldier. A class above the normal
    one comes from the tier of the account, and only for its signed-in person (`person_id`) or by staff (`taken_by_id`):
    a number typed at a kiosk (`account_no`) gives nobody a place, and whether it is known is not said.

    :raises NotFound: there is no such hall
    :raises UnknownService: nor such a kind of service
    :raises NotDoneHere: no counter of the hall does it
    :raises HallClosed: at this hour
    :raises AlreadyWaiting: the person has a live ticket
    :raises TooManyTickets: at the kiosks of the hall within a minute
    """
    hall = get_hall_by_id(hall_id)
    if kind not in SERVICE_KINDS:
        detail = _("请选择要办的业务。")
        raise UnknownService(detail, errors=[{"pointer": "/kind", "detail": detail}])
    if not hall.is_open(at):
        raise HallClosed(_("%(hall)s 现在不营业，营业时间 %(hours)s。") % {"hall": hall.name, "hours": hall.hours})
    check_done_here(hall, kind)
    if account_id is None and account_no:
        with suppress(NotFound):
            account_id = account_id_of(account_no.strip())
    with transaction.atomic():
        known = Ticket.objects.filter(form_key=form_key).first()
        if known is not None:
            return _taken(known)
        if channel == Ticket.Channel.KIOSK:
            _check_kiosk(hall, at)
        if person_id is not None:
            _check_person(person_id)
        day = at.astimezone(settings.BILLING_TIME_ZONE).date()
        letter = SERVICE_KINDS[kind].letter
        # From here on whoever takes a number of this letter waits: the same form sent twice meets itself below.
        serial = _next_serial(hall_id, day, letter)
        known = Ticket.objects.filter(form_key=form_key).first()
        if known is not None:
            transaction.set_rollback(True)
            return _taken(known)
        priority = GREEN if is_green else NORMAL
        if not is_green and account_id is not None and (person_id is not None or taken_by_id is not None):
            priority = KEY if key_among([account_id]) else NORMAL
        queue = live_queue(hall_id, discipline=hall.discipline, at=at).with_newcomer(kind, priority)
        ahead, foretold = queue.foretell(0)
        ticket = Ticket.objects.create(
            hall_id=hall_id,
            day=day,
            letter=letter,
            serial=serial,
            number=f"{letter}{serial:03d}",
            token=secrets.token_urlsafe(16),
            form_key=form_key,
            kind=kind,
            priority=priority,
            channel=channel,
            account_id=account_id,
            person_id=person_id,
            taken_at=at,
            waiting_since=at,
            ahead=ahead,
            predicted_p50_s=foretold.p50_s if foretold else None,
            predicted_p90_s=foretold.p90_s if foretold else None,
        )
        _note(ticket, TicketEvent.Kind.TAKEN, at, user_id=taken_by_id or person_id, device=device)
        ring_screens(hall_id)
    return _taken(ticket)


def check_done_here(hall: HallCard, kind: str) -> None:
    """
    A ticket that no counter of the hall can serve is never called.

    :raises NotDoneHere: it would be one
    """
    if kind in kinds_done_in(hall.hall_id):
        return
    said = _("%(hall)s不办「%(kind)s」。") % {"hall": hall.name, "kind": SERVICE_KINDS[kind].name}
    other = nearest_doing(kind, to=hall)
    if other is None:
        raise NotDoneHere(said + _("请拨打 95598。"))
    raise NotDoneHere(said + _("最近能办的是%(hall)s，%(address)s。") % {"hall": other.name, "address": other.address})


def cancel_ticket(*, token: str, at: datetime, user_id: int | None = None) -> None:
    """
    Give a ticket back that was not called yet.

    :raises NotFound: there is none
    :raises NotWaiting: it was called, or is over
    """
    with transaction.atomic():
        ticket = _lock(token)
        if ticket.state != Ticket.State.WAITING:
            raise NotWaiting(_("%(number)s 号已经叫到或已经结束，不能取消。") % {"number": ticket.number})
        ticket.state, ticket.ended_at = Ticket.State.CANCELLED, at
        ticket.save(update_fields=["state", "ended_at"])
        _note(ticket, TicketEvent.Kind.CANCELLED, at, user_id=user_id)
        ring_screens(ticket.hall_id)


def return_missed(*, token: str, at: datetime, user_id: int | None = None) -> None:
    """
    Come back after a missed call: the next place but one.

    :raises NotFound: there is no such ticket
    :raises NotWaiting: its call was not missed, or the person has taken another one
    :raises TooLateToReturn: the limit is over; a new ticket is needed
    """
    with transaction.atomic():
        hall_id = Ticket.objects.filter(token=token).values_list("hall_id", flat=True).first()
        queue = HallQueue.objects.select_for_update().filter(hall_id=hall_id).first()
        ticket = _lock(token)
        if queue is None or ticket.state != Ticket.State.NO_SHOW or ticket.ended_at is None:
            raise NotWaiting(_("%(number)s 号没有过号，不用重新排队。") % {"number": ticket.number})
        if ticket.person_id is not None:
            _check_person(ticket.person_id)
        if at - ticket.ended_at > timedelta(seconds=settings.HALLS_RETURN_WITHIN_S):
            minutes = settings.HALLS_RETURN_WITHIN_S // 60
            raise TooLateToReturn(_("过号已超过 %(minutes)s 分钟，请重新取号。") % {"minutes": minutes})
        Ticket.objects.filter(pk=ticket.pk).update(
            state=Ticket.State.WAITING,
            waiting_since=at,
            back_after_call=queue.calls + settings.HALLS_RETURN_AFTER_CALLS,
            calls=0,
            counter=None,
            clerk=None,
            started_at=None,
            ended_at=None,
        )
        _note(ticket, TicketEvent.Kind.BACK, at, user_id=user_id)
        ring_screens(ticket.hall_id)


def _check_kiosk(hall: HallCard, at: datetime) -> None:
    lately = Ticket.objects.filter(
        hall_id=hall.hall_id, channel=Ticket.Channel.KIOSK, taken_at__gt=at - timedelta(minutes=1), taken_at__lte=at
    )
    if lately.count() >= settings.HALLS_KIOSK_TICKETS_A_MINUTE:
        raise TooManyTickets(_("取号太频繁，请过一分钟再取，或到引导台取号。"))


def _check_person(person_id: int) -> None:
    # The person's own row: two of their tabs take one after another.
    User.objects.select_for_update(no_key=True).get(pk=person_id)
    live = Ticket.objects.filter(person_id=person_id, state__in=_LIVE).first()
    if live is not None:
        raise AlreadyWaiting(
            _("您已经有 %(number)s 号在排队。要换一个，请先取消它。") % {"number": live.number}, token=live.token
        )


def _next_serial(hall_id: int, day: date, letter: str) -> int:
    table = TicketSeries._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (hall_id, day, letter, last) VALUES (%s, %s, %s, 1) "  # noqa: S608 (our own table)
            "ON CONFLICT (hall_id, day, letter) DO UPDATE SET last = halls_ticket_series.last + 1 RETURNING last",
            [hall_id, day, letter],
        )
        row: tuple[int] = cursor.fetchone()
    return row[0]


def _lock(token: str) -> Ticket:
    ticket = Ticket.objects.select_for_update().filter(token=token).first()
    if ticket is None:
        raise NotFound(_("没有找到这张号票，请核对或重新取号。"))
    return ticket


def _note(ticket: Ticket, kind: str, at: datetime, *, user_id: int | None = None, device: str = "") -> None:
    TicketEvent.objects.create(ticket=ticket, kind=kind, at=at, user_id=user_id, device=device[:64])


def _taken(ticket: Ticket) -> TakenTicket:
    return TakenTicket(
        ticket.pk, ticket.number, ticket.token, ticket.ahead, ticket.predicted_p50_s, ticket.predicted_p90_s
    )
