"""
What halls add to the demonstration: counters and people, a week of tickets with what was foretold and what came,
ratings, today's live queue, pay points where customers really live.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count, islice

import numpy as np
from django.conf import settings
from django.db import transaction

from cis.queries.places import cells_of_accounts, some_accounts
from config.shared.models import OrgUnit, User
from crm.operations.satisfaction import record_rating
from halls.coverage import distances_m
from halls.demo import Visit, play_day
from halls.models import (
    Counter,
    CounterDuty,
    DisplayNote,
    Hall,
    HallQueue,
    PayPoint,
    Rating,
    Ticket,
    TicketEvent,
    TicketSeries,
    Zone,
)
from halls.operations.night import end_day
from halls.operations.ratings import SOURCE
from halls.queries.queue import rules_now
from halls.queueing.prediction import ServiceTime
from halls.service_kinds import SERVICE_KINDS

HISTORY_DAYS = 7
_VISITORS = (190, 120)
_COUNTERS = (4, 3)
_SHARES = {"pay": 0.46, "enquiry": 0.26, "change": 0.14, "new-supply": 0.1, "complaint": 0.04}
_OPEN, _CLOSE = time(8, 30), time(17, 30)
_WEEK = [1, 2, 3, 4, 5, 6, 7]
# Points besides the halls: kind, how many a county, name; villages stay without, so that the map has holes.
_POINTS = ((PayPoint.Kind.BANK, 3, "江汉银行"), (PayPoint.Kind.AGENCY, 3, "便民代收点"))
_NOTES = (
    ("saving", "随手断电", "Off at the socket", "电视、充电器不用时关掉插座，一家一年省几十度。",
     "Televisions and chargers off at the socket save some tens of kWh a year."),
    ("saving", "空调调高一度", "One degree up", "夏天空调调高一度，省电百分之五到八。",
     "One degree more in summer saves five to eight per cent of the air conditioner's energy."),
)  # fmt: skip


@dataclass(frozen=True)
class _Spot:
    longitude: float
    latitude: float


def load(*, today: date, at: datetime) -> None:
    """Write it once; where halls are there already, only today's queue is played anew if the day has none yet."""
    with transaction.atomic():
        if not Hall.objects.exists():
            _load_halls(today, at)
        if not Ticket.objects.filter(day=today).exists():
            end_day(today=today, at=at)
            for number, hall in enumerate(_all_halls()):
                _play_today(number, hall, today, at)


def _all_halls() -> list[Hall]:
    return list(Hall.objects.select_related("org_unit").order_by("org_unit__code"))


def _load_halls(today: date, at: datetime) -> None:
    for county in OrgUnit.objects.filter(kind=OrgUnit.Kind.COUNTY).order_by("code"):
        units = list(OrgUnit.objects.filter(kind=OrgUnit.Kind.HALL, parent=county).order_by("code"))
        spots = list(islice(_spots(county), 12))
        if not units or len(spots) < len(units):
            continue
        for number, unit in enumerate(units):
            _create_hall(unit, spots[number], county, is_centre=number == 0)
        _create_points(county, spots[len(units) :])
    for kind, title, title_en, text, text_en in _NOTES:
        DisplayNote.objects.create(
            kind=kind, title=title, title_en=title_en, text=text, text_en=text_en,
            from_on=today - timedelta(days=30), until_on=today + timedelta(days=365),
        )  # fmt: skip
    for number, hall in enumerate(_all_halls()):
        for back in range(HISTORY_DAYS, 0, -1):
            _play_past(hall, today - timedelta(days=back), seed=100 * number + back)


def _spots(county: OrgUnit) -> list[_Spot]:
    """Where most of a county's customers live, the fullest first and none within 900 m of another."""
    cells = cells_of_accounts(within=[county.path])
    found: list[int] = []
    for place in np.argsort(-cells.customers, kind="stable"):
        chosen = np.array(found, dtype=np.int64)
        away = distances_m(
            cells.longitude[[place]], cells.latitude[[place]], cells.longitude[chosen], cells.latitude[chosen]
        )
        if not found or away.min() > 900:
            found.append(int(place))
    return [_Spot(round(float(cells.longitude[n]), 6), round(float(cells.latitude[n]), 6)) for n in found]


