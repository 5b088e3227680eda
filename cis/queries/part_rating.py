"""Rate bills that have several parts, by the same kernel; and explain one of them from what was kept."""

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
    ChargeCode,
    CompiledTariff,
    LineFacts,
    Refusal,
    Switches,
    Usage,
    compile_rules,
    explain,
    rate,
    rules_under,
)
from cis.rating.columns import Lines
from cis.rating.stretches import cut_lines
from config.shared.bulk_copy import day_of

__all__ = ["BillFacts", "PartLines", "RatedParts", "explain_parts", "rate_parts"]

Int = NDArray[np.int64]
KIND = BillPart.Kind
_RESIDENTIAL = int(SupplyContract.PriceClass.RESIDENTIAL)
_OF_ENERGY = np.array([int(code) for code, charge in CHARGES.items() if charge.ledger == "energy"], dtype=np.int16)


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
    """Rate the parts of bills; a bill of which one part cannot be priced is left out whole."""
    left_out: dict[int, tuple[str, str]] = {}
    found: list[PartLines] = []
    for at in _groups(parts, facts):
        kind = int(parts.kind[at[0, 0]])
        try:
            found += _stretches(parts, at, facts, left_out) if kind == KIND.STRETCH else []
        except CannotPrice as error:
            left_out |= dict.fromkeys(parts.row[at[0]].tolist(), (LeftOut.CANNOT_PRICE, error.code))
    found += _supplied(parts, facts, left_out)
    names = PartLines.__dataclass_fields__
    joined = PartLines(
        **{name: np.concatenate([np.empty(0, np.int64), *(getattr(one, name) for one in found)]) for name in names}
    )
    gone = np.isin(joined.row, list(left_out))
    order = np.flatnonzero(~gone)
    order = order[np.lexsort((order, joined.row[order]))]
    lines = PartLines(**{name: getattr(joined, name)[order] for name in names})
    return RatedParts(replace(lines, code=lines.code.astype(np.int16), is_cut=lines.is_cut.astype(np.bool_)), left_out)


def _groups(parts: PartColumns, facts: BillFacts) -> list[NDArray[np.int64]]:
    """Bills cut in time that are priced alike: (stretches, bills) places of their parts."""
    groups: dict[tuple[Any, ...], list[list[int]]] = {}
    by_bill: dict[int, list[int]] = {}
    for at in np.flatnonzero(parts.kind == KIND.STRETCH).tolist():
        by_bill.setdefault(int(parts.row[at]), []).append(at)
    for row, places in by_bill.items():
        key = (
            tuple(parts.version[places].tolist()),
            parts.has_register[places[0]].tobytes(),
            facts.switches(row),
        )
        groups.setdefault(key, []).append(places)
    return [np.array(places, dtype=np.int64).T for places in groups.values()]


