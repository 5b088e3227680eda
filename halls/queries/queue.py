"""A hall's queue at a moment: who waits in which order, which counters work, and what that means in minutes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from halls.models import Counter, HallQueue, Ticket
from halls.queueing import Rules, Waiting, call_order
from halls.queueing.prediction import OpenCounter, Overtakers, Prediction, ServiceTime, predict
from halls.service_kinds import SERVICE_KINDS

_LEARNED_DAYS = 28
_BREAK_IS_SHORT_S = 15 * 60
_RATE_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LiveQueue:
    """
    The queue of one hall at one moment.

    `order`: everybody who waits, in the order of their calls as things stand. `is_served(kind)`: whether an open
    counter can serve it.
    """

    discipline: str
    order: tuple[Waiting, ...]
    counters: tuple[OpenCounter, ...]
    times: dict[str, ServiceTime] = field(default_factory=dict)
    overtakers: tuple[Overtakers, ...] = ()

    def is_served(self, kind: str) -> bool:
        """Whether any open counter can serve this kind."""
        return any(kind in one.skills for one in self.counters)

    def before(self, ticket_id: int) -> tuple[Waiting, ...]:
        """Who is called before this ticket by counters that could serve it too."""
        place = next(n for n, one in enumerate(self.order) if one.ticket_id == ticket_id)
        mine = self.order[place]
        shared = {kind for one in self.counters if mine.kind in one.skills for kind in one.skills} | {mine.kind}
        return tuple(one for one in self.order[:place] if one.kind in shared)

    def foretell(self, ticket_id: int) -> tuple[int, Prediction | None]:
        """How many are before a waiting ticket, and its wait from now; None where no open counter can serve it."""
        mine = next(one for one in self.order if one.ticket_id == ticket_id)
        ahead = [one.kind for one in self.before(ticket_id)]
        head_start = settings.HALLS_HEAD_START_S
        rules = rules_now()
        faster = [
            one
            for one in self.overtakers
            if head_start.get(one.priority, 0) > head_start.get(mine.priority, 0) and self.discipline == "fair"
        ]
        left_s = max(rules.bound_s - mine.waited_s, 0)
        found = predict(
            mine.kind,
            ahead=ahead,
            counters=self.counters,
            times=self.times,
            overtakers=faster,
            overtaken_for_s=left_s,
        )
        return len(ahead), found

    def with_newcomer(self, kind: str, priority: str) -> LiveQueue:
        """The same queue with somebody who comes at this moment; their ticket's id is 0."""
        everybody = [*self.order, Waiting(0, kind, priority, 0)]
        # The newest of equals: nobody who came at the same second is passed.
        order = call_order(
            [replace(one, waited_s=one.waited_s + 1) if one.ticket_id else one for one in everybody],
            discipline=self.discipline,
            rules=rules_now(),
        )
        return replace(self, order=tuple(order))


def rules_now() -> Rules:
    """The rules of the settings, in the words of the kernel."""
    return Rules(
        head_start_s=settings.HALLS_HEAD_START_S,
        slope_e2=settings.HALLS_SLOPE_E2,
        bound_s=settings.HALLS_WAIT_BOUND_S,
    )


def waiting_in(hall_id: int, *, calls: int, at: datetime) -> list[Waiting]:
    """Everybody who waits in a hall; `calls` is how many calls its queue has made."""
    rows = Ticket.objects.filter(hall_id=hall_id, state=Ticket.State.WAITING).values_list(
        "pk", "kind", "priority", "waiting_since", "back_after_call"
    )
    return [
        Waiting(
            ticket_id=ticket_id,
            kind=kind,
            priority=priority,
            waited_s=max(int((at - since).total_seconds()), 0),
            is_back=back_after is not None,
            calls_to_go=max(back_after - calls, 0) if back_after is not None else 0,
        )
        for ticket_id, kind, priority, since, back_after in rows
    ]


def live_queue(hall_id: int, *, discipline: str, at: datetime) -> LiveQueue:
    """The queue now, in five statements."""
    calls = HallQueue.objects.filter(hall_id=hall_id).values_list("calls", flat=True).first() or 0
    order = call_order(waiting_in(hall_id, calls=calls, at=at), discipline=discipline, rules=rules_now())
    return LiveQueue(
        discipline=discipline,
        order=tuple(order),
        counters=tuple(_working(hall_id, at)),
        times=service_times(hall_id, at=at),
        overtakers=tuple(_coming_first(hall_id, at)),
    )


