"""Rate bills that have several parts, by the same kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.models.customers import SupplyContract
from cis.models.supply_terms import BillPart
from cis.queries.energy_columns import BILLED_REGISTERS, usage_for
from cis.queries.left_out import LeftOut
from cis.queries.part_columns import PartColumns
from cis.rating import (
    CHARGES,
    CannotPrice,
    CompiledTariff,
    Refusal,
    Switches,
    Usage,
    compile_rules,
    rate,
    rules_under,
)
from cis.rating.columns import Lines
from cis.rating.stretches import cut_lines

__all__ = [
    "OF_ENERGY",
    "RESIDENTIAL",
    "BillFacts",
    "PartLines",
    "RatedParts",
    "components_of",
    "free_of",
    "more_of_main",
    "part_usage",
    "rate_parts",
    "registers_of",
    "tariff_of",
]

Int = NDArray[np.int64]
KIND = BillPart.Kind
RESIDENTIAL = int(SupplyContract.PriceClass.RESIDENTIAL)
OF_ENERGY = np.array([int(code) for code, charge in CHARGES.items() if charge.ledger == "energy"], dtype=np.int16)


@dataclass(frozen=True)
class BillFacts:
    """What parts of a bill share, by the row that `PartColumns.row` names."""

    bill_month: int
    months: NDArray[Any]
    tier_months: NDArray[Any]
    switches: Callable[[int], Switches]
    rules: Mapping[int, Sequence[Mapping[str, Any]]]
    """of every version that a part names"""
    more: Callable[[Int], Mapping[str, Int]]
    """the kernel's determinants of some rows; empty where nobody has any"""
    uneven: frozenset[int] = frozenset()
    """rows of which one meter tells the periods and another does not"""


@dataclass(frozen=True)
class PartLines:
    """Lines of bills with parts, bill by bill in the order of the bill."""

    row: Int
    code: NDArray[np.int16]
    quantity: Int
    price_e8: Int
    amount_fen: Int
    share: Int
    part: Int
    """the place of each line's part in the columns"""
    at: Int
    """its place among the lines of that part"""
    is_cut: NDArray[np.bool_]
    """whether the part's price was put on the energy of all stretches and the line cut"""


@dataclass(frozen=True)
class RatedParts:
    """What bills with parts come to."""

    lines: PartLines
    left_out: dict[int, tuple[str, str]]


def rate_parts(parts: PartColumns, facts: BillFacts) -> RatedParts:
    """
    Rate the parts of bills; a bill of which one part cannot be priced is left out whole.

    The main part comes last, for its adjustment may be of the others' amounts too; bills have their lines in order.
    """
    left_out: dict[int, tuple[str, str]] = {}
    found: list[PartLines] = []
    cut, whole = components_of(parts)
    is_main = np.isin(parts.kind, (KIND.MAIN, KIND.STRETCH))
    for at in _groups(parts, [one for one in cut if not is_main[one[0]]], facts):
        found += _stretches(parts, at, facts, None, left_out)
    for group, tariff in _priced_alike(parts, whole[~is_main[whole]], facts, left_out):
        found.append(_alone(parts, group, tariff, facts, {}, left_out))
    other_fen = _of_others(parts, facts, found)
    for at in _groups(parts, [one for one in cut if is_main[one[0]]], facts):
        found += _stretches(parts, at, facts, other_fen, left_out)
    for group, tariff in _priced_alike(parts, whole[is_main[whole]], facts, left_out):
        more = more_of_main(parts, group, facts, other_fen)
        found.append(_alone(parts, group, tariff, facts, more, left_out))
    names = PartLines.__dataclass_fields__
    joined = PartLines(
        **{name: np.concatenate([np.empty(0, np.int64), *(getattr(one, name) for one in found)]) for name in names}
    )
    order = np.lexsort((joined.at, joined.part, joined.row))
    order = order[~np.isin(joined.row[order], list(left_out))]
    lines = PartLines(**{name: getattr(joined, name)[order] for name in names})
    return RatedParts(replace(lines, code=lines.code.astype(np.int16), is_cut=lines.is_cut.astype(np.bool_)), left_out)


def components_of(parts: PartColumns) -> tuple[list[list[int]], Int]:
    """
    The places of parts that are cut in time, stretch by stretch, and of those that are not.

    Parts of a bill lie together, and each begins with the bill's period.
    """
    cut: list[list[int]] = []
    for at, (row, from_on) in enumerate(zip(parts.row.tolist(), parts.from_on.tolist(), strict=True)):
        before = cut[-1][-1] if cut else -1
        if cut and parts.row[before] == row and from_on > parts.from_on[cut[-1][0]]:
            cut[-1].append(at)
        else:
            cut.append([at])
    whole = [one[0] for one in cut if len(one) == 1]
    return [one for one in cut if len(one) > 1], np.array(whole, dtype=np.int64)