def _tariff(version: int, switches: Switches, facts: BillFacts, free: tuple[int, int] = (0, 0)) -> CompiledTariff:
    """A version under the utility's choices, with the free energy of a household where it has some."""
    if version not in facts.rules:
        raise CannotPrice("unknown_tariff", str(version))
    rules = list(facts.rules[version])
    if free[0] and not any(rule.get("kind") == "free_energy" for rule in rules):
        rules.append({"kind": "free_energy", "kwh_per_month": str(free[0] // 100)})
    return compile_rules(rules_under(rules, switches))


def _usage(
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


def _stretches(parts: PartColumns, at: Int, facts: BillFacts, left_out: dict[int, tuple[str, str]]) -> list[PartLines]:
    """Bills that are cut in time and priced alike: by lines where all prices charge alike, else one after the other."""
    rows = parts.row[at[0]]
    switches = facts.switches(int(rows[0]))
    tariffs = [_tariff(int(parts.version[of[0]]), switches, facts) for of in at]
    for tariff in tariffs:
        _check_uneven(tariff, rows, facts, left_out)
    more = facts.more(rows)
    whole = parts.energy_kwh_e2[at].sum(axis=0)
    usages = [
        _usage(parts, of, tariff, facts, energy_kwh_e2=whole, before_of=at[0], more=more)
        for of, tariff in zip(at, tariffs, strict=True)
    ]
    rated = [rate(tariff, usage) for tariff, usage in zip(tariffs, usages, strict=True)]
    fine = np.ones(len(rows), dtype=np.bool_)
    for one in rated:
        for place in np.flatnonzero(one.refused).tolist():
            left_out[int(rows[place])] = (LeftOut.REFUSED, Refusal(int(one.refused[place])).name.lower())
            fine[place] = False
    pieces = np.stack([_usage(parts, of, tariff, facts).energy_kwh_e2 for of, tariff in zip(at, tariffs, strict=True)])
    days = parts.to_on[at] - parts.from_on[at]
    cut = cut_lines([one.lines for one in rated], pieces, usages[-1].registers, days)
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
    rated = rate(tariff, _usage(parts, at, tariff, facts, more=more))
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


# --- Losses, sub-meters, agreed parts --------------------------------------------------------


def _supplied(parts: PartColumns, facts: BillFacts, left_out: dict[int, tuple[str, str]]) -> list[PartLines]:
    """The main part of each bill after the others, whose amounts its adjustment may be of; in the order of the bill."""
    beside = np.flatnonzero((parts.kind != KIND.STRETCH) & (parts.kind != KIND.MAIN))
    found = [
        one
        for group, tariff in _priced_alike(parts, beside, facts, left_out)
        for one in [_alone(parts, group, tariff, facts, {}, left_out)]
    ]
    other_fen: dict[int, int] = {}
    for one in found:
        is_base = np.isin(one.code, _OF_ENERGY)
        for row, part, amount in zip(
            one.row[is_base].tolist(), one.part[is_base].tolist(), one.amount_fen[is_base].tolist(), strict=True
        ):
            is_home = int(parts.price_class[part]) == _RESIDENTIAL
            if not is_home or facts.switches(row).is_on("pf_adjust_residential"):
                other_fen[row] = other_fen.get(row, 0) + amount
    main = np.flatnonzero(parts.kind == KIND.MAIN)
    for group, tariff in _priced_alike(parts, main, facts, left_out):
        rows = parts.row[group]
        more = dict(facts.more(rows))
        if more:
            more["pf_other_fen"] = np.array([other_fen.get(row, 0) for row in rows.tolist()], dtype=np.int64)
        if parts.free_months[group].any():
            more["free_months"] = parts.free_months[group]
        found.append(_alone(parts, group, tariff, facts, more, left_out))
    return _in_order(found)


def _in_order(found: Sequence[PartLines]) -> list[PartLines]:
    """All of them, by bill and part."""
    names = PartLines.__dataclass_fields__
    joined = {name: np.concatenate([getattr(one, name) for one in found]) for name in names} if found else {}
    if not joined:
        return []
    order = np.lexsort((joined["at"], joined["part"]))
    return [PartLines(**{name: column[order] for name, column in joined.items()})]


def _priced_alike(
    parts: PartColumns, among: Int, facts: BillFacts, left_out: dict[int, tuple[str, str]]
) -> list[tuple[Int, CompiledTariff]]:
    """Parts of one version, with the same registers and choices; who cannot be priced is left out."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for at in among.tolist():
        free = (int(parts.free_kwh_e2_per_month[at]), int(parts.free_months[at] > 0))
        switches = facts.switches(int(parts.row[at]))
        groups.setdefault((int(parts.version[at]), free, parts.has_register[at].tobytes(), switches), []).append(at)
    found: list[tuple[Int, CompiledTariff]] = []
    for (version, free, _registers, switches), places in groups.items():
        at = np.array(places, dtype=np.int64)
        try:
            tariff = _tariff(version, switches, facts, free if free[1] else (0, 0))
            rate(tariff, _usage(parts, at[:1], tariff, facts, more=facts.more(parts.row[at[:1]])))
        except CannotPrice as error:
            left_out |= dict.fromkeys(parts.row[at].tolist(), (LeftOut.CANNOT_PRICE, error.code))
            continue
        _check_uneven(tariff, parts.row[at], facts, left_out)
        found.append((at, tariff))
    return found


# --- Explaining ------------------------------------------------------------------------------


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
    at = np.array([part])
    row = int(parts.row[part])
    free = (int(parts.free_kwh_e2_per_month[part]), int(parts.free_months[part]))
    tariff = _tariff(int(parts.version[part]), facts.switches(row), facts, free if free[1] else (0, 0))
    if is_cut:
        places = parts.of_bill(row)
        whole = parts.energy_kwh_e2[places].sum(axis=0, keepdims=True)
        usage = _usage(
            parts, at, tariff, facts, energy_kwh_e2=whole, before_of=places[:1], more=facts.more(parts.row[at])
        )
        return explain(tariff, usage, 0)
    more: dict[str, Int] = {}
    if int(parts.kind[part]) == KIND.MAIN:
        more = dict(facts.more(parts.row[at]))
        if more:
            # What the other parts add to the base is the adjustment's line itself less this part's lines.
            more["pf_other_fen"] = np.array([_other_fen(parts, part, facts, lines)], dtype=np.int64)
        if free[1]:
            more["free_months"] = np.array([free[1]], dtype=np.int64)
    return explain(tariff, _usage(parts, at, tariff, facts, more=more), 0)


def _other_fen(parts: PartColumns, part: int, facts: BillFacts, lines: PartLines) -> int:
    """What the amounts of other parts add to the base of the adjustment."""
    adjusts_homes = facts.switches(int(parts.row[part])).is_on("pf_adjust_residential")
    is_other = (lines.part != part) & np.isin(lines.code, _OF_ENERGY)
    is_other &= (parts.price_class[lines.part] != _RESIDENTIAL) | adjusts_homes
    return int(lines.amount_fen[is_other].sum())


def _words_of(parts: PartColumns, part: int) -> dict[str, object]:
    """What a reader is told of a line's part."""
    kind = KIND(int(parts.kind[part]))
    said: dict[str, object] = {"part": kind.name.lower()}
    if kind == KIND.STRETCH:
        said |= {
            "part_from": day_of(int(parts.from_on[part])).isoformat(),
            "part_to": day_of(int(parts.to_on[part])).isoformat(),
        }
    if parts.loss_kwh_e2[part]:
        said["loss_kwh_e2"] = int(parts.loss_kwh_e2[part])
    return said


def registers_of(has: NDArray[np.bool_]) -> list[int]:
    """The registers of a part, as they are kept."""
    return [int(register) for register, there in zip(BILLED_REGISTERS, has.tolist(), strict=True) if there]
