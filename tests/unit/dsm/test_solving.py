"""A strategy in a process of its own: killed, failing, overrunning."""

from __future__ import annotations

import os
import signal
import threading
import time

import psutil  # type: ignore[import-untyped]

from benchmarks import shedding
from dsm import solving
from dsm.shedding.checks import violations
from dsm.shedding.metrics import measure
from dsm.shedding.provinces import make_province
from dsm.shedding.strategies import STRATEGIES
from dsm.shedding.strategies.strategy import Limits, Strategy
from dsm.shedding.strategies.tiers import cut_by_tier

LIMITS = Limits(seconds=20, cells=200)


def kill_the_solver() -> None:
    """Kill the process that makes the optimum, as the machine would that runs out of memory."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for child in psutil.Process().children():
            try:
                found = "dsm.shedding.child" in child.cmdline()
            except psutil.Error:
                continue
            if found:
                os.kill(child.pid, signal.SIGKILL)
                return
        time.sleep(0.005)


class TestApart:
    def test_a_plan_comes_back_from_the_process(self):
        problem = make_province(1, customers=80)

        solved = solving.solve(STRATEGIES["optimum"], problem, limits=LIMITS, kill_after_s=60)

        assert solved.state == "complete"
        assert solved.plan.bound_fen is not None
        assert (solved.plan.total_w >= problem.need_w).all()

    def test_a_killed_solver_leaves_the_greedy_plan(self):
        problem = make_province(1, customers=80)
        killer = threading.Thread(target=kill_the_solver)

        killer.start()
        solved = solving.solve(STRATEGIES["optimum"], problem, limits=LIMITS, kill_after_s=60)
        killer.join()

        assert solved.state == solving.KILLED
        assert violations(problem, solved.plan) == []
        assert (solved.plan.shed_w == cut_by_tier(problem, LIMITS).shed_w).all()
        assert solved.plan.bound_fen is None

    def test_one_that_overruns_its_time_is_killed(self):
        problem = make_province(1, customers=80)

        solved = solving.solve(STRATEGIES["optimum"], problem, limits=LIMITS, kill_after_s=0.05)

        assert solved.state == solving.KILLED
        assert measure(problem, solved.plan).disturbed > 0
        assert not [child for child in psutil.Process().children() if "dsm.shedding.child" in child.cmdline()]

    def test_one_that_fails_leaves_the_greedy_plan(self):
        unknown = Strategy("nonsense", "", "", "", "", cut_by_tier, runs_apart=True)

        solved = solving.solve(unknown, make_province(1, customers=20), limits=LIMITS, kill_after_s=60)

        assert solved.state == solving.FAILED

    def test_a_plan_that_breaks_a_rule_is_never_handed_on(self):
        problem = make_province(1, customers=40, protected=0.4)

        def careless(_problem, _limits):
            plan = cut_by_tier(problem, LIMITS)
            shed = plan.shed_w.copy()
            shed[problem.is_protected] = 1000
            return type(plan)(plan.block, plan.depth, shed)

        solved = solving.solve(Strategy("careless", "", "", "", "", careless), problem, limits=LIMITS, kill_after_s=60)

        assert solved.state == solving.FAILED
        assert violations(problem, solved.plan) == []


def test_the_optimum_runs_where_it_can_be_killed():
    assert STRATEGIES["optimum"].runs_apart


def test_the_benchmark_measures_with_the_limits_of_the_house(settings):
    assert (shedding.LIMITS.seconds, shedding.LIMITS.cells) == (settings.DSM_SOLVER_SECONDS, settings.DSM_SOLVER_CELLS)
    assert shedding.KILL_AFTER_S == settings.DSM_SOLVER_KILL_S < shedding.AIM_S
