"""Facts on their way out: with the transaction or not at all, in order and one at a time per key, never lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import transaction
from django.utils import timezone

from config.celery import app
from config.shared import events
from config.shared.events import Event, deliver_waiting, publish
from config.shared.models import OutboxDelivery, OutboxEvent
from tests.factories.ledger import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Told(Event):
    """Something of somebody."""

    name: ClassVar[str] = "tests.told"
    key_field: ClassVar[str] = "whose"

    whose: int
    number: int


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[Told], None]], None]]:
    """Registers a handler of `Told` for this test."""
    monkeypatch.setattr(events, "nudge", lambda: None)
    kept = dict(events.HANDLERS)

    def register(function: Callable[[Told], None]) -> None:
        events.HANDLERS[f"tests.{function.__name__}"] = (Told, function)

    yield register
    events.HANDLERS.clear()
    events.HANDLERS.update(kept)
    events.EVENTS.pop(Told.name, None)


def tell(whose: int, *numbers: int) -> None:
    with transaction.atomic():
        for number in numbers:
            publish(Told(whose=whose, number=number))


def deliver(after: timedelta = timedelta(0)) -> int:
    return deliver_waiting(now=timezone.now() + after)


class TestPublish:
    def test_outside_a_transaction_it_is_refused(self, handle: Any) -> None:
        with pytest.raises(events.PublishedOutsideTransaction):
            publish(Told(whose=1, number=1))

        assert not OutboxEvent.objects.exists()

    def test_what_is_rolled_back_was_never_told(self, handle: Any) -> None:
        heard: list[int] = []
        handle(lambda told: heard.append(told.number))

        with pytest.raises(RuntimeError), transaction.atomic():
            publish(Told(whose=1, number=1))
            raise RuntimeError
        deliver()

        assert heard == []

    def test_without_a_broker_the_fact_stays_for_the_sweep(self, handle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        heard: list[int] = []
        handle(lambda told: heard.append(told.number))
        monkeypatch.undo()

        def away(*_args: Any, **_kwargs: Any) -> None:
            raise ConnectionError("no broker")

        monkeypatch.setattr(app, "send_task", away)
        tell(1, 7)

        assert deliver() == 1
        assert heard == [7]


class TestDelivery:
    def test_each_handler_hears_each_fact_in_the_order_of_its_key(self, handle: Any) -> None:
        one: list[tuple[int, int]] = []
        two: list[tuple[int, int]] = []

        def first(told: Told) -> None:
            one.append((told.whose, told.number))

        def second(told: Told) -> None:
            two.append((told.whose, told.number))

        handle(first)
        handle(second)
        tell(1, 1, 2)
        tell(2, 3)
        tell(1, 4)

        assert deliver() == 8
        assert deliver() == 0
        for heard in (one, two):
            assert [number for whose, number in heard if whose == 1] == [1, 2, 4]
            assert (2, 3) in heard

    def test_a_failing_fact_holds_back_its_own_key_only(self, handle: Any) -> None:
        heard: list[int] = []
        broken = {1}

        def handler(told: Told) -> None:
            if told.number in broken:
                raise ValueError("not now")
            heard.append(told.number)

        handle(handler)
        tell(1, 1, 2)
        tell(2, 3)

        deliver()
        assert heard == [3]
        assert deliver() == 0, "it was tried again at once"
        broken.clear()
        deliver(after=timedelta(seconds=10))
        assert heard == [3, 1, 2]

    def test_attempts_grow_apart_and_end_as_a_dead_letter_that_can_be_sent_again(self, handle: Any) -> None:
        heard: list[int] = []
        is_broken = True

        def handler(told: Told) -> None:
            if is_broken and told.number == 1:
                raise ValueError("never")
            heard.append(told.number)

        handle(handler)
        tell(1, 1, 2)
        waits = []
        for _ in range(events.MAX_ATTEMPTS):
            row = OutboxDelivery.objects.get(event__payload__number=1)
            deliver_waiting(now=row.next_attempt_at)
            after = OutboxDelivery.objects.get(pk=row.pk)
            waits.append(after.next_attempt_at - row.next_attempt_at)

        dead = OutboxDelivery.objects.get(event__payload__number=1)
        assert (dead.state, dead.attempts) == ("dead", events.MAX_ATTEMPTS)
        assert "never" in dead.error
        assert waits == sorted(waits)
        assert waits[0] < waits[-1]
        deliver(after=timedelta(days=1))
        assert heard == [2], "a dead letter holds nothing back"
        is_broken = False
        events.retry_dead(delivery_id=dead.pk, now=timezone.now())
        deliver()
        assert heard == [2, 1]

    def test_a_failing_handler_leaves_nothing_of_its_own(self, handle: Any) -> None:
        def handler(told: Told) -> None:
            OutboxEvent.objects.create(name="half", key="k", payload={}, published_at=timezone.now())
            raise ValueError

        handle(handler)
        tell(1, 1)

        deliver()

        assert not OutboxEvent.objects.filter(name="half").exists()
        assert OutboxDelivery.objects.get().attempts == 1

    def test_a_handler_that_is_gone_leaves_the_fact_waiting(self, handle: Any) -> None:
        def handler(_told: Told) -> None:
            raise AssertionError

        handle(handler)
        tell(1, 1)
        del events.HANDLERS["tests.handler"]

        deliver()

        row = OutboxDelivery.objects.get()
        assert row.state == "waiting"
        assert "no handler is registered" in row.error

    def test_across_threads_one_at_a_time_per_key(self, handle: Any) -> None:
        heard: list[tuple[int, int]] = []
        at_work: dict[int, int] = {}
        together: list[int] = []
        guard = threading.Lock()

        def handler(told: Told) -> None:
            with guard:
                at_work[told.whose] = at_work.get(told.whose, 0) + 1
                if at_work[told.whose] > 1:
                    together.append(told.whose)
            threading.Event().wait(0.01)
            with guard:
                heard.append((told.whose, told.number))
                at_work[told.whose] -= 1

        handle(handler)
        for number in range(10):
            for whose in (1, 2, 3):
                tell(whose, number)

        at_once([deliver] * 4)
        deliver()

        assert together == []
        for whose in (1, 2, 3):
            assert [number for who, number in heard if who == whose] == list(range(10))

    def test_facts_of_one_key_told_at_once_get_ids_in_commit_order(self, handle: Any) -> None:
        """Whoever publishes waits for the other publisher of the key to end its transaction."""
        order: list[str] = []
        told = threading.Event()

        def first() -> None:
            with transaction.atomic():
                publish(Told(whose=1, number=1))
                told.set()
                threading.Event().wait(0.2)
                order.append("first")

        def second() -> None:
            told.wait(20)
            with transaction.atomic():
                publish(Told(whose=1, number=2))
                order.append("second")

        assert at_once([first, second]) == [None, None]
        assert order == ["first", "second"]
        assert [row.payload["number"] for row in OutboxEvent.objects.order_by("id")] == [1, 2]


class TestPrune:
    def test_delivered_facts_are_forgotten_and_others_kept(self, handle: Any) -> None:
        def handler(told: Told) -> None:
            if told.number == 2:
                raise ValueError

        handle(handler)
        tell(1, 1)
        tell(2, 2)
        deliver()

        events.prune(before=timezone.now() + timedelta(seconds=1))

        assert [row.payload["number"] for row in OutboxEvent.objects.all()] == [2]
