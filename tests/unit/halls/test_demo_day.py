"""The demonstration's day is a day that could have been: nobody is at two counters, waits are what was foretold."""

from __future__ import annotations

from itertools import pairwise

from halls.demo import Visit, play_day
from halls.queueing import Rules
from halls.queueing.prediction import ServiceTime

RULES = Rules(head_start_s={"green": 900, "key": 300}, slope_e2={}, bound_s=1200)
KINDS = {"pay": 0.7, "change": 0.3}
TIMES = {"pay": ServiceTime(200), "change": ServiceTime(700)}


def day(seed: int, **more: int) -> list[Visit]:
    """A day of eighty visitors at three counters."""
    return play_day(seed=seed, visitors=80, counters=3, kinds=KINDS, times=TIMES, rules=RULES, **more)


class TestADay:
    def test_serves_everybody_and_each_counter_one_at_a_time(self) -> None:
        visits = day(1)

        assert len(visits) > 50 and all(visit.ended_s is not None for visit in visits)
        for counter in (1, 2, 3):
            own = sorted((v.called_s or 0, v.ended_s or 0) for v in visits if v.counter == counter)
            assert all(end <= start for (_s, end), (start, _e) in pairwise(own))

    def test_is_cut_where_it_is(self) -> None:
        visits = day(1, until_s=10 * 3600 + 1800)

        assert any(visit.ended_s is None for visit in visits)
        assert all(visit.came_s <= 10 * 3600 + 1800 for visit in visits)

    def test_nine_in_ten_wait_less_than_what_was_foretold(self) -> None:
        visits = [visit for seed in range(6) for visit in day(seed)]
        within = sum((visit.called_s or 0) - visit.came_s <= visit.p90_s + 1 for visit in visits)

        assert 0.82 < within / len(visits) <= 1
