"""Runs a strategy, apart where it asks for that: in a process that is killed when it takes too long."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from dsm.shedding.checks import violations
from dsm.shedding.problem import Plan, Problem
from dsm.shedding.strategies.strategy import Limits, Strategy
from dsm.shedding.strategies.tiers import cut_by_tier
from dsm.shedding.transfer import pack_problem, unpack_plan

log = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[1]
KILLED, FAILED = "killed", "failed"


@dataclass(frozen=True)
class Solved:
    """
    A plan that keeps all rules, and how it came about.

    `state` is the plan's own ("complete", "time-limit", "no-solution"), or "killed" or "failed" where the strategy's
    process ended without a plan; the plan is then the greedy one. `seconds` is how long it took by the clock.
    """

    plan: Plan
    state: str
    seconds: float


def solve(strategy: Strategy, problem: Problem, *, limits: Limits, kill_after_s: float) -> Solved:
    """
    The plan of a strategy; whatever becomes of its process, there is one.

    :raises RuntimeError: even the plan that stands at last breaks a rule; it must not be shown to anybody
    """
    began = time.monotonic()
    if strategy.runs_apart:
        plan, state = _apart(strategy.code, problem, limits, kill_after_s)
    else:
        plan = strategy.make(problem, limits)
        state = plan.state
    if plan is None or violations(problem, plan):
        if plan is not None:
            log.error("a plan broke a rule", extra={"strategy": strategy.code, "wrong": violations(problem, plan)})
        plan, state = replace(cut_by_tier(problem, limits), bound_fen=None), state if plan is None else FAILED
    wrong = violations(problem, plan)
    if wrong:
        raise RuntimeError(f"{strategy.code}: {'; '.join(wrong)}")
    return Solved(plan, state, time.monotonic() - began)


def _apart(code: str, problem: Problem, limits: Limits, kill_after_s: float) -> tuple[Plan | None, str]:
    """The plan from a process of its own, None when it was killed or gave nothing that is a plan."""
    command = [sys.executable, "-m", "dsm.shedding.child", code, str(limits.seconds), str(limits.cells)]
    child = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, error = child.communicate(pack_problem(problem), timeout=kill_after_s)
    except subprocess.TimeoutExpired:
        log.warning("solver took too long, killed", extra={"strategy": code})
        return None, KILLED
    finally:
        child.kill()
        child.communicate()
    if child.returncode < 0:
        log.warning("solver was killed", extra={"strategy": code, "signal": -child.returncode})
        return None, KILLED
    if child.returncode:
        log.error("solver failed", extra={"strategy": code, "error": error.decode(errors="replace")[-2000:]})
        return None, FAILED
    try:
        return _read(out, problem)
    except ValueError:
        return None, FAILED


def _read(out: bytes, problem: Problem) -> tuple[Plan, str]:
    plan = unpack_plan(out, problem)
    return plan, plan.state
