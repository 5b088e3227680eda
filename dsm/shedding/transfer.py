"""Pure: problems and plans as bytes, for a process of its own."""

from __future__ import annotations

import io
import json
from dataclasses import asdict

import numpy as np

from dsm.shedding.problem import Block, Plan, Problem, Weights, make_plan

_COLUMNS = (
    "load_kw", "security_kw", "process_pct", "tier", "group", "compensation_fen", "lost_output_fen", "burden_h",
    "lead_h", "is_key", "is_residential", "gap_kw",
)  # fmt: skip


def pack_problem(problem: Problem) -> bytes:
    """The columns as they are, the rest as JSON beside them."""
    rest = {
        "blocks": [asdict(block) for block in problem.blocks],
        "margin_pct": problem.margin_pct,
        "notice_h": dict(problem.notice_h),
        "compensated_pct": dict(problem.compensated_pct),
        "hours_before": problem.hours_before,
        "weights": asdict(problem.weights),
    }
    out = io.BytesIO()
    np.savez(out, rest=np.array(json.dumps(rest)), **{name: getattr(problem, name) for name in _COLUMNS})
    return out.getvalue()


def unpack_problem(data: bytes) -> Problem:
    """The problem in the bytes."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        rest = json.loads(str(archive["rest"]))
        columns = {name: archive[name] for name in _COLUMNS}
    rest["blocks"] = tuple(Block(**block) for block in rest["blocks"])
    rest["weights"] = Weights(**rest["weights"])
    return Problem(**columns, **rest)


def pack_plan(plan: Plan) -> bytes:
    """Blocks and depths; what they take off follows from the problem."""
    rest = json.dumps({"state": plan.state, "bound_fen": plan.bound_fen})
    out = io.BytesIO()
    np.savez(out, rest=np.array(rest), block=plan.block, depth=plan.depth)
    return out.getvalue()


def unpack_plan(data: bytes, problem: Problem) -> Plan:
    """
    The plan of this problem in the bytes.

    :raises ValueError: these bytes are no plan
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            rest = json.loads(str(archive["rest"]))
            block, depth = archive["block"], archive["depth"]
    except (KeyError, OSError, EOFError) as error:
        raise ValueError("no plan") from error
    return make_plan(problem, block, depth, state=rest["state"], bound_fen=rest["bound_fen"])
