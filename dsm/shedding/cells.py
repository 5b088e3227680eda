"""Pure: customers pooled into cells, so that a linear program of thousands of customers stays small."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dsm.shedding.problem import Floats, Ints, Problem

# Parts of the day whose share of what can be cut describes a load's shape: night, morning, afternoon, evening.
_PARTS = (0, 28, 48, 68, 96)
# How finely price, burden and shape are told apart, from fine to coarse.
_STEPS = (64, 32, 16, 8, 4, 2, 1)


@dataclass(frozen=True, slots=True)
class Cells:
    """`cell` (N,) of each customer, -1 for those who cannot be cut at all; cells count from 0."""

    cell: Ints
    count: int


def pool(problem: Problem, *, most: int) -> Cells:
    """
    Customers of one tier and one choice of windows with like price, burden and shape share a cell; at most about
    `most` cells. Where there are not more customers than that, each is a cell of its own.
    """
    cell = np.full(problem.size, -1, np.int64)
    rows = np.flatnonzero(problem.is_open.any(axis=1))
    if len(rows) <= most:
        cell[rows] = np.arange(len(rows))
        return Cells(cell, len(rows))
    exact = np.column_stack([problem.tier[rows], problem.is_open[rows]]).astype(np.int64)
    features = _features(problem, rows)
    for step in _STEPS:
        keys = np.column_stack([exact, _ranked(features, step)])
        _keys, found = np.unique(keys, axis=0, return_inverse=True)
        found = found.reshape(-1)
        if found.max() + 1 <= most or step == 1:
            break
    cell[rows] = found
    return Cells(cell, int(found.max()) + 1)


def _features(problem: Problem, rows: Ints) -> Floats:
    energy = problem.cap_kw[rows].astype(float)
    parts = [energy[:, low:high].sum(axis=1) for low, high in pairwise(_PARTS)]
    shares = np.column_stack(parts) / np.maximum(energy.sum(axis=1), 1)[:, None]
    price = problem.lost_output_fen[rows] + problem.weights.burden * problem.burden_h[rows]
    return np.column_stack([price, problem.compensation_fen[rows], shares[:, 0], shares[:, 3]])


def _ranked(features: Floats, step: int) -> Ints:
    """Each feature by its rank, in steps of equal numbers: finer for the price than for the shape."""
    fineness = (step, max(step // 4, 1), max(step // 4, 1), max(step // 4, 1))
    ranks = np.empty(features.shape, np.int64)
    for column, steps in enumerate(fineness):
        values, place = np.unique(features[:, column], return_inverse=True)
        ranks[:, column] = place.reshape(-1) * steps // max(len(values), 1)
    return ranks
