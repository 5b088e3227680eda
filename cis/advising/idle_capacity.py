"""Pure: which whole transformers could have been suspended for which months, and what that would have saved.

Source: 供电营业规则 (1996) art. 24, 发改办价格〔2016〕1583号; billing-rules.md 2.3. Who pays by demand suspends all or
nothing, so this is for those who pay by capacity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from cis.advising.months import Month, costs_fen
from cis.rating.columns import WHOLE

__all__ = ["MOST_TRANSFORMERS", "Suspension", "SuspensionLimits", "best_suspension"]

MOST_TRANSFORMERS = 8


@dataclass(frozen=True)
class SuspensionLimits:
    """How often and how long capacity may be suspended in the months looked at."""

    times: int
    months: int


@dataclass(frozen=True)
class Suspension:
    """The transformers (0.01 kVA each) that stand still in some months, and what that saves."""

    sealed_kva_e2: tuple[int, ...]
    cycles: tuple[int, ...]
    saves_fen: int


def best_suspension(
    months: Sequence[Month],
    *,
    transformers_kva_e2: Sequence[int],
    needed_kva_e2: Sequence[int],
    limits: SuspensionLimits,
) -> Suspension | None:
    """The suspension that saves most; None where none saves.

    `needed_kva_e2` (months,): what has to stay in service. Only months whose whole capacity is that of the
    transformers, charged for the whole month, can be changed. Raises ValueError of more than `MOST_TRANSFORMERS`.
    """
    if len(transformers_kva_e2) > MOST_TRANSFORMERS:
        raise ValueError("too many transformers to try")
    whole = sum(transformers_kva_e2)
    now = costs_fen(months)
    best: Suspension | None = None
    for sealed in _sets_of(transformers_kva_e2):
        kept = whole - sum(sealed)
        saves = [
            _saved(month, cost, kept) if _is_whole(month, whole) and kept >= needed else None
            for month, cost, needed in zip(months, now, needed_kva_e2, strict=True)
        ]
        chosen = _best_months(saves, limits)
        saved = sum(saves[place] or 0 for place in chosen)
        if saved > 0 and (best is None or saved > best.saves_fen):
            best = Suspension(sealed, tuple(months[place].cycle for place in chosen), saved)
    return best


def _sets_of(transformers: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every set of transformers that leaves one in service, each set of sizes once."""
    for count in range(1, len(transformers)):
        yield from dict.fromkeys(tuple(sorted(some)) for some in combinations(transformers, count))


def _is_whole(month: Month, whole_kva_e2: int) -> bool:
    capacity, share = month.usage.more.get("capacity_kva_e2"), month.usage.more.get("capacity_share")
    if capacity is None or share is None:
        return False
    stretches = [(int(kva), int(part)) for kva, part in zip(capacity[0], share[0], strict=True) if kva]
    return stretches == [(whole_kva_e2, WHOLE)]


def _saved(month: Month, cost: int | None, kept_kva_e2: int) -> int | None:
    capacity = np.zeros_like(month.usage.more["capacity_kva_e2"])
    capacity[0, 0] = kept_kva_e2
    more = {**month.usage.more, "capacity_kva_e2": capacity, "floor_kva_e2": np.array([kept_kva_e2], dtype=np.int64)}
    [after] = costs_fen([replace(month, usage=replace(month.usage, more=more))])
    return None if cost is None or after is None else cost - after


# What is left to seal, how often it may still begin, and whether it is sealed now, to what was saved at most and where.
_States = dict[tuple[int, int, bool], tuple[int, tuple[int, ...]]]


def _best_months(saves: Sequence[int | None], limits: SuspensionLimits) -> tuple[int, ...]:
    """The places that save most in at most so many unbroken stretches of at most so many months together."""
    states: _States = {(limits.months, limits.times, False): (0, ())}
    for place, saved in enumerate(saves):
        after: _States = {}
        for (left, times, is_sealed), (total, places) in states.items():
            _keep(after, (left, times, False), (total, places))
            if saved is not None and left and (is_sealed or times):
                state = (left - 1, times if is_sealed else times - 1, True)
                _keep(after, state, (total + saved, (*places, place)))
        states = after
    return max(states.values(), key=lambda found: found[0])[1]


def _keep(states: _States, state: tuple[int, int, bool], found: tuple[int, tuple[int, ...]]) -> None:
    if state not in states or found[0] > states[state][0]:
        states[state] = found
