"""Halls as those who answer for them see them: who waits how long, which counters work, what customers say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean

from django.conf import settings
from django.db import connection
from django.db.models import Avg, Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.shared.periods import add_months, first_day
from halls.models import Counter, CounterDuty, Rating, Ticket, TicketEvent
from halls.queries.halls import HallCard, kinds_done_in, list_halls
from halls.queries.queue import LiveQueue, live_queue
from halls.queries.tickets import Wait, minutes, wait_of
from halls.queueing.prediction import OpenCounter
from halls.service_kinds import NORMAL, SERVICE_KINDS

_LOW_SHOWN = 8
_LOW_DAYS = 7


@dataclass(frozen=True, slots=True)
class HallRow:
    """One hall in the list: how many wait, the longest wait, counters open of all, calls and their mean wait."""

    hall: HallCard
    is_open: bool
    waiting: int
    longest_min: int | None
    open_counters: int
    counters: int
    served: int
    mean_wait_min: int | None


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind of service in a hall: who waits for it, what a newcomer would wait."""

    kind: str
    name: str | Promise
    waiting: int
    longest_min: int | None
    counters: int
    wait: Wait


@dataclass(frozen=True, slots=True)
class CounterRow:
    """One counter: who is there since when, whom they serve."""

    counter_id: int
    number: int
    skills: tuple[str | Promise, ...]
    state: str
    state_word: str
    reason: str
    since: datetime | None
    clerk: str
    serving: str
    serving_since: datetime | None


@dataclass(frozen=True, slots=True)
class LowRating:
    """A rating that somebody should look at."""

    at: datetime
    number: str
    score: int
    reason_word: str
    comment: str
    clerk: str
    waited_min: int | None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """How good predictions were: of so many, the share that waited less than their p90, the mean error in seconds."""

    count: int
    within_p90_e4: int
    mean_error_s: int

    @property
    def within_percent(self) -> int:
        """The share under the p90, whole percent."""
        return round(self.within_p90_e4 / 100)

    @property
    def error_min(self) -> str:
        """The mean error in minutes, such as 2.4."""
        return f"{self.mean_error_s / 60:.1f}"


@dataclass(frozen=True, slots=True)
class HallOverview:
    """One hall now and today."""

    hall: HallCard
    is_open: bool
    kinds: tuple[KindRow, ...]
    counters: tuple[CounterRow, ...]
    low: tuple[LowRating, ...]
    served: int
    missed: int
    mean_wait_min: int | None
    p90_wait_min: int | None
    ratings: int
    score_e2: int | None
    foreseen: Foreseen | None
    advice: str
    """what to do, where the wait that is foretold is over the target and another counter would help; else empty"""

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(row.waiting for row in self.kinds)

    @property
    def open_counters(self) -> int:
        """How many counters call."""
        return sum(row.state == Counter.State.OPEN for row in self.counters)

    @property
    def score(self) -> str:
        """The mean of today's ratings, such as 4.6; empty where there are none."""
        return f"{round(self.score_e2 / 10) / 10:.1f}" if self.score_e2 is not None else ""


