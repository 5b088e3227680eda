"""Every bill of a shard, rated in columns by the kernel; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.models import BillPart, TariffVersion
from cis.queries.determinant_columns import Determinants
from cis.queries.energy_columns import BILLED_REGISTERS, usage_for
from cis.queries.left_out import LeftOut
from cis.queries.part_columns import PartColumns
from cis.queries.part_rating import BillFacts, rate_parts
from cis.rating import CannotPrice, CompiledTariff, Refusal, compile_rules, rate, rules_under

__all__ = ["RatedShard", "rate_shard"]


@dataclass(frozen=True)
class RatedShard:
    """Every bill of a shard in columns; the lines' `row` points into the accounts; who is left out has no lines."""

    billed: NDArray[np.int64]
    """rows of the accounts that get a bill"""
    total_fen: NDArray[np.int64]
    """(accounts,)"""
    energy_kwh_e2: NDArray[np.int64]
    """(accounts,)"""
    line_row: NDArray[np.int64]
    line_code: NDArray[np.int16]
    line_quantity: NDArray[np.int64]
    line_price_e8: NDArray[np.int64]
    line_amount_fen: NDArray[np.int64]
    line_share: NDArray[np.int64]
    left_out: dict[int, tuple[str, str]]
    tier_kwh_e2_before: NDArray[np.int64]
    """(accounts,) such that with a bill's energy it is what its tier year has used after it"""


def rate_shard(found: Determinants, *, bill_month: int) -> RatedShard:
    """Rate the columns of a shard, tariff version by tariff version; writes nothing."""
    accounts, rows = found.accounts, len(found.accounts)
    left_out = dict(found.left_out)
    open_rows = np.ones(rows, dtype=np.bool_)
    if left_out:
        open_rows[list(left_out)] = False
    total = np.zeros(rows, dtype=np.int64)
    energy = np.zeros(rows, dtype=np.int64)
    parts: list[tuple[NDArray[Any], ...]] = []
    in_parts = found.parts
    if in_parts is not None:
        open_rows[in_parts.row] = False
    rules = _rules_of(accounts.version[open_rows], in_parts)
    chosen = accounts.switches
    for version, switches in np.unique(np.stack([accounts.version[open_rows], chosen[open_rows]]), axis=1).T.tolist():
        of_version = open_rows & (accounts.version == version) & (chosen == switches)
        try:
            tariff = compile_rules(rules_under(rules[version], found.switch_sets[switches]))
        except CannotPrice as error:
            left_out |= dict.fromkeys(np.flatnonzero(of_version).tolist(), (LeftOut.CANNOT_PRICE, f"{error.code}"))
            continue
        _leave_out_uneven(found, tariff, of_version, left_out)
        for rows_alike in _register_groups(found, of_version):
            _rate_group(found, rows_alike, tariff, bill_month, total, energy, parts, left_out)
    if in_parts is not None:
        parts.append(_rate_parts(found, in_parts, rules, bill_month, total, energy, left_out))
    billed = np.ones(rows, dtype=np.bool_)
    if left_out:
        billed[list(left_out)] = False
    joined = [np.concatenate([part[n] for part in parts]) for n in range(6)] if parts else [np.empty(0, np.int64)] * 6
    order = np.argsort(joined[0], kind="stable")
    row, code, quantity, price, amount, share = (column[order] for column in joined)
    return RatedShard(
        billed=np.flatnonzero(billed),
        total_fen=total,
        energy_kwh_e2=energy,
        line_row=row,
        line_code=code.astype(np.int16),
        line_quantity=quantity,
        line_price_e8=price,
        line_amount_fen=amount,
        line_share=share,
        left_out=left_out,
        tier_kwh_e2_before=_tier_before(found, energy),
    )