def more_of_main(parts: PartColumns, at: Int, facts: BillFacts, other_fen: Mapping[int, int]) -> dict[str, Int]:
    """The determinants of main parts beside their energy."""
    rows = parts.row[at]
    more = dict(facts.more(rows))
    if more:
        more["pf_other_fen"] = np.array([other_fen.get(row, 0) for row in rows.tolist()], dtype=np.int64)
    if parts.free_months[at].any():
        more["free_months"] = parts.free_months[at]
    return more


def _of_others(parts: PartColumns, facts: BillFacts, found: Sequence[PartLines]) -> dict[int, int]:
    """What the parts beside the main one add to the base of its adjustment, by row."""
    other_fen: dict[int, int] = {}
    for one in found:
        is_base = np.isin(one.code, OF_ENERGY)
        for row, part, amount in zip(
            one.row[is_base].tolist(), one.part[is_base].tolist(), one.amount_fen[is_base].tolist(), strict=True
        ):
            is_home = int(parts.price_class[part]) == RESIDENTIAL
            if not is_home or facts.switches(row).is_on("pf_adjust_residential"):
                other_fen[row] = other_fen.get(row, 0) + amount
    return other_fen


def _groups(parts: PartColumns, cut: Sequence[Sequence[int]], facts: BillFacts) -> list[NDArray[np.int64]]:
    """Parts cut in time that are priced alike: (stretches, bills) places."""
    groups: dict[tuple[Any, ...], list[Sequence[int]]] = {}
    for places in cut:
        first = places[0]
        key = (
            tuple(parts.version[list(places)].tolist()),
            parts.has_register[first].tobytes(),
            facts.switches(int(parts.row[first])),
            free_of(parts, first),
        )
        groups.setdefault(key, []).append(places)
    return [np.array(places, dtype=np.int64).T for places in groups.values()]


def free_of(parts: PartColumns, at: int) -> tuple[int, int]:
    """(0.01 kWh a month, 1) of a part whose household has free energy in this bill, else nothing."""
    return (int(parts.free_kwh_e2_per_month[at]), 1) if parts.free_months[at] else (0, 0)


