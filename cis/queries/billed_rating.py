"""What billed columns come to under a tariff: bills that are alike are rated together, others part by part."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.models import BillPart, TariffVersion
from cis.queries.billed_population import BilledColumns
from cis.queries.energy_columns import BILLED_REGISTERS, usage_for
from cis.queries.part_columns import PartColumns
from cis.queries.part_rating import BillFacts, rate_parts
from cis.rating import CannotPrice, CompiledTariff, Switches, compile_rules, rate, rules_under

__all__ = ["compiled", "own_totals", "totals", "totals_under"]

Rules = Sequence[Mapping[str, Any]]
Int = NDArray[np.int64]
# The version that stands for rules which are no version's.
_DRAFT = -1


def compiled(rules: Rules | None, switches: Switches | None = None) -> CompiledTariff | None:
    """The rules of a version under the choices of a utility; None where they cannot be priced."""
    try:
        return compile_rules(rules_under(rules or (), switches) if switches is not None else rules or ())
    except CannotPrice:
        return None


def own_totals(found: BilledColumns) -> Int:
    """What every bill comes to by its own tariff and the choices of its day, (n,) fen; -1 where it has no price."""
    rules = _rules_of(found)
    fen = np.full(len(found), -1, dtype=np.int64)
    for version, month, switches, rows in _alike(found):
        fen[rows] = totals(found, rows, compiled(rules.get(version), found.switch_sets[switches]), month)
    if found.parts is not None:
        _of_parts(found, found.parts, rules, fen)
    return fen


def totals_under(found: BilledColumns, rules: Rules, *, of_tariff: Collection[int] = ()) -> Int:
    """
    What every bill comes to with these rules in the place of its own tariff, (n,) fen; -1 where they cannot price it.

    Of a bill of several parts the account's own tariff is replaced, in every stretch of the period, and the price of
    any part that is one of the versions `of_tariff`; other parts keep their price.
    """
    fen = np.full(len(found), -1, dtype=np.int64)
    tariffs = [compiled(rules, one) for one in found.switch_sets]
    for _version, month, switches, rows in _alike(found):
        fen[rows] = totals(found, rows, tariffs[switches], month)
    if found.parts is not None:
        parts = found.parts
        own = np.isin(parts.kind, (int(BillPart.Kind.MAIN), int(BillPart.Kind.STRETCH)))
        own |= np.isin(parts.version, list(of_tariff))
        drafted = replace(parts, version=np.where(own, _DRAFT, parts.version))
        _of_parts(found, drafted, {**_rules_of(found), _DRAFT: rules}, fen)
    return fen


def _rules_of(found: BilledColumns) -> dict[int, Rules]:
    versions = set(found.version.tolist()) | (set(found.parts.version.tolist()) if found.parts is not None else set())
    return dict(TariffVersion.objects.filter(pk__in=versions).values_list("pk", "rules"))


def _alike(found: BilledColumns) -> list[tuple[int, int, int, Int]]:
    """Bills of one part with the same version, calendar month, choices and registers, with a basis or without."""
    among = np.flatnonzero(~found.has_parts())
    bits = found.has_register[among] @ (1 << np.arange(len(BILLED_REGISTERS)))
    if found.basis is not None:
        bits = bits * 2 + found.basis.has[among]
    keys = np.stack(
        [found.version[among], found.cycle[among].astype(np.int64) % 100, found.switches[among], bits.astype(np.int64)]
    )
    groups, place = np.unique(keys, axis=1, return_inverse=True)
    order = np.argsort(place.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(place.ravel(), minlength=groups.shape[1]))
    return [
        (int(groups[0, at]), int(groups[1, at]), int(groups[2, at]), among[rows])
        for at, rows in enumerate(np.split(order, ends[:-1]) if len(among) else [])
    ]


def totals(found: BilledColumns, rows: Int, tariff: CompiledTariff | None, month: int) -> Int:
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


def _of_parts(found: BilledColumns, parts: PartColumns, rules: Mapping[int, Rules], fen: Int) -> None:
    """Put into `fen` what bills of several parts come to, month by month."""

    def more(rows: Int) -> Mapping[str, Int]:
        return found.basis.more(rows) if found.basis is not None and found.basis.has[rows].any() else {}

    month = found.cycle.astype(np.int64) % 100
    for one in np.unique(month[parts.row]).tolist():
        of_month = parts.among(month[parts.row] == one)
        rated = rate_parts(
            of_month,
            BillFacts(
                bill_month=one,
                months=found.months,
                tier_months=found.tier_months,
                switches=lambda row: found.switch_sets[found.switches[row]],
                rules=rules,
                more=more,
            ),
        )
        fen[of_month.row] = 0
        np.add.at(fen, rated.lines.row, rated.lines.amount_fen)
        fen[list(rated.left_out)] = -1