def _tier_before(found: Determinants, energy: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the tier year used before; energy of a part at another class's price is not of its tiers and taken off."""
    before, parts = found.accounts.tier_kwh_e2_before, found.parts
    if parts is None:
        return before
    last = np.isin(parts.kind, (int(BillPart.Kind.MAIN), int(BillPart.Kind.STRETCH)))
    after = before + energy
    # Of stretches the last one counts, and assignment keeps the last.
    after[parts.row[last]] = (parts.tier_kwh_e2_before + parts.total_kwh_e2())[last]
    return after - energy


def _leave_out_uneven(
    found: Determinants, tariff: CompiledTariff, among: NDArray[np.bool_], left_out: dict[int, tuple[str, str]]
) -> None:
    """Of a tariff with periods, accounts of which one meter tells the periods and another does not."""
    if not any(rule.period_registers for rule in tariff.rules):
        return
    for uneven in found.partly_by_period:
        if among[uneven]:
            left_out[uneven], among[uneven] = (LeftOut.REGISTERS_DISAGREE, ""), False


def _rules_of(versions: NDArray[np.int64], parts: PartColumns | None) -> dict[int, Any]:
    """The rules of every version that is priced."""
    asked = np.unique(versions if parts is None else np.concatenate([versions, parts.version]))
    return dict(TariffVersion.objects.filter(pk__in=asked.tolist()).values_list("pk", "rules"))


def _rate_parts(
    found: Determinants,
    parts: PartColumns,
    rules: dict[int, Any],
    bill_month: int,
    total: NDArray[np.int64],
    energy: NDArray[np.int64],
    left_out: dict[int, tuple[str, str]],
) -> tuple[NDArray[Any], ...]:
    """The lines of bills that have several parts."""
    accounts, basis = found.accounts, found.basis

    def more(rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        return basis.more(rows) if basis is not None and accounts.needs_basis[rows[0]] else {}

    open_parts = parts.among(~np.isin(parts.row, list(left_out)))
    rated = rate_parts(
        open_parts,
        BillFacts(
            bill_month=bill_month,
            months=accounts.months,
            tier_months=accounts.tier_months,
            switches=lambda row: found.switch_sets[accounts.switches[row]],
            rules=rules,
            more=more,
            uneven=found.partly_by_period,
        ),
    )
    left_out |= rated.left_out
    lines = rated.lines
    np.add.at(total, lines.row, lines.amount_fen)
    np.add.at(energy, open_parts.row, open_parts.total_kwh_e2())
    return (lines.row, lines.code, lines.quantity, lines.price_e8, lines.amount_fen, lines.share)


def _register_groups(found: Determinants, among: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The rows among these, by which registers they have."""
    bits = found.has_register @ (1 << np.arange(len(BILLED_REGISTERS)))
    return [np.flatnonzero(among & (bits == value)) for value in np.unique(bits[among]).tolist()]


def _rate_group(
    found: Determinants,
    rows: NDArray[np.int64],
    tariff: CompiledTariff,
    bill_month: int,
    total: NDArray[np.int64],
    energy: NDArray[np.int64],
    parts: list[tuple[NDArray[Any], ...]],
    left_out: dict[int, tuple[str, str]],
) -> None:
    accounts = found.accounts
    usage = usage_for(
        tariff,
        energy_kwh_e2=found.energy_kwh_e2[rows],
        has_register=found.has_register[rows[0]].tolist(),
        tier_kwh_e2_before=accounts.tier_kwh_e2_before[rows],
        people=accounts.people[rows],
        months=accounts.months[rows],
        bill_month=bill_month,
        tier_months=accounts.tier_months[rows],
        more=found.basis.more(rows) if found.basis is not None and accounts.needs_basis[rows[0]] else None,
    )
    try:
        rated = rate(tariff, usage)
    except CannotPrice as error:
        left_out |= dict.fromkeys(rows.tolist(), (LeftOut.REGISTERS_DISAGREE, error.code))
        return
    for at in np.flatnonzero(rated.refused).tolist():
        left_out[int(rows[at])] = (LeftOut.REFUSED, Refusal(int(rated.refused[at])).name.lower())
    total[rows] = rated.total_fen
    energy[rows] = usage.import_energy()
    lines = rated.lines
    parts.append((rows[lines.row], lines.code, lines.quantity, lines.price_e8, lines.amount_fen, lines.share))