_WORKING = """
SELECT c.skills, c.state, c.state_since, t.kind, coalesce(t.started_at, t.called_at)
FROM halls_counter c
JOIN halls_counter_duty d ON d.counter_id = c.id AND d.ended_at IS NULL
LEFT JOIN halls_ticket t ON t.counter_id = c.id AND t.state IN ('called', 'serving')
WHERE c.hall_id = %s AND c.state IN ('open', 'break')
ORDER BY c.number
"""


def _working(hall_id: int, at: datetime) -> list[OpenCounter]:
    """Counters where somebody works; a short break counts as a counter that opens again when it has lasted long."""
    with connection.cursor() as cursor:
        cursor.execute(_WORKING, [hall_id])
        rows = cursor.fetchall()
    found = []
    for skills, state, since, kind, began in rows:
        back_in_s = 0
        if state == Counter.State.BREAK:
            left = _BREAK_IS_SHORT_S - int((at - since).total_seconds()) if since else 0
            if left <= 0:
                continue  # a break this long is no promise that anybody comes back
            back_in_s = left
        served_s = max(int((at - began).total_seconds()), 0) if began else 0
        found.append(OpenCounter(frozenset(skills), kind or "", served_s, back_in_s))
    return found


_MEASURED = """
SELECT kind, count(*), avg(s)::float8, coalesce(stddev_samp(s), 0)::float8 FROM (
    SELECT kind, extract(epoch FROM ended_at - started_at) AS s
    FROM halls_ticket
    WHERE hall_id = %s AND day >= %s AND state = 'served' AND started_at IS NOT NULL) measured
WHERE s <= %s
GROUP BY kind
"""


def service_times(hall_id: int, *, at: datetime) -> dict[str, ServiceTime]:
    """
    Mean and spread of each kind of service: measured over four weeks, the settings' until there are enough.

    Kept for `HALLS_SERVICE_KEPT_S`: every page of everybody who waits asks for it every few seconds.
    """
    first = at.astimezone(settings.BILLING_TIME_ZONE).date() - timedelta(days=_LEARNED_DAYS)
    spread = settings.HALLS_SERVICE_SPREAD_E2 / 100
    times = {kind: ServiceTime(settings.HALLS_SERVICE_S.get(kind, 300), spread) for kind in SERVICE_KINDS}
    for kind, count, mean_s, deviation_s in _measured(hall_id, first):
        if count >= settings.HALLS_SERVICE_LEARNED_FROM and mean_s > 0:
            times[kind] = ServiceTime(mean_s, min(max(deviation_s / mean_s, 0.2), 2.0))
    return times


def _measured(hall_id: int, first: date) -> Sequence[tuple[str, int, float, float]]:
    """Kind, how many, mean and deviation in seconds, of services since a day; kept, where the cache can be reached."""
    name, kept_s = f"halls:service-times:{hall_id}:{first}", settings.HALLS_SERVICE_KEPT_S
    with suppress(redis.RedisError):
        found: Sequence[tuple[str, int, float, float]] | None = cache.get(name) if kept_s else None
        if found is not None:
            return found
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED, [hall_id, first, settings.HALLS_SERVICE_LONGEST_S])
        rows: Sequence[tuple[str, int, float, float]] = cursor.fetchall()
    with suppress(redis.RedisError):
        cache.set(name, rows, kept_s)
    return rows


def _coming_first(hall_id: int, at: datetime) -> list[Overtakers]:
    """How many an hour came of each class with a head start, by kind, in the last hour."""
    ahead = [priority for priority, head_start in settings.HALLS_HEAD_START_S.items() if head_start > 0]
    counts: dict[tuple[str, str], int] = {}
    rows = Ticket.objects.filter(
        hall_id=hall_id, taken_at__gt=at - _RATE_WINDOW, taken_at__lte=at, priority__in=ahead
    ).values_list("kind", "priority")
    for kind, priority in rows:
        counts[kind, priority] = counts.get((kind, priority), 0) + 1
    per_hour = timedelta(hours=1) / _RATE_WINDOW
    return [Overtakers(kind, number * per_hour, priority) for (kind, priority), number in sorted(counts.items())]
