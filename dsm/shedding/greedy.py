"""Pure: one customer after another, each in the block that helps most; also tops up and trims what others made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dsm.shedding.problem import FULL, PROTECTED_TIER, Bools, Floats, Ints, Plan, Problem, make_plan

# A useful kWh is worth so many wasted ones when windows are compared.
_WASTE = 0.1


def fair_order(problem: Problem, rows: Ints | None = None) -> Ints:
    """Customers by tier, then by burden (the less burdened first), then by price, then in their own order."""
    rows = np.arange(problem.size) if rows is None else rows
    price = (problem.lost_output_fen + problem.compensation_fen)[rows]
    return np.asarray(rows[np.lexsort((rows, price, problem.burden_h[rows], problem.tier[rows]))])


def gains(caps_kw: Ints, left_w: Ints, masks: Bools) -> Floats:
    """
    (K,) how much a cut of (K, 96) or (96,) kW in each of K windows helps: what it covers of what is left, less a
    little for what it wastes beside it; minus infinity where it covers nothing.
    """
    full_w = np.where(masks, caps_kw * FULL, 0)
    useful = np.minimum(full_w, left_w).sum(axis=-1)
    return np.where(useful > 0, useful - _WASTE * (full_w.sum(axis=-1) - useful), -np.inf)


def needed_depth(cap_kw: Ints, left_w: Ints, mask: Bools) -> int:
    """How deep a cut must be, in permille, so that no slot asks for more of it; at most a full one."""
    asked = mask & (left_w > 0) & (cap_kw > 0)
    return min(int((-(-left_w[asked] // cap_kw[asked])).max()), FULL) if asked.any() else 0


def fill(problem: Problem, start: Plan, *, stages: Sequence[Bools], up_to: int | None = None) -> Plan:
    """
    Add cuts of customers who are not cut yet, in the fair order, until the need is covered or nobody can help.

    `stages` are the blocks to be tried for each customer, the next where none of the former helps. With `up_to` only
    the customers up to this tier count, those who help and those who are cut already.
    """
    block, depth = start.block.copy(), start.depth.copy()
    among = np.flatnonzero(problem.tier <= (PROTECTED_TIER if up_to is None else up_to))
    left_w = np.maximum(problem.need_w - start.shed_w[among].sum(axis=0), 0)
    for row in fair_order(problem, among):
        if not left_w.any():
            break
        if block[row] >= 0:
            continue
        for stage in stages:
            allowed = np.flatnonzero(stage & problem.is_open[row])
            cap = problem.cap_kw[row]
            helps = gains(cap, left_w, problem.mask[allowed])
            if not len(helps) or helps.max() == -np.inf:
                continue
            block[row] = allowed[int(np.argmax(helps))]
            mask = problem.mask[block[row]]
            depth[row] = needed_depth(cap, left_w, mask)
            left_w = np.maximum(left_w - np.where(mask, cap * depth[row], 0), 0)
            break
    return make_plan(problem, block, depth, state=start.state, bound_fen=start.bound_fen)


def trim(problem: Problem, plan: Plan) -> Plan:
    """
    Take back what nobody needs: from the highest tier in use only, the most burdened and dearest first.

    Cuts of lower tiers stay, so that nobody of a higher tier is needed where one of a lower could have helped.
    """
    rows = np.flatnonzero(plan.is_cut)
    if not len(rows):
        return plan
    top = rows[problem.tier[rows] == problem.tier[rows].max()]
    depth, total_w = plan.depth.copy(), plan.total_w.copy()
    for row in fair_order(problem, top)[::-1]:
        mask, cap = problem.mask[plan.block[row]], problem.cap_kw[row]
        total_w -= np.where(mask, cap * depth[row], 0)
        depth[row] = min(int(depth[row]), needed_depth(cap, problem.need_w - total_w, mask))
        total_w += np.where(mask, cap * depth[row], 0)
    return make_plan(problem, plan.block, depth, state=plan.state, bound_fen=plan.bound_fen)


def fair_between_equals(problem: Problem, plan: Plan) -> Plan:
    """Between customers that are equal in everything but burden, the less burdened takes the greater cut."""
    columns: Ints = np.column_stack(
        [
            problem.cap_kw, problem.security_kw, problem.tier, problem.group, problem.lost_output_fen,
            problem.compensation_fen, problem.lead_h, problem.is_protected,
        ]
    )  # fmt: skip
    _rows, kind, counts = np.unique(columns, axis=0, return_inverse=True, return_counts=True)
    kind = kind.reshape(-1)
    block, depth = plan.block.copy(), plan.depth.copy()
    for one in np.flatnonzero(counts > 1):
        rows = np.flatnonzero(kind == one)
        if not plan.is_cut[rows].any():
            continue
        by_burden = rows[np.lexsort((rows, problem.burden_h[rows]))]
        by_cut = rows[np.lexsort((rows, -plan.shed_w[rows].sum(axis=1)))]
        block[by_burden], depth[by_burden] = plan.block[by_cut], plan.depth[by_cut]
    return make_plan(problem, block, depth, state=plan.state, bound_fen=plan.bound_fen)
