"""
Pure: how long somebody in a queue will wait, with the half-way and the nine-in-ten figure, from how the hall is now.

The queue is played to its end a few hundred times at once: every counter has a moment at which it is free, and each
person ahead goes to the first counter that is free and can serve them (the recursion of Kiefer and Wolfowitz, 1955).
Service times are gamma-distributed by the kind of service; whoever is being served has the rest of a service that has
already lasted so long. The seed is fixed, so the same hall gives the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RUNS = 512
_SEED = 20_260_122
_POOL = 4_096
_RARE = 8


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """How long a kind of service takes: its mean, and its spread as standard deviation over mean (1.0: exponential)."""

    mean_s: float
    spread: float = 0.8


@dataclass(frozen=True, slots=True)
class OpenCounter:
    """
    A counter at which somebody works.

    `serving`: the kind of service under way, empty when it is free; `served_s`: how long that has lasted. `back_in_s`:
    until somebody on a short break is back, 0 where nobody is away.
    """

    skills: frozenset[str]
    serving: str = ""
    served_s: int = 0
    back_in_s: int = 0


@dataclass(frozen=True, slots=True)
class Overtakers:
    """People of a class (`priority`) that is called first and who are still to come, so many an hour, by kind."""

    kind: str
    per_hour: float
    priority: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Seconds until the call; half of such people wait less than `p50_s`, nine in ten less than `p90_s`."""

    mean_s: float
    p50_s: int
    p90_s: int


def predict(
    kind: str,
    *,
    ahead: Sequence[str],
    counters: Sequence[OpenCounter],
    times: Mapping[str, ServiceTime],
    overtakers: Sequence[Overtakers] = (),
    overtaken_for_s: int = 0,
    runs: int = RUNS,
) -> Prediction | None:
    """
    The wait of somebody for `kind` behind those `ahead` (their kinds, in the order in which they will be called).

    `overtakers` come while one waits, for `overtaken_for_s` at the most (the bound). Kinds that `times` does not know
    take the mean of those it knows.

    :returns: None when no open counter can serve the kind: then nobody knows, and no figure is honest
    """
    able = {kind: np.array([n for n, one in enumerate(counters) if kind in one.skills]) for kind in {kind, *ahead}}
    if not len(able[kind]):
        return None
    rng = np.random.default_rng(_SEED)
    free = np.column_stack([_free_at(one, times, runs, rng) for one in counters])
    rows = np.arange(runs)
    for other in ahead:
        if len(able[other]):
            _serve(free, rows, able[other], _draw(other, times, runs, rng))
    if overtaken_for_s > 0:
        _let_overtake(free, rows, able[kind], kind, overtakers, times, overtaken_for_s, rng)
    waits = free[:, able[kind]].min(axis=1)
    p50, p90 = np.quantile(waits, [0.5, 0.9])
    return Prediction(float(waits.mean()), round(float(p50)), round(float(p90)))


def _serve(
    free: NDArray[np.float64], rows: NDArray[np.int64], able: NDArray[np.int64], takes: NDArray[np.float64]
) -> None:
    """One person goes to the first free counter of those that can serve them, in every run."""
    first = able[free[:, able].argmin(axis=1)]
    free[rows, first] += takes


def _let_overtake(
    free: NDArray[np.float64],
    rows: NDArray[np.int64],
    able: NDArray[np.int64],
    kind: str,
    overtakers: Sequence[Overtakers],
    times: Mapping[str, ServiceTime],
    overtaken_for_s: int,
    rng: np.random.Generator,
) -> None:
    """Those who will come and be called first; they keep coming while the ones before them are served."""
    for one in overtakers:
        gap_s = 3600 / one.per_hour if one.per_hour > 0 else np.inf
        comes = rng.exponential(gap_s, len(rows)) if np.isfinite(gap_s) else np.full(len(rows), np.inf)
        # Whoever comes before one is called, and before the bound, goes first; in the other runs nothing happens.
        while (goes_first := comes < np.minimum(free[:, able].min(axis=1), overtaken_for_s)).any():
            _serve(free, rows, able, np.where(goes_first, _draw(one.kind or kind, times, len(rows), rng), 0.0))
            comes = np.where(goes_first, comes + rng.exponential(gap_s, len(rows)), np.inf)


def _time_of(kind: str, times: Mapping[str, ServiceTime]) -> ServiceTime:
    known = times.get(kind)
    if known is not None:
        return known
    return ServiceTime(float(np.mean([one.mean_s for one in times.values()])) if times else 300.0)


def _draw(kind: str, times: Mapping[str, ServiceTime], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    time = _time_of(kind, times)
    shape = 1 / time.spread**2
    return rng.gamma(shape, time.mean_s / shape, count)


def _free_at(
    counter: OpenCounter, times: Mapping[str, ServiceTime], runs: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """When the counter is free, in every run: now, or after the rest of the service under way."""
    if not counter.serving:
        return np.full(runs, float(counter.back_in_s))
    pool = np.sort(_draw(counter.serving, times, _POOL, rng))
    beyond = pool[np.searchsorted(pool, counter.served_s) :]
    if len(beyond) >= _RARE:
        rest = rng.choice(beyond, runs) - counter.served_s
    else:
        # It has lasted longer than nearly any: what is left is anybody's guess, a quarter of a usual one.
        rest = rng.exponential(_time_of(counter.serving, times).mean_s / 4, runs)
    found: NDArray[np.float64] = np.maximum(rest, float(counter.back_in_s))
    return found