def tariff_of(version: int, switches: Switches, facts: BillFacts, free: tuple[int, int] = (0, 0)) -> CompiledTariff:
    """A version under the utility's choices, with the free energy of a household where it has some."""
    if version not in facts.rules:
        raise CannotPrice("unknown_tariff", str(version))
    rules = list(facts.rules[version])
    if free[0] and not any(rule.get("kind") == "free_energy" for rule in rules):
        rules.append({"kind": "free_energy", "kwh_per_month": str(free[0] // 100)})
    return compile_rules(rules_under(rules, switches))


def part_usage(
    parts: PartColumns,
    at: Int,
    tariff: CompiledTariff,
    facts: BillFacts,
    *,
    energy_kwh_e2: Int | None = None,
    before_of: Int | None = None,
    more: Mapping[str, Int] | None = None,
) -> Usage:
    return usage_for(
        tariff,
        energy_kwh_e2=parts.energy_kwh_e2[at] if energy_kwh_e2 is None else energy_kwh_e2,
        has_register=parts.has_register[at[0]].tolist(),
        tier_kwh_e2_before=parts.tier_kwh_e2_before[at if before_of is None else before_of],
        people=parts.people[at],
        months=facts.months[parts.row[at]],
        bill_month=facts.bill_month,
        tier_months=facts.tier_months[parts.row[at]],
        more=more,
    )


def _check_uneven(tariff: CompiledTariff, rows: Int, facts: BillFacts, left_out: dict[int, tuple[str, str]]) -> None:
    if facts.uneven and any(rule.period_registers for rule in tariff.rules):
        for row in rows.tolist():
            if row in facts.uneven:
                left_out[row] = (LeftOut.REGISTERS_DISAGREE, "")


# --- Stretches of time -----------------------------------------------------------------------


def _stretches(
    parts: PartColumns,
    at: Int,
    facts: BillFacts,
    other_fen: Mapping[int, int] | None,
    left_out: dict[int, tuple[str, str]],
) -> list[PartLines]:
    """
    Parts that are cut in time and priced alike: by lines where all prices charge alike, else one after the other.

    `other_fen` of main parts: what the others add to the base of the adjustment; None of others.
    """
    try:
        return _cut(parts, at, facts, other_fen, left_out)
    except CannotPrice as error:
        left_out |= dict.fromkeys(parts.row[at[0]].tolist(), (LeftOut.CANNOT_PRICE, error.code))
        return []


def _cut(
    parts: PartColumns,
    at: Int,
    facts: BillFacts,
    other_fen: Mapping[int, int] | None,
    left_out: dict[int, tuple[str, str]],
) -> list[PartLines]:
    rows = parts.row[at[0]]
    switches, free = facts.switches(int(rows[0])), free_of(parts, int(at[0, 0]))
    tariffs = [tariff_of(int(parts.version[of[0]]), switches, facts, free) for of in at]
    for tariff in tariffs:
        _check_uneven(tariff, rows, facts, left_out)
    more = {} if other_fen is None else more_of_main(parts, at[0], facts, other_fen)
    whole = parts.energy_kwh_e2[at].sum(axis=0)
    usages = [
        part_usage(parts, of, tariff, facts, energy_kwh_e2=whole, before_of=at[0], more=more)
        for of, tariff in zip(at, tariffs, strict=True)
    ]
    rated = [rate(tariff, usage) for tariff, usage in zip(tariffs, usages, strict=True)]
    fine = np.ones(len(rows), dtype=np.bool_)
    for one in rated:
        for place in np.flatnonzero(one.refused).tolist():
            left_out[int(rows[place])] = (LeftOut.REFUSED, Refusal(int(one.refused[place])).name.lower())
            fine[place] = False
    pieces = np.stack(
        [part_usage(parts, of, tariff, facts).energy_kwh_e2 for of, tariff in zip(at, tariffs, strict=True)]
    )
    days = parts.to_on[at] - parts.from_on[at]
    cut = cut_lines(
        [one.lines for one in rated], pieces, usages[-1].registers, days, other_fen=more.get("pf_other_fen")
    )
    found = [
        PartLines(
            row=rows[cut.lines.row],
            code=cut.lines.code,
            quantity=cut.lines.quantity,
            price_e8=cut.lines.price_e8,
            amount_fen=cut.lines.amount_fen,
            share=cut.lines.share,
            part=at[cut.stretch, cut.lines.row],
            at=_place_in_row([one.lines for one in rated], cut.stretch, cut.at),
            is_cut=np.ones(len(cut.lines), dtype=np.bool_),
        )
    ]
    others = np.flatnonzero(fine & ~cut.is_alike)
    if not len(others):
        return found
    if more or any(_is_by_month(facts.rules[int(parts.version[of[0]])]) for of in at):
        # No source says how tiers of a month, or charges by the month, are shared between prices that differ so.
        left_out |= dict.fromkeys(rows[others].tolist(), (LeftOut.TARIFF_CHANGES, ""))
        return found
    for of, tariff in zip(at, tariffs, strict=True):
        found.append(_alone(parts, of[others], tariff, facts, {}, left_out))
    return found


def _is_by_month(rules: Sequence[Mapping[str, Any]]) -> bool:
    return any(rule.get("period") == "month" for rule in rules)


def _place_in_row(priced: Sequence[Lines], stretch: Int, at: Int) -> Int:
    """Each line's place among the lines of its row at its price."""
    place = np.empty(len(at), dtype=np.int64)
    for number, lines in enumerate(priced):
        of = stretch == number
        first = np.searchsorted(lines.row, lines.row[at[of]], side="left")
        place[of] = at[of] - first
    return place


def _alone(
    parts: PartColumns,
    at: Int,
    tariff: CompiledTariff,
    facts: BillFacts,
    more: Mapping[str, Int],
    left_out: dict[int, tuple[str, str]],
) -> PartLines:
    """Parts that are priced alike and each by itself."""
    rated = rate(tariff, part_usage(parts, at, tariff, facts, more=more))
    for place in np.flatnonzero(rated.refused).tolist():
        left_out[int(parts.row[at[place]])] = (LeftOut.REFUSED, Refusal(int(rated.refused[place])).name.lower())
    lines = rated.lines
    of = np.arange(len(lines)) - np.searchsorted(lines.row, lines.row, side="left")
    return PartLines(
        row=parts.row[at][lines.row],
        code=lines.code,
        quantity=lines.quantity,
        price_e8=lines.price_e8,
        amount_fen=lines.amount_fen,
        share=lines.share,
        part=at[lines.row],
        at=of,
        is_cut=np.zeros(len(lines), dtype=np.bool_),
    )


# --- Parts that are not cut -------------------------------------------------------------------


def _priced_alike(
    parts: PartColumns, among: Int, facts: BillFacts, left_out: dict[int, tuple[str, str]]
) -> list[tuple[Int, CompiledTariff]]:
    """Parts of one version, with the same registers and choices; who cannot be priced is left out."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for at in among.tolist():
        free = free_of(parts, at)
        switches = facts.switches(int(parts.row[at]))
        groups.setdefault((int(parts.version[at]), free, parts.has_register[at].tobytes(), switches), []).append(at)
    found: list[tuple[Int, CompiledTariff]] = []
    for (version, free, _registers, switches), places in groups.items():
        at = np.array(places, dtype=np.int64)
        try:
            tariff = tariff_of(version, switches, facts, free)
            rate(tariff, part_usage(parts, at[:1], tariff, facts, more=facts.more(parts.row[at[:1]])))
        except CannotPrice as error:
            left_out |= dict.fromkeys(parts.row[at].tolist(), (LeftOut.CANNOT_PRICE, error.code))
            continue
        _check_uneven(tariff, parts.row[at], facts, left_out)
        found.append((at, tariff))
    return found


def registers_of(has: NDArray[np.bool_]) -> list[int]:
    """The registers of a part, as they are kept."""
    return [int(register) for register, there in zip(BILLED_REGISTERS, has.tolist(), strict=True) if there]