def list_hall_rows(*, within: Sequence[str], at: datetime, month: int | None = None) -> tuple[HallRow, ...]:
    """The halls under these organisation paths, in four statements; calls and mean wait are today's, or a month's."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    halls = list_halls(within=within)
    ids = [hall.hall_id for hall in halls]
    counters = {
        hall_id: (total, working)
        for hall_id, total, working in Counter.objects.filter(hall_id__in=ids)
        .values_list("hall_id")
        .annotate(total=Count("pk"), working=Count("pk", filter=Q(state=Counter.State.OPEN)))
    }
    waiting: dict[int, list[datetime]] = {}
    for hall_id, since in Ticket.objects.filter(hall_id__in=ids, state=Ticket.State.WAITING).values_list(
        "hall_id", "waiting_since"
    ):
        waiting.setdefault(hall_id, []).append(since)
    first, end = (first_day(month), first_day(add_months(month, 1))) if month else (today, today + timedelta(days=1))
    called = {
        hall_id: (number, mean_s)
        for hall_id, number, mean_s in Ticket.objects.filter(
            hall_id__in=ids, day__gte=first, day__lt=end, waited_s__isnull=False
        )
        .values_list("hall_id")
        .annotate(number=Count("pk"), mean_s=Avg("waited_s"))
    }
    return tuple(
        HallRow(
            hall=hall,
            is_open=hall.is_open(at),
            waiting=len(waiting.get(hall.hall_id, ())),
            longest_min=_longest(waiting.get(hall.hall_id, ()), at),
            open_counters=counters.get(hall.hall_id, (0, 0))[1],
            counters=counters.get(hall.hall_id, (0, 0))[0],
            served=called[hall.hall_id][0] if hall.hall_id in called else 0,
            mean_wait_min=minutes(called[hall.hall_id][1]) if hall.hall_id in called else None,
        )
        for hall in halls
    )


def get_overview(hall: HallCard, *, at: datetime) -> HallOverview:
    """One hall now and today; a fixed number of statements."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    queue = live_queue(hall.hall_id, discipline=hall.discipline, at=at)
    waits = _waits(hall.hall_id, today)
    ratings = _ratings_of(hall.hall_id, today)
    done = {*kinds_done_in(hall.hall_id), *(one.kind for one in queue.order)}
    kinds = tuple(_kind_row(kind, queue) for kind in SERVICE_KINDS if kind in done)
    states = Ticket.objects.filter(hall_id=hall.hall_id, day=today).aggregate(
        served=Count("pk", filter=Q(state=Ticket.State.SERVED)),
        missed=Count("pk", filter=Q(state=Ticket.State.NO_SHOW)),
    )
    return HallOverview(
        hall=hall,
        is_open=hall.is_open(at),
        kinds=kinds,
        counters=_counter_rows(hall.hall_id),
        low=_low_ratings(hall.hall_id, at),
        served=states["served"],
        missed=states["missed"],
        mean_wait_min=minutes(fmean(waits)) if waits else None,
        p90_wait_min=minutes(sorted(waits)[int(len(waits) * 0.9)]) if waits else None,
        ratings=len(ratings),
        score_e2=round(fmean(ratings) * 100) if ratings else None,
        foreseen=_foreseen(hall.hall_id, at),
        advice=_advice(hall, kinds, queue),
    )


def _longest(since: Sequence[datetime], at: datetime) -> int | None:
    return minutes((at - min(since)).total_seconds()) if since else None


def _waits(hall_id: int, today: date) -> list[int]:
    rows = Ticket.objects.filter(hall_id=hall_id, day=today, waited_s__isnull=False).values_list("waited_s", flat=True)
    return [waited_s or 0 for waited_s in rows]


def _ratings_of(hall_id: int, today: date) -> list[int]:
    return list(Rating.objects.filter(hall_id=hall_id, ticket__day=today).values_list("score", flat=True))


def _kind_row(kind: str, queue: LiveQueue) -> KindRow:
    own = [one for one in queue.order if one.kind == kind]
    return KindRow(
        kind=kind,
        name=SERVICE_KINDS[kind].name,
        waiting=len(own),
        longest_min=minutes(max(one.waited_s for one in own)) if own else None,
        counters=sum(kind in one.skills for one in queue.counters),
        wait=wait_of(*queue.with_newcomer(kind, NORMAL).foretell(0)),
    )


def _counter_rows(hall_id: int) -> tuple[CounterRow, ...]:
    serving = {
        ticket.counter_id: ticket
        for ticket in Ticket.objects.filter(hall_id=hall_id, state__in=(Ticket.State.CALLED, Ticket.State.SERVING))
    }
    people = {
        duty.counter_id: duty.clerk.display_name or duty.clerk.username
        for duty in CounterDuty.objects.select_related("clerk").filter(counter__hall_id=hall_id, ended_at=None)
    }
    return tuple(
        CounterRow(
            counter_id=one.pk,
            number=one.number,
            skills=tuple(SERVICE_KINDS[code].name for code in one.skills if code in SERVICE_KINDS),
            state=str(one.state),
            state_word=_(Counter.State(one.state).label),
            reason=one.reason,
            since=one.state_since,
            clerk=people.get(one.pk, ""),
            serving=serving[one.pk].number if one.pk in serving else "",
            serving_since=serving[one.pk].started_at or serving[one.pk].called_at if one.pk in serving else None,
        )
        for one in Counter.objects.filter(hall_id=hall_id).order_by("number")
    )


