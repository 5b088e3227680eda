"""
Pure: the Erlang-C formulas of a queue with Poisson arrivals, exponential service and any number of like counters.

Sources: A. K. Erlang 1917; R. B. Cooper, Introduction to Queueing Theory, chapter 3.
"""

from __future__ import annotations

import math


class Unstable(ValueError):
    """More work comes than the counters can do: the queue grows by `growth_per_h` people an hour, without limit."""

    def __init__(self, growth_per_h: float) -> None:
        super().__init__(growth_per_h)
        self.growth_per_h = growth_per_h


def waits_at_all(*, per_hour: float, service_s: float, counters: int) -> float:
    """
    The probability that somebody who comes must wait.

    :raises Unstable: the load is not below the number of counters
    """
    load = per_hour * service_s / 3600
    if load >= counters:
        raise Unstable(per_hour - counters * 3600 / service_s)
    blocked = 1.0
    for busy in range(1, counters + 1):
        blocked = load * blocked / (busy + load * blocked)
    return counters * blocked / (counters - load * (1 - blocked))


def mean_wait_s(*, per_hour: float, service_s: float, counters: int) -> float:
    """
    The mean wait of everybody, those who do not wait included.

    :raises Unstable: see `waits_at_all`
    """
    waits = waits_at_all(per_hour=per_hour, service_s=service_s, counters=counters)
    return waits * service_s / (counters - per_hour * service_s / 3600)


def share_within(wait_s: float, *, per_hour: float, service_s: float, counters: int) -> float:
    """
    The share of those who wait no longer than `wait_s`.

    :raises Unstable: see `waits_at_all`
    """
    waits = waits_at_all(per_hour=per_hour, service_s=service_s, counters=counters)
    return 1 - waits * math.exp(-(counters - per_hour * service_s / 3600) * wait_s / service_s)


def counters_needed(*, per_hour: float, service_s: float, wait_s: float, share: float) -> int:
    """The fewest counters with which at least `share` of the people wait no longer than `wait_s`."""
    counters = max(1, math.floor(per_hour * service_s / 3600) + 1)
    while share_within(wait_s, per_hour=per_hour, service_s=service_s, counters=counters) < share:
        counters += 1
    return counters