def _create_hall(unit: OrgUnit, spot: _Spot, county: OrgUnit, *, is_centre: bool) -> None:
    area, street = county.name.removesuffix("供电公司"), unit.name.removesuffix("营业厅").removesuffix("路")
    hall = Hall.objects.create(
        org_unit=unit,
        grade=Hall.Grade.B if is_centre else Hall.Grade.C,
        address=f"江汉市{area}{street}路 1 号",
        longitude=str(spot.longitude),
        latitude=str(spot.latitude),
        # The first one never closes, so that the demonstration can be walked at any hour.
        opens_at=time(0, 0) if is_centre else _OPEN,
        closes_at=time(23, 59, 59) if is_centre else _CLOSE,
        weekdays=_WEEK,
        min_open_counters=2,
        wait_target_s=settings.HALLS_WAIT_TARGET_S,
    )
    HallQueue.objects.create(hall=hall)
    kinds = (Zone.Kind.BUSINESS, Zone.Kind.GUIDANCE, Zone.Kind.DISPLAY, Zone.Kind.EVALUATION, Zone.Kind.SELF_SERVICE)
    zones = [Zone.objects.create(hall=hall, kind=kind, position=n) for n, kind in enumerate(kinds)]
    for number in range(1, _COUNTERS[0 if is_centre else 1] + 1):
        Counter.objects.create(hall=hall, zone=zones[0], number=number, skills=list(SERVICE_KINDS), is_low=number == 1)
        if number > 1:
            teller = User(
                username=f"teller-{unit.code.lower()}-{number}", display_name=_teller_name(number), org_unit=unit
            )
            teller.set_unusable_password()
            teller.save()
    PayPoint.objects.create(
        code=f"P-{unit.code}", kind=PayPoint.Kind.HALL, name=unit.name, name_en=unit.name_en, address=hall.address,
        longitude=hall.longitude, latitude=hall.latitude, org_unit=county, hall=hall,
    )  # fmt: skip


def _teller_name(number: int) -> str:
    return ("", "", "刘洋", "赵敏", "孙倩")[number]


def _create_points(county: OrgUnit, spots: Sequence[_Spot]) -> None:
    left = iter(spots)
    for kind, points, name in _POINTS:
        for number, spot in enumerate(islice(left, points), start=1):
            PayPoint.objects.create(
                code=f"P-{county.code}-{kind}-{number}", kind=kind, name=f"{name}{number}",
                longitude=str(spot.longitude), latitude=str(spot.latitude), org_unit=county,
            )  # fmt: skip
    for spot in islice(left, 1):
        PayPoint.objects.create(
            code=f"P-{county.code}-kiosk-1", kind=PayPoint.Kind.KIOSK, name="自助缴费终端", org_unit=county,
            longitude=str(spot.longitude), latitude=str(spot.latitude),
        )  # fmt: skip


def _times() -> dict[str, ServiceTime]:
    spread = settings.HALLS_SERVICE_SPREAD_E2 / 100
    return {kind: ServiceTime(settings.HALLS_SERVICE_S[kind], spread) for kind in _SHARES}


def _clerks(hall: Hall) -> list[int]:
    """Who stands at counter 1, 2, …: somebody who can sign in at the first, tellers at the others."""
    people = User.objects.filter(org_unit=hall.org_unit, kind=User.Kind.STAFF)
    first = people.filter(username__startswith="clerk").order_by("pk").first() or people.order_by("pk").first()
    tellers = people.filter(username__startswith="teller-").order_by("username")
    return list(dict.fromkeys([*([first.pk] if first is not None else []), *tellers.values_list("pk", flat=True)]))


def _play_past(hall: Hall, day: date, *, seed: int) -> None:
    is_centre = hall.grade == Hall.Grade.B
    clerks = _clerks(hall)
    if not clerks:
        return
    visits = play_day(
        seed=seed,
        visitors=_VISITORS[0 if is_centre else 1],
        counters=min(_COUNTERS[0 if is_centre else 1], len(clerks)),
        kinds=_SHARES,
        times=_times(),
        rules=rules_now(),
    )
    tickets = _write(hall, day, visits, clerks, first_counter=1, seed=seed)
    _write_ratings(hall, tickets, seed)


def _play_today(number: int, hall: Hall, today: date, at: datetime) -> None:
    """Today up to now, with whom one sees waiting; the first counter is open and free, so that one can begin."""
    local = at.astimezone(settings.BILLING_TIME_ZONE)
    now_s = local.hour * 3600 + local.minute * 60 + local.second
    is_centre = hall.grade == Hall.Grade.B
    clerks = _clerks(hall)
    counters = list(Counter.objects.filter(hall=hall).order_by("number"))
    staffed = min(len(counters), len(clerks))
    if not staffed:
        return
    is_open = hall.opens_at <= local.time() < hall.closes_at
    visits = play_day(
        seed=7_000 + number,
        visitors=_VISITORS[0 if is_centre else 1],
        counters=max(staffed - 1, 1),
        kinds=_SHARES,
        times=_times(),
        rules=rules_now(),
        until_s=now_s,
        # Where the doors never close, the busy half of the morning is now.
        shift_s=now_s - 11 * 3600 if is_centre else 0,
    )
    # Nobody waits behind closed doors.
    past = [visit for visit in visits if visit.came_s >= 0 and (is_open or visit.ended_s is not None)]
    tickets = _write(hall, today, past, clerks, first_counter=2 if staffed > 1 else 1, seed=7_000 + number)
    _write_ratings(hall, tickets, 7_000 + number)
    if is_open:
        since = _moment(today, max(now_s - 7200, 0))
        for counter, clerk_id in zip(counters, clerks, strict=False):
            CounterDuty.objects.create(counter=counter, clerk_id=clerk_id, began_at=since)
            counter.state, counter.state_since = Counter.State.OPEN, since
            counter.save(update_fields=["state", "state_since"])


