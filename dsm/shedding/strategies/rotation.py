"""Pure: rotation by production shift or day (错峰、轮休, 开X停Y) in the groups of the approved list."""

from __future__ import annotations

import numpy as np

from dsm.shedding.greedy import gains, needed_depth
from dsm.shedding.problem import Plan, Problem, make_plan
from dsm.shedding.strategies.strategy import Limits, Strategy


def rotate(problem: Problem, limits: Limits) -> Plan:
    """
    Whole groups stand still for a shift or a day, the least burdened group first, until the need is covered.

    Everybody of a group gets the same window and the same share; only the last group is cut less than fully.
    """
    del limits
    block, depth = np.full(problem.size, -1, np.int64), np.zeros(problem.size, np.int64)
    left_w = problem.need_w.copy()
    shifts = np.flatnonzero(problem.only(("shift",)))
    for group in _turns(problem):
        # Who cannot be told in time for a window is not part of the group in that window.
        members = (problem.group == group)[:, None] & problem.is_open[:, shifts]
        caps = members.T.astype(np.int64) @ problem.cap_kw
        helps = gains(caps, left_w, problem.mask[shifts])
        if not len(helps) or helps.max() == -np.inf:
            continue
        turn = int(np.argmax(helps))
        rows, mask = np.flatnonzero(members[:, turn]), problem.mask[shifts[turn]]
        block[rows] = shifts[turn]
        depth[rows] = needed_depth(caps[turn], left_w, mask)
        left_w = np.maximum(left_w - np.where(mask, caps[turn] * depth[rows[0]], 0), 0)
    return make_plan(problem, block, depth)


def _turns(problem: Problem) -> list[int]:
    """Groups by the mean hours their members were cut this season, then by number."""
    groups = np.unique(problem.group[~problem.is_protected])
    means = np.array([problem.burden_h[(problem.group == one) & ~problem.is_protected].mean() for one in groups])
    return [int(groups[place]) for place in np.lexsort((groups, means))]


ROTATION = Strategy(
    code="rotation",
    name_zh="轮换错峰",
    name_en="Rotation by shift",
    about_zh="名单上的轮换组按生产班次整组停开，停得少的组先轮到，不付补偿。",
    about_en="The groups of the list stand still shift by shift, the least burdened first; no compensation.",
    make=rotate,
)
