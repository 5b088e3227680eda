"""One strategy's plan of a shortage, computed and written as one shard of a job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from config.shared.bulk_copy import copy_rows
from config.shared.jobs import Claim
from dsm.models import ShortagePlan
from dsm.queries.shed_problem import AskedProblem, problem_of
from dsm.shedding.metrics import measure
from dsm.shedding.problem import objective_fen
from dsm.shedding.strategies import STRATEGIES
from dsm.shedding.strategies.strategy import Limits
from dsm.solving import Solved, solve

_CUT_COLUMNS = (
    "plan_id", "account_id", "measure", "start_slot", "end_slot", "depth_permille", "load_kw", "security_kw",
    "process_pct", "peak_cut_kw", "cut_kwh", "tier", "group_no", "burden_h",
    "capacity_kva", "notice_min",
)  # fmt: skip


def compute_shard(claim: Claim, *, at: datetime) -> None:
    """Make the plan of one strategy; the claim and the plan's rows are written together or not at all."""
    plan = ShortagePlan.objects.select_related("shortage").get(pk=claim.low)
    asked = problem_of(plan.shortage)
    limits = Limits(seconds=settings.DSM_SOLVER_SECONDS, cells=settings.DSM_SOLVER_CELLS)
    # Outside the transaction: a solver may take a minute, and nothing is locked meanwhile.
    solved = solve(STRATEGIES[plan.strategy], asked.problem, limits=limits, kill_after_s=settings.DSM_SOLVER_KILL_S)
    with transaction.atomic():
        waiting = ShortagePlan.objects.select_for_update().filter(pk=plan.pk, state=ShortagePlan.State.WAITING).first()
        if waiting is not None:
            _write(waiting, asked, solved, at)
        claim.finish(result={"state": solved.state, "seconds": round(solved.seconds, 1)}, done_units=1, at=at)


def _write(row: ShortagePlan, asked: AskedProblem, solved: Solved, at: datetime) -> None:
    problem, plan = asked.problem, solved.plan
    figures = asdict(measure(problem, plan))
    worst = figures.pop("worst")
    row.state = ShortagePlan.State(solved.state)
    row.figures = figures
    row.shed_kw = (plan.total_w // 1000).tolist()
    row.objective_fen = round(objective_fen(problem, plan))
    row.bound_fen = None if plan.bound_fen is None else round(plan.bound_fen)
    row.took_ms = round(solved.seconds * 1000)
    row.worst_account_id = int(asked.account[worst]) if worst >= 0 else None
    row.digest = asked.digest
    row.computed_at = at
    row.save()
    with connection.cursor() as cursor:
        copy_rows(cursor, "dsm_plan_cut", _CUT_COLUMNS, _cuts(row.pk, asked, solved))


def _cuts(plan_id: int, asked: AskedProblem, solved: Solved) -> Iterator[tuple[object, ...]]:
    problem, plan = asked.problem, solved.plan
    for row in np.flatnonzero(plan.is_cut):
        block = problem.blocks[plan.block[row]]
        yield (
            plan_id, int(asked.account[row]), block.measure, block.start, block.end, int(plan.depth[row]),
            problem.load_kw[row].tolist(), int(problem.security_kw[row]), int(problem.process_pct[row]),
            int(-(-plan.shed_w[row].max() // 1000)), int(-(-plan.shed_w[row].sum() // 4000)), int(problem.tier[row]),
            int(problem.group[row]), int(problem.burden_h[row]), int(asked.capacity_kva[row]),
            round(60 * max(problem.notice_h[block.measure], int(problem.lead_h[row]))),
        )  # fmt: skip
