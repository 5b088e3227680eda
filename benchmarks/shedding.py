"""
Shortage plans of a made-up province: how long the optimum takes in its process, how far it may be from the best there
is, and what it is worth against the greedy way.

Times are by the clock and of this machine; what is compared is made in the same run: the objective against a bound that
no plan can go below, and against the greedy plan of the same problem.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from benchmarks.spread import Spread
from dsm.shedding.metrics import measure
from dsm.shedding.problem import objective_fen
from dsm.shedding.provinces import make_province
from dsm.shedding.strategies import STRATEGIES
from dsm.shedding.strategies.strategy import Limits
from dsm.shedding.strategies.tiers import cut_by_tier
from dsm.solving import solve

AIM_S = 60.0
# As `config/settings/domain.py` has them (a test compares): settings of Django are not read here.
LIMITS = Limits(seconds=30.0, cells=1200)
KILL_AFTER_S = 55.0
GAP_SHARES = (0.15, 0.35)


def run(short: bool) -> dict[str, Any]:
    """Plan provinces of growing size, print, and give what goes into the JSON file."""
    sizes, seeds = ((300, 2000), (1,)) if short else ((300, 1000, 2000), (1, 2, 3))
    rows = []
    for size in sizes:
        for share in GAP_SHARES:
            rows.append(_measured(size, share, seeds))
            _print(rows[-1])
    worst = max(row["seconds"]["most"] for row in rows if row["customers"] == 2000)
    print(f"  2,000 customers x 96 slots: at most {worst:.1f} s of {AIM_S:.0f} s")
    return {
        "slots": 96,
        "limits": asdict(LIMITS),
        "kill_after_s": KILL_AFTER_S,
        "aim_s": AIM_S,
        "worst_s_of_2000": worst,
        "provinces": rows,
    }


def _measured(size: int, share: float, seeds: tuple[int, ...]) -> dict[str, Any]:
    seconds, gaps, above, ratios, money, residuals, wrong_turns, states = [], [], [], [], [], [], [], []
    for seed in seeds:
        problem = make_province(seed, customers=size, gap_share=share)
        solved = solve(STRATEGIES["optimum"], problem, limits=LIMITS, kill_after_s=KILL_AFTER_S)
        greedy = cut_by_tier(problem, LIMITS)
        best, plain = objective_fen(problem, solved.plan), objective_fen(problem, greedy)
        figures, greedy_figures = measure(problem, solved.plan), measure(problem, greedy)
        seconds.append(solved.seconds)
        states.append(solved.state)
        residuals.append(figures.residual_kwh)
        wrong_turns.append(figures.tier_violations)
        ratios.append(plain / best)
        spent = figures.lost_output_fen + figures.compensation_fen
        money.append((greedy_figures.lost_output_fen + greedy_figures.compensation_fen) / max(spent, 1))
        if solved.plan.bound_fen:
            gaps.append(best / solved.plan.bound_fen - 1)
            above.append((best - solved.plan.bound_fen) / max(spent, 1))
    return {
        "customers": size,
        "gap_share": share,
        "seconds": _spread(seconds),
        "gap_to_bound": _spread(gaps) if gaps else None,
        "above_bound_as_share_of_money": _spread(above) if above else None,
        "greedy_to_optimum_objective": _spread(ratios),
        "greedy_to_optimum_money": _spread(money),
        "residual_kwh": residuals,
        "cut_before_their_turn": wrong_turns,
        "states": states,
    }


def _spread(samples: list[float]) -> dict[str, float]:
    spread = Spread.of(samples)
    return {"median": round(spread.median, 5), "least": round(min(samples), 5), "most": round(max(samples), 5)}


def _print(row: dict[str, Any]) -> None:
    gap = row["gap_to_bound"]
    said = f"gap {100 * gap['median']:.2f} % (at most {100 * gap['most']:.2f} %)" if gap else "no bound"
    print(
        f"  {row['customers']:5} customers, gap {row['gap_share']:.0%} of what could be cut: "
        f"{row['seconds']['median']:.1f} s, {said}, residual {max(row['residual_kwh'])} kWh, "
        f"greedy {row['greedy_to_optimum_objective']['median']:.2f} times the objective, "
        f"{', '.join(sorted(set(row['states'])))}"
    )
