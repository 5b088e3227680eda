"""What billed columns come to under a tariff: rows that are alike are rated together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.queries.billed_population import BilledColumns
from cis.queries.energy_columns import BILLED_REGISTERS, usage_for
from cis.rating import CannotPrice, CompiledTariff, compile_rules, rate

__all__ = ["alike", "compiled", "totals"]


def compiled(rules: Sequence[Mapping[str, Any]] | None) -> CompiledTariff | None:
    """The rules of a version; None where they cannot be priced."""
    try:
        return compile_rules(rules or ())
    except CannotPrice:
        return None


def alike(found: BilledColumns) -> list[tuple[int, int, NDArray[np.int64]]]:
    """Rows with the same version, calendar month and registers, with a basis or without: (version, month, rows)."""
    bits = found.has_register @ (1 << np.arange(len(BILLED_REGISTERS)))
    if found.basis is not None:
        bits = bits * 2 + found.basis.has
    keys = np.stack([found.version, found.cycle.astype(np.int64) % 100, bits.astype(np.int64)])
    groups, place = np.unique(keys, axis=1, return_inverse=True)
    order = np.argsort(place.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(place.ravel(), minlength=groups.shape[1]))
    return [
        (int(groups[0, at]), int(groups[1, at]), rows)
        for at, rows in enumerate(np.split(order, ends[:-1]) if len(found) else [])
    ]


def totals(
    found: BilledColumns, rows: NDArray[np.int64], tariff: CompiledTariff | None, month: int
) -> NDArray[np.int64]:
    """The totals of rows that have the same registers, (n,) fen; -1 where the tariff cannot price them."""
    nothing = np.full(len(rows), -1, dtype=np.int64)
    if tariff is None:
        return nothing
    usage = usage_for(
        tariff,
        energy_kwh_e2=found.energy_kwh_e2[rows],
        has_register=found.has_register[rows[0]].tolist(),
        tier_kwh_e2_before=found.tier_kwh_e2_before[rows],
        people=found.people[rows],
        months=found.months[rows],
        bill_month=month,
        tier_months=found.tier_months[rows],
        more=found.basis.more(rows) if found.basis is not None and found.basis.has[rows[0]] else None,
    )
    try:
        rated = rate(tariff, usage)
    except CannotPrice:
        return nothing
    return np.where(rated.refused == 0, rated.total_fen, -1)
