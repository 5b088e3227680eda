"""Pure: what a shortage asks, in columns, and what a plan answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SLOTS = 96
SLOT_H = 0.25
PROTECTED_TIER = 9
# A cut of everything that can be cut, in permille.
FULL = 1000
# 先错峰、后避峰、再限电; opening a feeder (拉闸) is no measure of a plan.
MEASURES = ("shift", "avoid", "limit")


@dataclass(frozen=True, slots=True)
class Block:
    """A window of the day in which a customer may be cut, slots [start, end), and by which measure."""

    measure: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.measure not in MEASURES or not 0 <= self.start < self.end <= SLOTS:
            raise ValueError(f"no such block: {self}")


@dataclass(frozen=True, slots=True)
class Weights:
    """
    What counts how much in the objective; orders of magnitude make the order of aims.

    `unserved` and `tier` are multiples of the dearest kWh that can be cut: a kWh nobody covers, which stands above all
    that a window may waste beside it, and a kWh that a tier more had to cover. So much waste of a lower tier is put up
    with; that nobody is cut before their turn is kept beside the objective, by topping up tier after tier. `burden` is
    fen a kWh for every hour a customer was cut before in the season; `limit` fen a kWh for the measure 限电, which
    stands behind 错峰 and 避峰.
    """

    unserved: int = 300
    tier: int = 3
    burden: int = 5
    limit: int = 500


@dataclass(frozen=True)
class Problem:
    """
    A shortage on one day. N customers, 96 slots of a quarter of an hour; power in whole kW, money in fen a kWh.

    `load_kw` (N, 96) is what each would draw; nothing falls under `security_kw` (N,). `process_pct` (N,) of what lies
    above can stop within the notice. `tier` (N,): 1 is cut first, 9 is protected and never cut. `group` (N,) is the
    rotation group. `burden_h` (N,): hours cut before in the season. `lead_h` (N,): the notice a customer needs at
    least, and `notice_h` what each measure gives everybody; `hours_before` lie between the orders and 00:00 of the
    day (negative on the day itself). `gap_kw` (96,) is short; a plan covers it with `margin_pct` on top.
    `compensated_pct` says how much of the compensation a measure earns.

    :raises ValueError: columns of different lengths, or values that mean nothing
    """

    load_kw: Ints
    security_kw: Ints
    process_pct: Ints
    tier: Ints
    group: Ints
    compensation_fen: Ints
    lost_output_fen: Ints
    burden_h: Ints
    lead_h: Ints
    is_key: Bools
    is_residential: Bools
    gap_kw: Ints
    blocks: tuple[Block, ...]
    margin_pct: int = 3
    notice_h: Mapping[str, float] = field(default_factory=lambda: {"shift": 24, "avoid": 4, "limit": 2})
    compensated_pct: Mapping[str, int] = field(default_factory=lambda: {"shift": 0, "avoid": 100, "limit": 100})
    hours_before: float = 48
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        count = len(self.load_kw)
        columns: Sequence[NDArray[np.generic]] = (
            self.security_kw, self.process_pct, self.tier, self.group, self.compensation_fen, self.lost_output_fen,
            self.burden_h, self.lead_h, self.is_key, self.is_residential,
        )  # fmt: skip
        if self.load_kw.shape != (count, SLOTS) or any(column.shape != (count,) for column in columns):
            raise ValueError("every customer has one value in every column, and 96 loads")
        if self.gap_kw.shape != (SLOTS,) or not self.blocks:
            raise ValueError("a shortage has 96 gaps and at least one block")
        if count and not (1 <= self.tier.min() and self.tier.max() <= PROTECTED_TIER):
            raise ValueError("tiers go from 1 to 9")
        if count and not (0 <= self.process_pct.min() and self.process_pct.max() <= 100):
            raise ValueError("a process share lies between 0 and 100")

    @property
    def size(self) -> int:
        """How many customers there are."""
        return len(self.load_kw)

    @cached_property
    def is_protected(self) -> Bools:
        """Who is never cut, whatever else stands in the columns: tier 9 and everybody who lives there."""
        return np.asarray((self.tier == PROTECTED_TIER) | self.is_residential)

    @cached_property
    def cap_kw(self) -> Ints:
        """(N, 96) what can be cut: above the security load, as far as the process can stop; 0 for the protected."""
        above = np.maximum(self.load_kw - self.security_kw[:, None], 0)
        return np.where(self.is_protected[:, None], 0, above * self.process_pct[:, None] // 100)

    @cached_property
    def need_w(self) -> Ints:
        """(96,) the gap with its margin, in W."""
        return np.asarray(np.maximum(self.gap_kw, 0) * 10 * (100 + self.margin_pct), np.int64)

    @cached_property
    def mask(self) -> Bools:
        """(blocks, 96) which slots a block covers."""
        slots = np.arange(SLOTS)
        return np.array([(block.start <= slots) & (slots < block.end) for block in self.blocks])

    @cached_property
    def is_open(self) -> Bools:
        """(N, blocks) whether a block may be ordered: notice is kept, and there is something to cut in it."""
        starts_h = np.array([self.hours_before + block.start * SLOT_H for block in self.blocks])
        notice = np.array([self.notice_h[block.measure] for block in self.blocks])
        in_time = starts_h[None, :] >= np.maximum(notice[None, :], self.lead_h[:, None])
        return np.asarray(in_time & (self.energy_kwh > 0))

    @cached_property
    def energy_kwh(self) -> Floats:
        """(N, blocks) what a full cut in a block takes, in kWh."""
        return np.asarray((self.cap_kw @ self.mask.T.astype(np.int64)) * SLOT_H, np.float64)

    @cached_property
    def unit_fen(self) -> Floats:
        """(N, blocks) what a kWh cut counts in the objective: money, burden, measure."""
        share = np.array([self.compensated_pct[block.measure] / 100 for block in self.blocks])
        limit = np.array([self.weights.limit if block.measure == "limit" else 0 for block in self.blocks])
        own = self.lost_output_fen + self.weights.burden * self.burden_h
        return np.asarray(own[:, None] + self.compensation_fen[:, None] * share[None, :] + limit[None, :], float)

    @cached_property
    def levels(self) -> Ints:
        """The tiers of those who may be cut, rising: the order in which they are asked; never empty."""
        found = np.unique(self.tier[~self.is_protected])
        return found if len(found) else np.array([1], np.int64)

    @cached_property
    def uncovered_fen(self) -> Floats:
        """(levels,) what a kWh counts that the tiers up to each leave uncovered: order of tiers, last the shortage."""
        dearest = max(float(self.unit_fen.max(initial=0)), 1.0)
        counts = np.full(len(self.levels), self.weights.tier * dearest)
        counts[-1] = self.weights.unserved * dearest
        return counts

    def only(self, measures: Sequence[str]) -> Bools:
        """(blocks,) which blocks belong to these measures."""
        return np.array([block.measure in measures for block in self.blocks])


@dataclass(frozen=True)
class Plan:
    """
    Who is cut: `block` (N,) is the index of the block or -1, `depth` (N,) the share of what can be cut, in permille.

    `shed_w` (N, 96) is what that takes off the load, exactly, in W: kW that can be cut times permille. `bound_fen` is
    a value that no plan of this problem can go below, where one was computed. `state` says how the plan came about:
    "complete", "time-limit" (the best until then) or "no-solution" (what the greedy way gives).
    """

    block: Ints
    depth: Ints
    shed_w: Ints
    state: str = "complete"
    bound_fen: float | None = None

    @cached_property
    def total_w(self) -> Ints:
        """(96,) what all cuts together take off the load."""
        return np.asarray(self.shed_w.sum(axis=0), np.int64)

    @cached_property
    def is_cut(self) -> Bools:
        """(N,) who is cut."""
        return np.asarray(self.block >= 0)


def make_plan(
    problem: Problem, block: Ints, depth: Ints, *, state: str = "complete", bound_fen: float | None = None
) -> Plan:
    """The plan of a block and a depth each; who has no depth, or nothing that could be cut there, is not cut."""
    window = np.where((block >= 0)[:, None], problem.mask[block], False)
    shed_w = np.where(window, problem.cap_kw * np.clip(depth, 0, FULL)[:, None], 0)
    is_cut = shed_w.any(axis=1)
    return Plan(np.where(is_cut, block, -1), np.where(is_cut, depth, 0), shed_w, state, bound_fen)


def nobody(problem: Problem) -> Plan:
    """The plan that cuts nobody."""
    return make_plan(problem, np.full(problem.size, -1, np.int64), np.zeros(problem.size, np.int64))


def uncovered_w(problem: Problem, plan: Plan) -> Ints:
    """(levels, 96) what the customers up to each tier leave of the need."""
    shed = np.array([plan.shed_w[problem.tier <= level].sum(axis=0) for level in problem.levels], np.int64)
    return np.asarray(np.maximum(problem.need_w - shed.reshape(len(problem.levels), SLOTS), 0), np.int64)


def objective_fen(problem: Problem, plan: Plan) -> float:
    """
    What a plan counts: every kWh it cuts, every kWh that a tier more had to cover, every kWh that nobody covers.

    A window's waste beside the need counts its money only: nobody of a higher tier is spared by it.
    """
    rows = np.flatnonzero(plan.is_cut)
    cut_kwh = plan.shed_w[rows].sum(axis=1) * SLOT_H / 1000
    uncovered_kwh = uncovered_w(problem, plan).sum(axis=1) * SLOT_H / 1000
    return float(cut_kwh @ problem.unit_fen[rows, plan.block[rows]] + uncovered_kwh @ problem.uncovered_fen)
