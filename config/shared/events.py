"""
Facts leave through here: `publish` in the transaction in which they happened, `@handles` where somebody cares.

Delivery is at least once, in order and one at a time per key and handler; a handler runs in the transaction that
marks its delivery, so what it writes to the database happens once, and what it does elsewhere must be repeatable.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from django.db import connection, transaction
from django.utils import timezone

from config.celery import app
from config.shared import logs
from config.shared.models import OutboxDelivery, OutboxEvent

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 10
_FIRST_RETRY = timedelta(seconds=2)


@dataclass(frozen=True)
class Event:
    """
    Something that happened, in plain values.

    Subclasses set `name` (`app.thing-happened`) and `key_field`: events with the same key value reach each handler
    in the order in which they were published.
    """

    name: ClassVar[str]
    key_field: ClassVar[str]

    @property
    def key(self) -> str:
        """What orders this event among others."""
        return f"{self.key_field}:{getattr(self, self.key_field)}"


E = TypeVar("E", bound=Event)
Handler = Callable[[Any], None]

EVENTS: dict[str, type[Event]] = {}
HANDLERS: dict[str, tuple[type[Event], Handler]] = {}


class PublishedOutsideTransaction(RuntimeError):
    """`publish` was called where no transaction is open: the fact could be told without having happened."""


def handles(event: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Register a function of one event as its handler; its dotted name is its identity for ever."""

    def register(function: Callable[[E], None]) -> Callable[[E], None]:
        EVENTS[event.name] = event
        HANDLERS[f"{function.__module__}.{function.__qualname__}"] = (event, function)
        return function

    return register


_WRITE = """
WITH event AS (
    INSERT INTO shared_outbox_event (name, key, payload, request_id, published_at)
    VALUES (%s, %s, %s, %s, %s) RETURNING id, key, published_at
)
INSERT INTO shared_outbox_delivery (event_id, handler, key, state, attempts, next_attempt_at, error)
SELECT event.id, handler, event.key, 'waiting', 0, event.published_at, ''
FROM event, unnest(%s::text[]) WITH ORDINALITY AS told (handler, place) ORDER BY place
"""


def publish(event: Event) -> None:
    """
    Write an event into the outbox of the caller's transaction; workers deliver it after the commit.

    :raises PublishedOutsideTransaction: no transaction is open
    """
    if not connection.in_atomic_block:
        raise PublishedOutsideTransaction(event.name)
    now = timezone.now()
    with connection.cursor() as cursor:
        # Publishers of one key take turns, so that ids of one key are in commit order.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [event.key])
        handlers = [name for name, (kind, _function) in HANDLERS.items() if kind.name == event.name]
        payload = json.dumps(dataclasses.asdict(event))
        cursor.execute(_WRITE, [event.name, event.key, payload, logs.request_id.get(), now, handlers])
    if not any(hook[1] is nudge for hook in connection.run_on_commit):
        # One bell a transaction, however much happened in it.
        transaction.on_commit(nudge)


def nudge() -> None:
    """Tell the workers that there is something to deliver; a lost message costs seconds, the sweep finds the rows."""
    send_task("config.shared.tasks.deliver_events")


def send_task(name: str, *, expires_s: float | None = None, **arguments: Any) -> None:
    """Queue a task by name; without a broker the work stays in Postgres, where the sweep finds it."""
    try:
        app.send_task(name, kwargs=arguments, retry=False, expires=expires_s)
    except Exception as error:
        # Whatever the broker's client raises: the rows are safe and the sweep comes round.
        log.warning("broker unreachable, left to the sweep", extra={"task": name, "error": str(error)})


def deliver_waiting(*, now: datetime, limit: int = 200) -> int:
    """Deliver what is due, at most `limit` deliveries; gives how many were tried."""
    tried = 0
    while tried < limit:
        if not _deliver_one(now=now):
            break
        tried += 1
    return tried


_NEXT = """
SELECT d.id FROM shared_outbox_delivery d
WHERE d.state = 'waiting' AND d.next_attempt_at <= %s
  AND NOT EXISTS (
    SELECT 1 FROM shared_outbox_delivery earlier
    WHERE earlier.state = 'waiting' AND earlier.handler = d.handler AND earlier.key = d.key
      AND earlier.event_id < d.event_id)
ORDER BY d.event_id
LIMIT 1
FOR UPDATE OF d SKIP LOCKED
"""


def _deliver_one(*, now: datetime) -> bool:
    """Deliver the next due event in one transaction; False when nothing is due."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [now])
            row = cursor.fetchone()
        if row is None:
            return False
        delivery = OutboxDelivery.objects.select_related("event").get(pk=row[0])
        token = logs.request_id.set(delivery.event.request_id)
        try:
            registered = HANDLERS.get(delivery.handler)
            if registered is None:
                raise LookupError(f"no handler is registered as {delivery.handler}")
            kind, function = registered
            with transaction.atomic():
                function(kind(**delivery.event.payload))
        except Exception as error:
            # A handler may fail in any way; the failure is kept with the delivery and tried again later.
            delivery.attempts += 1
            delivery.error = "".join(traceback.format_exception(error))[-4000:]
            delivery.next_attempt_at = now + _FIRST_RETRY * 2 ** min(delivery.attempts, 10)
            if delivery.attempts >= MAX_ATTEMPTS:
                delivery.state = OutboxDelivery.State.DEAD
            log.warning("delivery failed", extra={"handler": delivery.handler, "attempt": delivery.attempts})
        else:
            delivery.state = OutboxDelivery.State.DELIVERED
            delivery.delivered_at = now
            delivery.error = ""
        finally:
            logs.request_id.reset(token)
        delivery.save()
    return True


def retry_dead(*, delivery_id: int, now: datetime) -> None:
    """Give a delivery that was given up another round of attempts."""
    OutboxDelivery.objects.filter(pk=delivery_id, state=OutboxDelivery.State.DEAD).update(
        state=OutboxDelivery.State.WAITING, attempts=0, next_attempt_at=now
    )


def prune(*, before: datetime) -> int:
    """Forget events that were delivered everywhere and published before the moment; gives how many."""
    deleted, _ = (
        OutboxEvent.objects.filter(published_at__lt=before)
        .exclude(deliveries__state__in=[OutboxDelivery.State.WAITING, OutboxDelivery.State.DEAD])
        .delete()
    )
    return deleted
