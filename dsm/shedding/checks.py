"""Pure: what a plan may never do, whoever made it."""

from __future__ import annotations

import numpy as np

from dsm.shedding.problem import FULL, Plan, Problem


def violations(problem: Problem, plan: Plan) -> list[str]:
    """
    What is wrong with a plan, in words for engineers; empty for one that may be put before somebody.

    No protected customer is cut; no load falls under its security load; nobody is cut deeper than their process can
    stop; notice is kept; a customer is cut in one window, and only there.
    """
    wrong = []
    if plan.shed_w.shape != problem.load_kw.shape or plan.block.shape != (problem.size,):
        return ["the plan is of another problem"]
    shed, is_cut = plan.shed_w, plan.is_cut
    cut_anyway = (shed > 0).any(axis=1) & problem.is_protected
    if cut_anyway.any():
        wrong.append(f"protected customers are cut: {np.flatnonzero(cut_anyway).tolist()[:10]}")
    load_w, security_w = problem.load_kw * FULL, problem.security_kw[:, None] * FULL
    under = ((shed > 0) & (load_w - shed < security_w)).any(axis=1)
    if under.any():
        wrong.append(f"loads fall under their security load: {np.flatnonzero(under).tolist()[:10]}")
    if (shed < 0).any() or (shed > problem.cap_kw * FULL).any():
        wrong.append("more is cut than the process can stop")
    if ((plan.block < -1) | (plan.block >= len(problem.blocks))).any():
        return [*wrong, "there is no such window"]
    window = np.where(is_cut[:, None], problem.mask[plan.block], False)
    if (shed > 0)[~window].any():
        wrong.append("somebody is cut outside their window")
    rows = np.flatnonzero(is_cut)
    if not problem.is_open[rows, plan.block[rows]].all():
        wrong.append("notice is not kept")
    return wrong
