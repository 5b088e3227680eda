"""
Pure: the linear programs behind the optimum, and the bound that no plan can go below.

Every program has columns (somebody cut in some block) and, for every tier, a row a slot: what the customers up to that
tier take off, plus what they leave uncovered, is the need. HiGHS may give nothing within its time (`x is None`) and
may overrun it; every function here says None then, and who calls it from outside runs it in a process that can be
killed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array, hstack, identity, vstack

from dsm.shedding.cells import Cells
from dsm.shedding.problem import FULL, SLOT_H, SLOTS, Bools, Floats, Ints, Problem

# Shares below this are nothing.
_NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class Relaxed:
    """`share` (cells, blocks) of each cell cut in each block; `price` (levels, 96) of a kW in each slot, in fen."""

    share: Floats
    price: Floats


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows (level, slot) in which something is asked: the kW each column gives, what is asked, what lack costs."""

    power: csr_array
    asked_kw: Floats
    lack_fen: Floats
    is_asked: Bools


def _rows(problem: Problem, power_kw: Floats, mask: Bools, tier: Ints, left_w: Ints) -> _Rows:
    """Rows for columns of (columns, 96) power in (columns, 96) windows; `left_w` (levels, 96) is asked."""
    windowed = csr_array(np.where(mask, power_kw, 0).T)
    parts = []
    for level, asked in zip(problem.levels, left_w > 0, strict=True):
        counts = csr_array((tier <= level).astype(float)[None, :])
        parts.append(windowed[np.flatnonzero(asked)].multiply(counts).tocsr())
    is_asked = left_w > 0
    lack = np.broadcast_to((problem.uncovered_fen * SLOT_H)[:, None], left_w.shape)
    return _Rows(csr_array(vstack(parts, format="csr")), left_w[is_asked] / 1000, lack[is_asked], is_asked)


def relax(problem: Problem, cells: Cells, *, seconds: float) -> Relaxed | None:
    """Cut whole cells by shares at the least objective; None where the solver gave nothing in its time."""
    member = cells.cell >= 0
    count, blocks = cells.count, len(problem.blocks)
    pooled, cost = np.zeros((count, SLOTS)), np.zeros((count, blocks))
    np.add.at(pooled, cells.cell[member], problem.cap_kw[member])
    np.add.at(cost, cells.cell[member], (problem.energy_kwh * problem.unit_fen)[member])
    is_open, tier = np.zeros((count, blocks), bool), np.zeros(count, np.int64)
    is_open[cells.cell[member]] = problem.is_open[member]
    tier[cells.cell[member]] = problem.tier[member]
    pairs = np.argwhere(is_open)
    left_w = np.broadcast_to(problem.need_w, (len(problem.levels), SLOTS))
    rows = _rows(problem, pooled[pairs[:, 0]], problem.mask[pairs[:, 1]], tier[pairs[:, 0]], left_w)
    once = coo_array((np.ones(len(pairs)), (pairs[:, 0], np.arange(len(pairs)))), (count, len(pairs)))
    lacks = len(rows.asked_kw)
    scale = 1 / rows.lack_fen.max()
    answer = linprog(
        c=np.concatenate([cost[is_open], rows.lack_fen]) * scale,
        A_ub=vstack([hstack([-rows.power, -identity(lacks)]), hstack([once, csr_array((count, lacks))])], format="csr"),
        b_ub=np.concatenate([-rows.asked_kw, np.ones(count)]),
        bounds=(0, None),
        method="highs",
        options={"time_limit": seconds},
    )
    if answer.x is None or not answer.success:
        return None
    share = np.zeros((count, blocks))
    share[is_open] = answer.x[: len(pairs)]
    price = np.zeros(rows.is_asked.shape)
    price[rows.is_asked] = -answer.ineqlin.marginals[:lacks] / scale
    return Relaxed(np.clip(share, 0, 1), price)


def bound_fen(problem: Problem, price: Floats) -> float:
    """
    A value that no plan can go below, from any prices (levels, 96) of a kW in each slot (Lagrangian relaxation).

    With the prices each customer stands alone: cut in the best block or not at all. The bound holds for every price
    between nothing and that of an uncovered kW, however the prices were found, and so for pooled customers too.
    """
    price = np.clip(price, 0, (problem.uncovered_fen * SLOT_H)[:, None])
    # A kW of one tier helps in the rows of its own level and of all above.
    worth_by_level = np.cumsum(price[::-1], axis=0)[::-1]
    level = np.minimum(np.searchsorted(problem.levels, problem.tier), len(problem.levels) - 1)
    worth = (problem.cap_kw * worth_by_level[level]) @ problem.mask.T
    reduced = np.where(problem.is_open, problem.energy_kwh * problem.unit_fen - worth, 0)
    return float((price @ (problem.need_w / 1000)).sum() + np.minimum(reduced.min(axis=1, initial=0), 0).sum())


@dataclass(frozen=True, slots=True)
class Spread:
    """Shares of cells given to customers: `block` (N,) of those settled, `is_between` (N,) who is not settled."""

    block: Ints
    is_between: Bools


