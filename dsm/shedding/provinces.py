"""Pure: made-up provinces in a shortage, for properties and benchmarks. The same seed is the same province."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dsm.shedding.groups import equal_groups
from dsm.shedding.problem import PROTECTED_TIER, SLOTS, Block, Ints, Problem

# Production shifts and a whole day (轮休); windows of the daily peaks; limits at any hour of the day.
BLOCKS: tuple[Block, ...] = tuple(
    Block(measure, start * 4, end * 4)
    for measure, hours in (
        ("shift", ((0, 8), (8, 16), (16, 24), (0, 24))),
        ("avoid", ((8, 13), (13, 18), (17, 22), (13, 22))),
        ("limit", ((0, 24), (0, 8), (5, 22), (8, 13), (13, 18), (17, 22), (22, 24))),
    )
    for start, end in hours
)
# 2021-09-30, in 万kW by hours: the published gap of a real shortage (Liaoning), as a shape.
_GAP_SHAPE = ((0, 5, 133), (5, 8, 459), (8, 13, 407), (13, 22, 539), (22, 24, 437))


def gap_curve(stretches: Sequence[tuple[int, int, int]], *, per: int = 1) -> Ints:
    """(96,) a gap from (from hour, to hour, value) times `per`."""
    gap = np.zeros(SLOTS, np.int64)
    for start, end, value in stretches:
        gap[start * 4 : end * 4] = value * per
    return gap


def make_province(
    seed: int, *, customers: int, gap_share: float = 0.35, hours_before: float = 30, protected: float = 0.08
) -> Problem:
    """
    A province of so many customers whose greatest gap is `gap_share` of what could be cut at that time.

    Works of one, two and three shifts, furnaces, offices and shops; what is true of nobody in particular.
    """
    rng = np.random.default_rng(seed)
    hours = np.arange(SLOTS) / 4
    day, late = (hours >= 7) & (hours < 18), (hours >= 14) & (hours < 23)
    shapes = np.array(
        [
            0.15 + 0.85 * day,
            0.12 + 0.88 * (day | late),
            np.full(SLOTS, 1.0),
            0.9 + 0.1 * np.sin(hours / 24 * 2 * np.pi),
            0.25 + 0.75 * np.exp(-(((hours - 13.5) / 4.5) ** 2)),
            0.2 + 0.8 * np.exp(-(((hours - 18) / 4) ** 2)),
        ]
    )
    kind = rng.choice(len(shapes), customers, p=[0.22, 0.2, 0.16, 0.12, 0.18, 0.12])
    peak = rng.lognormal(6.2, 1.1, customers)
    noise = rng.normal(1, 0.04, (customers, SLOTS))
    load = np.maximum(np.round(peak[:, None] * shapes[kind] * noise), 1).astype(np.int64)
    tier = np.where(rng.random(customers) < protected, PROTECTED_TIER, rng.integers(1, 7, customers))
    surveyed = rng.random(customers) < 0.6
    security = np.where(surveyed, rng.uniform(0.03, 0.3, customers), 0.15) * load.max(axis=1)
    process = np.where(kind == 3, rng.integers(20, 60, customers), rng.integers(50, 101, customers))
    problem = Problem(
        load_kw=load,
        security_kw=security.astype(np.int64),
        process_pct=process.astype(np.int64),
        tier=tier.astype(np.int64),
        group=equal_groups(load.max(axis=1), groups=7),
        compensation_fen=rng.integers(30, 200, customers),
        lost_output_fen=rng.integers(200, 3000, customers),
        burden_h=np.where(rng.random(customers) < 0.5, 0, rng.integers(0, 60, customers)).astype(np.int64),
        lead_h=rng.choice(np.array([0, 0, 0, 4, 12]), customers),
        is_key=rng.random(customers) < 0.05,
        is_residential=rng.random(customers) < 0.01,
        gap_kw=np.zeros(SLOTS, np.int64),
        blocks=BLOCKS,
        hours_before=hours_before,
    )
    shape = gap_curve(_GAP_SHAPE)
    there = problem.cap_kw.sum(axis=0)[int(shape.argmax())]
    gap = (shape * (gap_share * int(there) / int(shape.max()))).astype(np.int64)
    return Problem(**{**{name: getattr(problem, name) for name in problem.__dataclass_fields__}, "gap_kw": gap})