def _moment(day: date, second: int) -> datetime:
    start = datetime.combine(day, time(0), settings.BILLING_TIME_ZONE)
    return start + timedelta(seconds=second)


def _write(
    hall: Hall, day: date, visits: Sequence[Visit], clerks: Sequence[int], *, first_counter: int, seed: int
) -> list[Ticket]:
    """The visits as tickets with their events, in a fixed number of statements."""
    rng = np.random.default_rng(seed)
    county = hall.org_unit.parent
    accounts = some_accounts(within=county.path if county is not None else "/", limit=400)
    counters = dict(Counter.objects.filter(hall=hall).values_list("number", "pk"))
    serials = {kind.letter: count(1) for kind in SERVICE_KINDS.values()}
    tickets = []
    for visit in visits:
        letter = SERVICE_KINDS[visit.kind].letter
        serial = next(serials[letter])
        number = visit.counter + first_counter - 1 if visit.counter is not None else None
        is_over, is_called = visit.ended_s is not None, visit.called_s is not None
        called_at = _moment(day, visit.called_s) if visit.called_s is not None else None
        tickets.append(
            Ticket(
                hall=hall,
                day=day,
                letter=letter,
                serial=serial,
                number=f"{letter}{serial:03d}",
                token=secrets.token_urlsafe(16),
                form_key=f"demo:{hall.pk}:{day:%Y%m%d}:{letter}{serial}",
                kind=visit.kind,
                priority=visit.priority,
                state="served" if is_over else "serving" if is_called else "waiting",
                channel=str(rng.choice(["kiosk", "portal", "counter"], p=[0.6, 0.25, 0.15])),
                account_id=int(rng.choice(accounts)) if accounts and rng.random() < 0.6 else None,
                taken_at=_moment(day, visit.came_s),
                waiting_since=_moment(day, visit.came_s),
                calls=1 if is_called else 0,
                counter_id=counters[number] if number is not None and is_called else None,
                clerk_id=clerks[number - 1] if number is not None and is_called else None,
                called_at=called_at,
                started_at=called_at,
                ended_at=_moment(day, visit.ended_s) if visit.ended_s is not None else None,
                ahead=visit.ahead,
                predicted_p50_s=visit.p50_s,
                predicted_p90_s=visit.p90_s,
                waited_s=visit.called_s - visit.came_s if visit.called_s is not None else None,
            )
        )
    Ticket.objects.bulk_create(tickets, 500)
    TicketEvent.objects.bulk_create(
        (
            TicketEvent(ticket=ticket, kind=kind, at=moment, counter_id=ticket.counter_id, user_id=ticket.clerk_id)
            for ticket in tickets
            for kind, moment in (
                (TicketEvent.Kind.TAKEN, ticket.taken_at),
                (TicketEvent.Kind.CALLED, ticket.called_at),
                (TicketEvent.Kind.FINISHED, ticket.ended_at),
            )
            if moment is not None
        ),
        1000,
    )
    TicketSeries.objects.bulk_create(
        [TicketSeries(hall=hall, day=day, letter=letter, last=next(series) - 1) for letter, series in serials.items()]
    )
    return tickets


def _write_ratings(hall: Hall, tickets: Sequence[Ticket], seed: int) -> None:
    """One in five of the served rates; who waited long is less pleased."""
    rng = np.random.default_rng(seed + 1)
    comments = {1: "等了太久，没有人解释", 2: "等得久"}
    for ticket in tickets:
        if ticket.state != Ticket.State.SERVED or ticket.ended_at is None or ticket.clerk_id is None:
            continue
        if rng.random() > 0.2:
            continue
        waited_min = (ticket.waited_s or 0) / 60
        score = int(np.clip(round(5.2 - waited_min / 12 + rng.normal(0, 0.6)), 1, 5))
        reason = "wait" if score <= 3 and waited_min > 10 else "speed" if score <= 2 else ""
        comment = comments.get(score, "") if reason == "wait" else ""
        rated_at = ticket.ended_at + timedelta(minutes=3)
        Rating.objects.create(
            ticket=ticket, clerk_id=ticket.clerk_id, hall=hall, score=score, reason=reason, comment=comment,
            rated_at=rated_at,
        )  # fmt: skip
        record_rating(
            account_id=ticket.account_id,
            source=SOURCE,
            source_key=str(ticket.pk),
            score=score,
            reason_code=reason,
            comment=comment,
            about_user_id=ticket.clerk_id,
            org_unit_id=hall.pk,
            at=rated_at,
        )
