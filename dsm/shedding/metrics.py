"""Pure: what a plan costs whom. Every figure stands for itself; there is no score over all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsm.shedding.problem import SLOT_H, Floats, Ints, Plan, Problem


@dataclass(frozen=True, slots=True)
class Metrics:
    """
    The figures by which plans are compared (domain 2.6, those that can be computed from a plan).

    Shares in 10^-4, energy in kWh, power in kW, money in fen, hours in quarter-hours where said. `lost_output_fen` and
    `compensation_fen` rest on estimates a kWh. Fairness is over all who may be cut, of the season's hours with this
    plan: `jain_e4` is 1 where all bear the same, `gini_e4` 0. `worst` is the row of the customer with most hours.
    """

    covered_energy_e4: int
    covered_peak_e4: int
    residual_kwh: int
    margin_kw: int
    disturbed: int
    disturbed_residential: int
    disturbed_key: int
    customer_quarters: int
    cut_kwh: int
    lost_output_fen: int
    compensation_fen: int
    max_quarters: int
    jain_e4: int
    gini_e4: int
    worst: int
    tier_violations: int
    orders: int


def measure(problem: Problem, plan: Plan) -> Metrics:
    """The figures of a plan."""
    gap_w = np.maximum(problem.gap_kw, 0) * 1000
    asked = gap_w > 0
    covered = np.minimum(plan.total_w, gap_w)
    rows = np.flatnonzero(plan.is_cut)
    kwh = plan.shed_w[rows].sum(axis=1) * SLOT_H / 1000
    quarters = (plan.shed_w > 0).sum(axis=1)
    share = np.array([problem.compensated_pct[block.measure] / 100 for block in problem.blocks])
    season = problem.burden_h * 4 + quarters
    bearers = season[~problem.is_protected]
    return Metrics(
        covered_energy_e4=_share(covered.sum(), gap_w.sum()),
        covered_peak_e4=min(
            (_share(got, due) for got, due in zip(covered[asked], gap_w[asked], strict=True)), default=10_000
        ),
        residual_kwh=int(-(-(gap_w - covered).sum() // 4000)),
        margin_kw=int((plan.total_w - gap_w)[asked].min() // 1000) if asked.any() else 0,
        disturbed=len(rows),
        disturbed_residential=int(problem.is_residential[rows].sum()),
        disturbed_key=int(problem.is_key[rows].sum()),
        customer_quarters=int(quarters.sum()),
        cut_kwh=round(float(kwh.sum())),
        lost_output_fen=round(float(kwh @ problem.lost_output_fen[rows])),
        compensation_fen=round(float(kwh @ (problem.compensation_fen[rows] * share[plan.block[rows]]))),
        max_quarters=int(bearers.max(initial=0)),
        jain_e4=round(10_000 * jain(bearers)),
        gini_e4=round(10_000 * gini(bearers)),
        worst=int(np.argmax(np.where(problem.is_protected, -1, season))) if len(bearers) else -1,
        tier_violations=len(tier_violations(problem, plan)),
        orders=len(rows),
    )


def _share(part: float, whole: float) -> int:
    return int(10_000 * part // whole) if whole else 10_000


def jain(values: Ints) -> float:
    """Jain's index: 1 where all have the same, 1/n where one has it all (Jain, Chiu, Hawe 1984); 1 of nothing."""
    squares = float((values.astype(float) ** 2).sum())
    return float(values.sum()) ** 2 / (len(values) * squares) if squares else 1.0


def gini(values: Ints) -> float:
    """Gini coefficient: 0 where all have the same, towards 1 where one has it all; 0 of nothing."""
    ordered: Floats = np.sort(values.astype(float))
    total = ordered.sum()
    if not total:
        return 0.0
    ranks = np.arange(1, len(ordered) + 1)
    return float((2 * ranks - len(ordered) - 1) @ ordered / (len(ordered) * total))


def tier_violations(problem: Problem, plan: Plan) -> Ints:
    """
    Customers who are cut before their turn: in a slot where those of lower tiers do not suffice and their own tier is
    needed, although somebody of a lower tier is not cut at all and could have helped.
    """
    found = np.zeros(problem.size, bool)
    can_help = ~plan.is_cut[:, None] & (problem.cap_kw > 0) & (problem.is_open @ problem.mask)
    for tier in np.unique(problem.tier[plan.is_cut]):
        lower, higher = problem.tier < tier, plan.is_cut & (problem.tier >= tier)
        is_needed = problem.need_w > plan.shed_w[lower].sum(axis=0)
        wrong = is_needed & can_help[lower].any(axis=0)
        found |= higher & (problem.tier == tier) & (plan.shed_w[:, wrong] > 0).any(axis=1)
    return np.flatnonzero(found)
