"""Pure: the combined optimum: pooled linear program, relax-and-fix, depths, and a greedy way for what is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dsm.shedding import relaxation
from dsm.shedding.cells import pool
from dsm.shedding.greedy import fair_between_equals, fair_order, fill, trim
from dsm.shedding.problem import FULL, SLOTS, Plan, Problem, make_plan, objective_fen, uncovered_w
from dsm.shedding.strategies.strategy import Limits, Strategy
from dsm.shedding.strategies.tiers import cut_by_tier


def optimise(problem: Problem, limits: Limits) -> Plan:
    """
    All measures together at the least of uncovered energy, tier order, money and burden, in this order of weight.

    Customers are pooled, the linear program of the cells is solved and its shares given to customers; only those who
    fall between two blocks are branched upon (relax-and-fix). The greedy plan is what every step falls back on: where
    a solver gives nothing in its time, and where it is better by the objective.
    """
    greedy = cut_by_tier(problem, limits)
    if not problem.need_w.any() or not problem.is_open.any():
        return replace(greedy, bound_fen=relaxation.bound_fen(problem, np.zeros((len(problem.levels), SLOTS))))
    # Where fine cells do not solve in time, coarse ones do.
    for most in (limits.cells, max(limits.cells // 4, 1)):
        cells = pool(problem, most=most)
        relaxed = relaxation.relax(problem, cells, seconds=limits.seconds * 0.3)
        if relaxed is not None:
            break
    if relaxed is None:
        return replace(greedy, state="no-solution")
    found = _settle(problem, relaxation.spread(problem, cells, relaxed.share, fair_order(problem)), limits)
    found = replace(found, bound_fen=relaxation.bound_fen(problem, relaxed.price))
    if objective_fen(problem, greedy) < objective_fen(problem, found):
        return replace(greedy, state=found.state, bound_fen=found.bound_fen)
    return found


def _settle(problem: Problem, given: relaxation.Spread, limits: Limits) -> Plan:
    block, state = given.block.copy(), "complete"
    settled = make_plan(problem, block, np.full(problem.size, FULL))
    rows = np.flatnonzero(given.is_between)
    decided = relaxation.decide(problem, uncovered_w(problem, settled), rows, seconds=limits.seconds * 0.3)
    if decided is None:
        state = "time-limit"
    else:
        block[rows] = decided[0]
        state = "complete" if decided[1] else "time-limit"
    plan = _topped_up(problem, make_plan(problem, block, np.full(problem.size, FULL)))
    depth = relaxation.deepen(problem, plan.block, seconds=limits.seconds * 0.1)
    if depth is None:
        state = "time-limit"
    else:
        plan = _topped_up(problem, make_plan(problem, plan.block, depth))
    return replace(fair_between_equals(problem, trim(problem, plan)), state=state)


def _topped_up(problem: Problem, plan: Plan) -> Plan:
    """Tier after tier: nobody of a higher one is needed before everybody of the lower ones who can help is cut."""
    for level in problem.levels:
        plan = fill(problem, plan, stages=(np.ones(len(problem.blocks), bool),), up_to=int(level))
    return plan


OPTIMUM = Strategy(
    code="optimum",
    name_zh="综合优化",
    name_en="Combined optimum",
    about_zh="错峰、避峰、限电一起算：先补上缺口，再守顺序档，再省钱，再求公平。",
    about_en="All measures together: first the gap, then the order of tiers, then money, then fairness.",
    make=optimise,
    runs_apart=True,
)
