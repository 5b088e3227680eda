"""A clerk with two tabs: one closes the counter while in the other the next number is called."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from config.shared.errors import Refused
from halls.models import Ticket
from halls.operations import NotAtCounter, call_next, close_counter, pause_counter
from halls.operations.calling import CounterNotOpen
from tests.factories.halls import at_counter, make_hall, take
from tests.factories.world import small_world

pytestmark = pytest.mark.django_db(transaction=True)

_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def attempt(act: Callable[[], object], said: list[Refused]) -> None:
    """In a thread of its own, with a connection of its own."""
    try:
        act()
    except Refused as refused:
        said.append(refused)
    finally:
        connections.close_all()


class TestACounterThatIsBeingLeft:
    @pytest.mark.parametrize("leave", [close_counter, partial(pause_counter, reason="用餐")])
    def test_is_called_to_by_nobody(self, leave: Any) -> None:
        world, now = small_world(), timezone.now()
        hall = make_hall(world.hall_a_id)
        at_counter(hall, 1, world.clerk_a_id, at=now)
        take(hall, at=now)
        said: list[Refused] = []
        other_tab = threading.Thread(target=attempt, args=(partial(call_next, clerk_id=world.clerk_a_id, at=now), said))

        with transaction.atomic():
            leave(clerk_id=world.clerk_a_id, at=now)
            other_tab.start()
            with connection.cursor() as cursor:
                while other_tab.is_alive():
                    cursor.execute(_WAITS)
                    if cursor.fetchone()[0]:
                        break
                    time.sleep(0.01)
        other_tab.join()

        assert Ticket.objects.get().state == "waiting"
        assert [type(one) in (NotAtCounter, CounterNotOpen) for one in said] == [True]