def spread(problem: Problem, cells: Cells, share: Floats, order: Ints) -> Spread:
    """
    Give the shares of each cell to its customers in the fair order, by what they can cut.

    Whoever lies wholly within the share of one block gets it; whoever lies across the end of one is left to be
    decided; the rest of the cell is not cut.
    """
    block = np.full(problem.size, -1, np.int64)
    is_between = np.zeros(problem.size, bool)
    weight = problem.cap_kw.sum(axis=1).astype(float)
    place = np.empty(problem.size, np.int64)
    place[order] = np.arange(problem.size)
    members = np.flatnonzero(cells.cell >= 0)
    members = members[np.lexsort((place[members], cells.cell[members]))]
    starts = np.searchsorted(cells.cell[members], np.arange(cells.count + 1))
    for cell in np.flatnonzero(share.sum(axis=1) > _NOTHING):
        rows = members[starts[cell] : starts[cell + 1]]
        ends = np.cumsum(weight[rows]) / weight[rows].sum()
        begins = np.concatenate([[0.0], ends[:-1]])
        blocks = np.flatnonzero(share[cell] > _NOTHING)
        edges = np.concatenate([[0.0], np.cumsum(share[cell][blocks])])
        left = np.searchsorted(edges, begins + _NOTHING, side="right") - 1
        right = np.searchsorted(edges, ends - _NOTHING, side="right") - 1
        inside = (left == right) & (left < len(blocks))
        block[rows[inside]] = blocks[left[inside]]
        is_between[rows] = (left != right) & (left < len(blocks))
    return Spread(block, is_between)


def decide(problem: Problem, left_w: Ints, members: Ints, *, seconds: float) -> tuple[Ints, bool] | None:
    """
    One block or none for each of these customers, so that `left_w` (levels, 96) is covered at the least objective.

    Gives the blocks and whether the answer is proved to be within half a percent; None where the solver gave nothing.
    """
    pairs = np.argwhere(problem.is_open[members])
    if not len(pairs) or not left_w.any():
        return np.full(len(members), -1, np.int64), True
    who, blocks = members[pairs[:, 0]], pairs[:, 1]
    count, people = len(pairs), len(members)
    rows = _rows(problem, problem.cap_kw[who].astype(float), problem.mask[blocks], problem.tier[who], left_w)
    lacks = len(rows.asked_kw)
    once = coo_array((np.ones(count), (pairs[:, 0], np.arange(count))), (people, count))
    cost = (problem.energy_kwh * problem.unit_fen)[who, blocks]
    # Depths first, then whether a block is ordered at all, then what stays uncovered.
    gives = hstack([rows.power, csr_array((lacks, count)), identity(lacks)], format="csr")
    ordered = hstack([identity(count), -identity(count), csr_array((count, lacks))], format="csr")
    one = hstack([csr_array((people, count)), once, csr_array((people, lacks))], format="csr")
    answer = milp(
        c=np.concatenate([cost, np.zeros(count), rows.lack_fen]) / rows.lack_fen.max(),
        constraints=[
            LinearConstraint(gives, lb=rows.asked_kw),
            LinearConstraint(ordered, ub=np.zeros(count)),
            LinearConstraint(one, ub=np.ones(people)),
        ],
        integrality=np.concatenate([np.zeros(count), np.ones(count), np.zeros(lacks)]),
        bounds=Bounds(0, np.concatenate([np.ones(2 * count), np.full(lacks, np.inf)])),
        options={"time_limit": seconds, "mip_rel_gap": 0.005},
    )
    if answer.x is None:
        return None
    depth = np.zeros((people, len(problem.blocks)))
    depth[pairs[:, 0], blocks] = answer.x[:count]
    return np.where(depth.max(axis=1) > _NOTHING, depth.argmax(axis=1), -1), bool(answer.success)


def deepen(problem: Problem, block: Ints, *, seconds: float) -> Ints | None:
    """The depths in permille (N,) of settled blocks at the least objective; None where the solver gave nothing."""
    members = np.flatnonzero(block >= 0)
    depth = np.zeros(problem.size, np.int64)
    if not len(members) or not problem.need_w.any():
        return depth
    left_w = np.broadcast_to(problem.need_w, (len(problem.levels), SLOTS))
    power, mask = problem.cap_kw[members].astype(float), problem.mask[block[members]]
    rows = _rows(problem, power, mask, problem.tier[members], left_w)
    lacks = len(rows.asked_kw)
    cost = (problem.energy_kwh * problem.unit_fen)[members, block[members]]
    most = np.concatenate([np.ones(len(members)), np.full(lacks, np.inf)])
    answer = linprog(
        c=np.concatenate([cost, rows.lack_fen]) / rows.lack_fen.max(),
        A_ub=hstack([-rows.power, -identity(lacks)], format="csr"),
        b_ub=-rows.asked_kw,
        bounds=np.column_stack([np.zeros(len(most)), most]),
        method="highs",
        options={"time_limit": seconds},
    )
    if answer.x is None or not answer.success:
        return None
    depth[members] = np.ceil(np.clip(answer.x[: len(members)], 0, 1) * FULL - 1e-6).astype(np.int64)
    return depth
