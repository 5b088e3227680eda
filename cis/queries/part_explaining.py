"""Explain a bill of several parts from what was kept with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cis.models.supply_terms import BillPart
from cis.queries.part_columns import PartColumns
from cis.queries.part_rating import (
    OF_ENERGY,
    RESIDENTIAL,
    BillFacts,
    PartLines,
    components_of,
    free_of,
    more_of_main,
    part_usage,
    rate_parts,
    tariff_of,
)
from cis.rating import CannotPrice, ChargeCode, LineFacts, explain
from config.shared.bulk_copy import day_of

__all__ = ["explain_parts"]

Int = NDArray[np.int64]
KIND = BillPart.Kind


def explain_parts(parts: PartColumns, facts: BillFacts) -> list[LineFacts]:
    """The lines of one bill (row 0) with the facts each follows from; raises CannotPrice where it is left out now."""
    rated = rate_parts(parts, facts)
    if rated.left_out:
        code, detail = next(iter(rated.left_out.values()))
        raise CannotPrice("row_refused", detail or code)
    explained: dict[tuple[int, bool], list[LineFacts]] = {}
    found: list[LineFacts] = []
    lines = rated.lines
    for number in range(len(lines.row)):
        part, is_cut = int(lines.part[number]), bool(lines.is_cut[number])
        if (part, is_cut) not in explained:
            explained[part, is_cut] = _facts_of(parts, part, facts, lines, is_cut=is_cut)
        one = explained[part, is_cut][int(lines.at[number])]
        found.append(
            LineFacts(
                ChargeCode(int(lines.code[number])),
                int(lines.quantity[number]),
                int(lines.price_e8[number]),
                int(lines.amount_fen[number]),
                int(lines.share[number]),
                {**one.facts, **_words_of(parts, part)},
            )
        )
    return found


def _facts_of(parts: PartColumns, part: int, facts: BillFacts, lines: PartLines, *, is_cut: bool) -> list[LineFacts]:
    component = next((one for one in components_of(parts)[0] if part in one), [part])
    at, first = np.array([part]), np.array(component[:1])
    tariff = tariff_of(int(parts.version[part]), facts.switches(int(parts.row[part])), facts, free_of(parts, part))
    more: dict[str, Int] = {}
    if int(parts.kind[part]) in (KIND.MAIN, KIND.STRETCH):
        # What the other parts add to the base is the adjustment's line itself less this part's lines.
        other_fen = {int(parts.row[part]): _other_fen(parts, component, facts, lines)}
        more = more_of_main(parts, first, facts, other_fen)
    if not is_cut:
        return explain(tariff, part_usage(parts, at, tariff, facts, more=more), 0)
    whole = parts.energy_kwh_e2[component].sum(axis=0, keepdims=True)
    return explain(tariff, part_usage(parts, at, tariff, facts, energy_kwh_e2=whole, before_of=first, more=more), 0)


def _other_fen(parts: PartColumns, component: Sequence[int], facts: BillFacts, lines: PartLines) -> int:
    """What the amounts of other parts add to the base of the adjustment."""
    adjusts_homes = facts.switches(int(parts.row[component[0]])).is_on("pf_adjust_residential")
    is_other = ~np.isin(lines.part, component) & np.isin(lines.code, OF_ENERGY)
    is_other &= (parts.price_class[lines.part] != RESIDENTIAL) | adjusts_homes
    return int(lines.amount_fen[is_other].sum())


def _words_of(parts: PartColumns, part: int) -> dict[str, object]:
    """What a reader is told of a line's part."""
    kind = KIND(int(parts.kind[part]))
    said: dict[str, object] = {"part": kind.name.lower()}
    if any(part in one for one in components_of(parts)[0]):
        said |= {
            "part_from": day_of(int(parts.from_on[part])).isoformat(),
            "part_to": day_of(int(parts.to_on[part])).isoformat(),
        }
    if parts.loss_kwh_e2[part]:
        said["loss_kwh_e2"] = int(parts.loss_kwh_e2[part])
    return said
