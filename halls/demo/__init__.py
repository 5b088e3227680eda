"""
Pure: a day in a hall, played from one seed: who comes when for what, when they are called, how long it takes.

Tickets are called by the kernel that calls real ones, and what each was told about the wait comes from the kernel that
tells it to real ones; so the demonstration's predictions are as good or bad as the house's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from halls.queueing import Rules, Waiting, next_for
from halls.queueing.prediction import OpenCounter, ServiceTime, predict

_RUNS = 96
# How the day's visitors spread over its hours from 8 to 18: the morning is full, noon is quiet (convention).
_PROFILE = (0.09, 0.15, 0.16, 0.12, 0.06, 0.07, 0.11, 0.11, 0.08, 0.05)
_FIRST_HOUR = 8


@dataclass(frozen=True, slots=True)
class Visit:
    """
    One visitor; seconds of the day. `called_s` and `ended_s` are None while they have not happened.

    `p50_s`, `p90_s`: what was foretold when the ticket was taken.
    """

    came_s: int
    kind: str
    priority: str
    ahead: int
    p50_s: int
    p90_s: int
    counter: int | None = None
    called_s: int | None = None
    ended_s: int | None = None


def play_day(
    *,
    seed: int,
    visitors: int,
    counters: int,
    kinds: Mapping[str, float],
    times: Mapping[str, ServiceTime],
    rules: Rules,
    until_s: int = 24 * 3600,
    shift_s: int = 0,
) -> list[Visit]:
    """
    A day of about so many visitors at like counters, as it is at `until_s`; `kinds` are shares that add up to one.

    `shift_s` moves the whole day, so that one can be played up to any hour.
    """
    rng = np.random.default_rng(seed)
    skills = frozenset(kinds)
    coming = _arrivals(rng, visitors, kinds, shift_s)
    waiting: dict[int, _Guest] = {}
    busy: list[_Guest | None] = [None] * counters
    done: list[_Guest] = []
    now = 0
    while coming or waiting or any(busy):
        ends = [guest.ended_s for guest in busy if guest is not None and guest.ended_s is not None]
        now = min([*ends, *([coming[0].came_s] if coming else [])])
        if now > until_s:
            break
        for place, guest in enumerate(busy):
            if guest is not None and guest.ended_s is not None and guest.ended_s <= now:
                busy[place] = None
        while coming and coming[0].came_s <= now:
            guest = coming.pop(0)
            guest.number = len(done)
            done.append(guest)
            _foretell(guest, waiting, busy, skills, times, rules, now)
            waiting[guest.number] = guest
        for place, at_counter in enumerate(busy):
            if at_counter is None and waiting:
                queue = [one.as_waiting(now) for one in waiting.values()]
                chosen = next_for(skills, queue, discipline="fair", rules=rules)
                if chosen is not None:
                    guest = waiting.pop(chosen.ticket_id)
                    time = times[guest.kind]
                    shape = 1 / time.spread**2
                    takes = max(int(rng.gamma(shape, time.mean_s / shape)), 30)
                    guest.called_s, guest.ended_s, guest.counter = now, now + takes, place + 1
                    busy[place] = guest
    return [guest.as_visit(until_s) for guest in done]


@dataclass(slots=True)
class _Guest:
    came_s: int
    kind: str
    priority: str
    number: int = 0
    ahead: int = 0
    p50_s: int = 0
    p90_s: int = 0
    counter: int | None = None
    called_s: int | None = None
    ended_s: int | None = None

    def as_waiting(self, now: int) -> Waiting:
        return Waiting(self.number, self.kind, self.priority, now - self.came_s)

    def as_visit(self, until_s: int) -> Visit:
        is_over = self.ended_s is not None and self.ended_s <= until_s
        return Visit(
            self.came_s, self.kind, self.priority, self.ahead, self.p50_s, self.p90_s,
            self.counter, self.called_s, self.ended_s if is_over else None,
        )  # fmt: skip


def _arrivals(rng: np.random.Generator, visitors: int, kinds: Mapping[str, float], shift_s: int) -> list[_Guest]:
    count = int(rng.poisson(visitors))
    hours = rng.choice(len(_PROFILE), count, p=_PROFILE)
    seconds = np.sort((_FIRST_HOUR + hours) * 3600 + rng.integers(0, 3600, count)) + shift_s
    chosen = rng.choice(list(kinds), count, p=list(kinds.values()))
    classes = rng.choice(["green", "key", "normal"], count, p=[0.12, 0.04, 0.84])
    guests = zip(seconds.tolist(), chosen.tolist(), classes.tolist(), strict=True)
    return [_Guest(int(at), str(kind), str(priority)) for at, kind, priority in guests]


def _foretell(
    guest: _Guest,
    waiting: Mapping[int, _Guest],
    busy: Sequence[_Guest | None],
    skills: frozenset[str],
    times: Mapping[str, ServiceTime],
    rules: Rules,
    now: int,
) -> None:
    """What the newcomer is told: those who would be called before, in order, and the services under way."""
    rank = rules.head_start_s.get(guest.priority, 0)
    ahead = [
        other
        for other in waiting.values()
        if rules.head_start_s.get(other.priority, 0) + now - other.came_s >= rank or now - other.came_s >= rules.bound_s
    ]
    open_now = [
        OpenCounter(skills, one.kind, now - (one.called_s or now)) if one is not None else OpenCounter(skills)
        for one in busy
    ]
    found = predict(guest.kind, ahead=[one.kind for one in ahead], counters=open_now, times=times, runs=_RUNS)
    guest.ahead = len(ahead)
    if found is not None:
        guest.p50_s, guest.p90_s = found.p50_s, found.p90_s