def _low_ratings(hall_id: int, at: datetime) -> tuple[LowRating, ...]:
    rows = (
        Rating.objects.select_related("ticket", "clerk")
        .filter(hall_id=hall_id, score__lte=settings.HALLS_LOW_SCORE, rated_at__gt=at - timedelta(days=_LOW_DAYS))
        .order_by("-rated_at")[:_LOW_SHOWN]
    )
    return tuple(
        LowRating(
            at=row.rated_at,
            number=row.ticket.number,
            score=row.score,
            reason_word=_(Rating.Reason(row.reason).label) if row.reason else "",
            comment=row.comment,
            clerk=row.clerk.display_name or row.clerk.username,
            waited_min=minutes(row.ticket.waited_s),
        )
        for row in rows
    )


_FORESEEN = """
SELECT count(*), count(*) FILTER (WHERE waited_s <= predicted_p90_s), avg(abs(waited_s - predicted_p50_s))::float8
FROM halls_ticket
WHERE hall_id = %s AND day > %s AND waited_s IS NOT NULL AND predicted_p50_s IS NOT NULL
"""


def _foreseen(hall_id: int, at: datetime) -> Foreseen | None:
    """How good the predictions of four weeks were."""
    since = at.astimezone(settings.BILLING_TIME_ZONE).date() - timedelta(days=28)
    with connection.cursor() as cursor:
        cursor.execute(_FORESEEN, [hall_id, since])
        count, within, error_s = cursor.fetchone()
    return Foreseen(count, within * 10_000 // count, round(error_s)) if count else None


def _advice(hall: HallCard, kinds: Sequence[KindRow], queue: LiveQueue) -> str:
    """Another counter, where the worst wait foretold is over the target and one more would bring it down."""
    if not queue.order or not kinds:
        return ""
    worst = max(kinds, key=lambda row: (row.waiting > 0, row.wait.p90_min if row.wait.is_known else 10_000))
    if not worst.waiting:
        return ""
    if worst.wait.p90_min is None:
        return _("%(kind)s有 %(count)s 人在等，没有能办的窗口，请开一个。") % {
            "kind": worst.name,
            "count": worst.waiting,
        }
    if worst.wait.p90_min * 60 <= hall.wait_target_s:
        return ""
    every = frozenset(SERVICE_KINDS)
    more = LiveQueue(
        queue.discipline, queue.order, (*queue.counters, OpenCounter(every)), queue.times, queue.overtakers
    )
    then = wait_of(*more.with_newcomer(worst.kind, NORMAL).foretell(0))
    return _("%(kind)s预计要等 %(now)s 分钟，超过目标。再开一个窗口，约 %(then)s 分钟。") % {
        "kind": worst.name,
        "now": worst.wait.p90_min,
        "then": then.p90_min,
    }


@dataclass(frozen=True, slots=True)
class WaitStep:
    """One step of a ticket, for whoever asks why somebody waited."""

    at: datetime
    what: str
    counter: int | None
    who: str


def steps_of(ticket_id: int) -> tuple[WaitStep, ...]:
    """What happened to a ticket, oldest first."""
    rows = TicketEvent.objects.select_related("counter", "user").filter(ticket_id=ticket_id).order_by("pk")
    return tuple(
        WaitStep(
            at=row.at,
            what=_(TicketEvent.Kind(row.kind).label),
            counter=row.counter.number if row.counter else None,
            who=(row.user.display_name or row.user.username) if row.user else "",
        )
        for row in rows
    )
