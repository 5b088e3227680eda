"""A part of a bill whose price or contract changes inside the period, cut into its stretches of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.models.supply_terms import BillPart
from cis.rating.rules.losses import spread

__all__ = ["Stretch", "cut_part"]

Int = NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """Some days of a period at one price; days as Postgres days, half-open."""

    from_on: int
    to_on: int
    version: int
    price_class: int
    people: int


def cut_part(
    part: Mapping[str, Any], stretches: Sequence[Stretch], measured: Int, *, uses: Callable[[int], int]
) -> list[dict[str, Any]]:
    """
    The stretches of one part, a row of `PartColumns` each, as what was measured in them lies to each other.

    `measured` (stretches, registers) is what the part's meter read between the days of change. What nobody measured by
    time, such as a loss in a period without use, goes by all of it, else by days. `uses(price_class)` is what the tier
    year of a class used before.
    """
    energy, has = part["energy_kwh_e2"], part["has_register"]
    days = np.array([one.to_on - one.from_on for one in stretches], dtype=np.int64)
    of_all = measured[:, 0] if measured[:, 0].any() else measured[:, 1:].sum(axis=1)
    of_all = of_all if of_all.any() else days
    cut = np.zeros((len(stretches), len(energy)), dtype=np.int64)
    for place in np.flatnonzero(has).tolist():
        weights = measured[:, place] if measured[:, place].any() else of_all
        cut[:, place] = _shared(int(energy[place]), weights)
    if has[0] and has[1:].any():
        cut[:, 0] = cut[:, 1:].sum(axis=1)
    total = cut[:, 0] if has[0] else cut.sum(axis=1)
    loss = _shared(int(part.get("loss_kwh_e2", 0)), total if total.any() else days)
    is_main = part["kind"] == int(BillPart.Kind.MAIN)
    before: dict[int, int] = {}
    found = []
    for at, one in enumerate(stretches):
        used = before.setdefault(one.price_class, uses(one.price_class)) if is_main else 0
        found.append(
            {
                **part, "kind": int(BillPart.Kind.STRETCH) if is_main else part["kind"], "version": one.version,
                "price_class": one.price_class, "people": one.people, "from_on": one.from_on, "to_on": one.to_on,
                "tier_kwh_e2_before": used, "energy_kwh_e2": cut[at], "loss_kwh_e2": int(loss[at]),
            }
        )  # fmt: skip
        before[one.price_class] = used + int(total[at])
    return found


def _shared(amount_e2: int, weights: Int) -> Int:
    """First stretches in whole kWh, the rest to the last."""
    return np.asarray(spread(np.array([amount_e2], dtype=np.int64), weights[np.newaxis], len(weights) - 1)[0])
