"""Processes are killed while payments arrive; every one is booked once, and what was told is true."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.test_killed import RECOVERY_S
from tests.chaos.till import Till
from tests.chaos.town import Town

VICTIMS = ("web", "PostgreSQL", "worker", "Valkey")


@contextmanager
def open_till(name: str, *, bank_payments: int, orders: int) -> Iterator[Till]:
    """A town with a web server and somebody who pays."""
    town = Town(name, accounts=200)
    till = Till(town, bank_payments=bank_payments, orders=orders)
    with town:
        till.open(town.logs)
        try:
            yield till
        finally:
            till.close()


def pay_through_kills(till: Till, *, kills: int, seed: int) -> None:
    """Everything is paid while processes die at random moments; then the books are asked."""
    town, chance = till.town, random.Random(seed)
    sent = till.bank_payments
    moments = sorted(chance.uniform(0.05, 0.9) for _ in range(kills))
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]
    chance.shuffle(victims)

    def kill_in_time() -> bool:
        if moments and len(till.told) >= moments[0] * sent:
            moments.pop(0)
            town.kill(victims.pop())
        return bool(moments)

    till.play(kill_in_time)
    assert not moments
    town.wait_until(till.is_told, limit_s=RECOVERY_S, what="the end of what WeChat Pay tells")
    till.check()


class TestPaying:
    def test_loses_and_doubles_nothing_when_everything_dies_once(self) -> None:
        """The short form; `make chaos` pays ten thousand times."""
        with open_till("till", bank_payments=240, orders=60) as till:
            pay_through_kills(till, kills=4, seed=20_261_123)
