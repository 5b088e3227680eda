"""The order of a queue: classes, ageing, coming back, and the bound that nobody's later arrival breaks."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halls.queueing import DISCIPLINES, Rules, Waiting, call_order, next_for

BOUND_S = 20 * 60
RULES = Rules(
    head_start_s={"green": 900, "booked": 600, "key": 300, "normal": 0}, slope_e2={"key": 50}, bound_s=BOUND_S
)


def one(ticket_id: int, priority: str = "normal", waited_s: int = 0, **more: object) -> Waiting:
    """A ticket for paying."""
    return Waiting(ticket_id, "pay", priority, waited_s, **more)  # type: ignore[arg-type]


def called(*tickets: Waiting, discipline: str = "fair") -> list[int]:
    """The numbers in the order of their calls."""
    return [ticket.ticket_id for ticket in call_order(tickets, discipline=discipline, rules=RULES)]


class TestFairOrder:
    def test_the_green_lane_goes_before_booked_key_and_normal_of_the_same_moment(self) -> None:
        assert called(one(1), one(2, "key"), one(3, "booked"), one(4, "green")) == [4, 3, 2, 1]

    def test_waiting_makes_up_for_the_class(self) -> None:
        assert called(one(1, waited_s=901), one(2, "green")) == [1, 2]
        assert called(one(1, waited_s=899), one(2, "green")) == [2, 1]

    def test_a_class_with_a_flatter_slope_gains_less_by_waiting(self) -> None:
        assert called(one(1, waited_s=650), one(2, "key", waited_s=600)) == [1, 2]

    def test_within_a_class_whoever_came_first_is_called_first(self) -> None:
        assert called(one(3, waited_s=5), one(1, waited_s=9), one(2, waited_s=9)) == [1, 2, 3]


class TestComingBack:
    def test_takes_the_next_place_but_one(self) -> None:
        back = one(9, is_back=True, calls_to_go=1)

        assert called(one(1, waited_s=300), one(2, waited_s=200), back) == [1, 9, 2]

    def test_goes_first_once_its_turn_is_due(self) -> None:
        assert called(one(1, "green"), one(9, is_back=True)) == [9, 1]

    def test_never_passes_somebody_who_has_waited_to_the_bound(self) -> None:
        assert called(one(1, waited_s=BOUND_S), one(2, waited_s=BOUND_S), one(9, is_back=True, calls_to_go=1)) == [
            1,
            2,
            9,
        ]


class TestSkills:
    def test_a_counter_calls_only_what_it_can_serve(self) -> None:
        tickets = [Waiting(1, "new-supply", "normal", 500), Waiting(2, "pay", "normal", 10)]

        found = next_for(frozenset({"pay"}), tickets, discipline="fair", rules=RULES)

        assert found is not None and found.ticket_id == 2

    def test_a_counter_that_can_serve_nobody_calls_nobody(self) -> None:
        assert (
            next_for(frozenset({"pay"}), [Waiting(1, "new-supply", "normal", 500)], discipline="fair", rules=RULES)
            is None
        )


@dataclass
class Played:
    """A hall that was played to its end: when each ticket came and was called, and the work ahead of it as it came."""

    came_s: dict[int, int] = field(default_factory=dict)
    called_s: dict[int, int] = field(default_factory=dict)
    work_ahead_s: dict[int, int] = field(default_factory=dict)
    passed_over: list[tuple[int, int]] = field(default_factory=list)


def play(arrivals: list[tuple[int, str, int]], counters: int, discipline: str) -> Played:
    """Arrivals (second, class, seconds of service) at like counters, one second after another."""
    played = Played()
    waiting: dict[int, tuple[int, str, int]] = {}
    busy_s = [0] * counters
    coming = sorted(range(len(arrivals)), key=lambda number: arrivals[number][0])
    now = 0
    while coming or waiting:
        while coming and arrivals[coming[0]][0] <= now:
            number = coming.pop(0)
            played.came_s[number] = now
            played.work_ahead_s[number] = sum(busy_s) + sum(w[2] for w in waiting.values())
            waiting[number] = arrivals[number]
        for counter in range(counters):
            if busy_s[counter] == 0 and waiting:
                queue = [
                    Waiting(number, "pay", priority, now - played.came_s[number])
                    for number, (_at, priority, _takes) in waiting.items()
                ]
                chosen = next_for(frozenset({"pay"}), queue, discipline=discipline, rules=RULES)
                assert chosen is not None
                played.passed_over += [
                    (other.ticket_id, chosen.ticket_id)
                    for other in queue
                    if other.waited_s >= BOUND_S and played.came_s[other.ticket_id] < played.came_s[chosen.ticket_id]
                ]
                played.called_s[chosen.ticket_id] = now
                busy_s[counter] = waiting.pop(chosen.ticket_id)[2]
        # Nothing happens until the next arrival or the end of a service.
        ends = [left for left in busy_s if left]
        step = min([*ends, *([arrivals[coming[0]][0] - now] if coming else [])])
        now += step
        busy_s = [max(left - step, 0) for left in busy_s]
    return played


@st.composite
def halls(draw: st.DrawFn) -> tuple[list[tuple[int, str, int]], int]:
    """A mixed queue, and then people of the first class one after another without end."""
    counters = draw(st.integers(1, 3))
    service = st.integers(60, 400)
    mixed = draw(
        st.lists(
            st.tuples(st.integers(0, 900), st.sampled_from(["normal", "key", "booked", "green"]), service),
            min_size=1,
            max_size=12,
        )
    )
    gap = draw(st.integers(40, 120))
    flood = [(at, "green", draw(service)) for at in range(0, 3 * BOUND_S, gap)]
    return mixed + flood, counters


@pytest.mark.parametrize("discipline", DISCIPLINES)
class TestTheBound:
    @settings(max_examples=60, deadline=None)
    @given(hall=halls())
    def test_holds_under_an_endless_flow_of_the_first_class(
        self, discipline: str, hall: tuple[list[tuple[int, str, int]], int]
    ) -> None:
        """Whoever came later costs a ticket the bound and one service under way at the most, whatever their class."""
        arrivals, counters = hall
        played = play(arrivals, counters, discipline)
        longest = max(takes for _at, _priority, takes in arrivals)

        assert played.passed_over == []
        for number, came in played.came_s.items():
            waited = played.called_s[number] - came
            assert waited <= played.work_ahead_s[number] / counters + BOUND_S + longest

    def test_every_order_holds_everybody_once(self, discipline: str) -> None:
        tickets = [one(1, "green"), one(2, waited_s=9999), one(3, is_back=True, calls_to_go=2), one(4, "key"), one(5)]

        assert sorted(called(*tickets, discipline=discipline)) == [1, 2, 3, 4, 5]
