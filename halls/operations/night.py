"""The end of the day: tickets that nobody ended, and counters that nobody closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from django.conf import settings
from django.db import connection, transaction

from halls.models import HallQueue
from halls.operations.screens import ring_screens

# A service that nobody ended has an unknown end: it is over, and no service time is learned from it.
_END_TICKETS = """
WITH gone AS (
    UPDATE halls_ticket
    SET state = CASE state WHEN 'serving' THEN 'served' ELSE 'expired' END, started_at = NULL, ended_at = %(at)s
    WHERE day < %(today)s AND state IN ('waiting', 'called', 'serving') RETURNING id, hall_id, state, counter_id),
noted AS (
    INSERT INTO halls_ticket_event (ticket_id, kind, at, counter_id, device, note)
    SELECT id, CASE state WHEN 'served' THEN 'finished' ELSE 'expired' END, %(at)s, counter_id, '', '' FROM gone)
SELECT hall_id, count(*) FILTER (WHERE state = 'expired'), count(*) FILTER (WHERE state = 'served')
FROM gone GROUP BY hall_id
"""

# Who serves somebody of the new day works through the night.
_END_DUTIES = """
WITH gone AS (
    UPDATE halls_counter_duty d SET ended_at = %(at)s
    WHERE ended_at IS NULL AND began_at < %(midnight)s AND NOT EXISTS (
        SELECT 1 FROM halls_ticket t WHERE t.counter_id = d.counter_id AND t.state IN ('called', 'serving'))
    RETURNING counter_id)
UPDATE halls_counter SET state = 'closed', reason = '', state_since = %(at)s
WHERE id IN (SELECT counter_id FROM gone) RETURNING hall_id
"""


@dataclass(frozen=True, slots=True)
class EndedDay:
    """What was ended: tickets nobody was called or came for, services nobody finished, counters nobody closed."""

    expired: int
    finished: int
    counters: int


def end_day(*, today: date, at: datetime) -> EndedDay:
    """End the tickets of days before today and the duties that began then, in all halls; again is harmless."""
    midnight = datetime.combine(today, time(0), settings.BILLING_TIME_ZONE)
    with transaction.atomic(), connection.cursor() as cursor:
        # Nobody calls meanwhile.
        list(HallQueue.objects.select_for_update().order_by("hall_id").values_list("hall_id", flat=True))
        cursor.execute(_END_TICKETS, {"today": today, "at": at})
        tickets = cursor.fetchall()
        cursor.execute(_END_DUTIES, {"midnight": midnight, "at": at})
        counters = [hall_id for (hall_id,) in cursor.fetchall()]
        for hall_id in sorted({*counters, *(hall_id for hall_id, _expired, _finished in tickets)}):
            ring_screens(hall_id)
    return EndedDay(
        expired=sum(expired for _hall_id, expired, _finished in tickets),
        finished=sum(finished for _hall_id, _expired, finished in tickets),
        counters=len(counters),
    )
