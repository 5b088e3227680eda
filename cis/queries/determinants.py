"""
What bills are computed from, read set-wise: a fixed number of statements a shard, columns out.

A period runs between two scheduled reading days of the account's route; an account that opened or closed inside it
has less. Each register of each meter that hung there is a chain of readings from the start of its stretch to the
end; an exchange is two chains. A chain that does not reach, or holds a reading that is not accepted, leaves the
account out with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.queries.bill_basis import Stretches, read_basis
from cis.queries.bill_parts import (
    AccountPeriod,
    InTime,
    Supplied,
    SupplyTerms,
    TermsDoNotFit,
    read_supply_terms,
    stretch_parts,
    supplied,
)
from cis.queries.capacity_in_use import CapacityInUse, read_pauses
from cis.queries.contract_stretches import ContractStretches, read_contracts
from cis.queries.determinant_columns import (
    AccountColumns,
    Column,
    Determinants,
    InstallationColumns,
    UsageColumns,
    nothing,
)
from cis.queries.due_accounts import (
    CONTRACT_CHANGES,
    TARIFF_CHANGES,
    Periods,
    account_columns,
    read_due,
    read_versions,
    routes_due,
    starts_of,
)
from cis.queries.due_readings import READING_WINDOW_DAYS, read_digits, read_installations, read_readings
from cis.queries.energy_columns import BILLED_REGISTERS, PLACE, flat_from_total
from cis.queries.energy_stretches import assemble, of_points
from cis.queries.left_out import LeftOut
from cis.queries.part_columns import PartColumns
from cis.queries.part_cuts import Stretch
from cis.queries.period_stretches import Cuts, Versions, cut_in_time
from cis.queries.transfers import prorate_tiers
from config.shared.bulk_copy import day_of, days_of


def of_accounts(
    *,
    cycle: int,
    low: int,
    high: int,
    org_path: str = "",
    account_id: int | None = None,
    among: Sequence[int] | None = None,
    again: bool = False,
) -> Determinants:
    """
    The determinants of the accounts in [low, high) that are due in the cycle and not billed for it.

    `org_path` keeps it to a part of the organisation, `account_id` to one account,
    `among` to some. `again` asks for those that are
    billed instead: the same period by today's readings. Eleven statements, whatever the number of accounts; one more
    where contracts change, a register turned or somebody moved, two where points are billed from curves.
    """
    routes = routes_due(cycle)
    if not routes:
        return nothing()
    periods = Periods.of(routes, cycle)
    first, last = min(periods.starts), max(periods.ends)
    only, parameters = (
        "",
        {
            "low": low,
            "high": high,
            "routes": list(periods.routes),
            "starts": list(periods.starts),
            "ends": list(periods.ends),
            "from": first,
            "to": last,
            "first": day_of(days_of(first) - READING_WINDOW_DAYS),
            "last": day_of(days_of(last) + READING_WINDOW_DAYS),
            "org": org_path.replace("%", "") + "%",
            "account": account_id,
            "among": None if among is None else list(among),
        },
    )
    if org_path:
        only += " AND a.org_unit_id IN (SELECT id FROM shared_org_unit WHERE path LIKE %(org)s)"
    if account_id is not None:
        only += " AND a.id = %(account)s"
    if among is not None:
        only += " AND a.id = ANY(%(among)s)"
    with connection.cursor() as cursor:
        due = read_due(cursor, parameters, only=only, again=again)
        if not len(due["account"]):
            return nothing()
        terms = read_supply_terms(cursor, parameters)
        changing = due["contract_from"] > starts_of(due, periods)
        contracts = (
            read_contracts(cursor, due["account"][changing], parameters)
            if changing[due["contract"] > 0].any()
            else None
        )
        asked = {*due["tariff"].tolist(), *terms.tariffs(), *(contracts.tariff.tolist() if contracts else ())}
        versions = read_versions(cursor, asked)
        accounts, switch_sets = account_columns(due, versions, periods, cycle)
        prorate_tiers(cursor, accounts, due, versions, periods, switch_sets, cycle)
        stretches, changed = _cut_accounts(accounts, due, contracts, versions)
        installations = read_installations(cursor, accounts, parameters)
        readings = read_readings(cursor, installations, parameters)
        digits = read_digits(cursor, installations, readings["installation"][readings["is_rollover"]])
        cuts = Cuts.of(stretches, _part_days(accounts, terms, versions), accounts.switches, switch_sets)
        subs = np.array(terms.sub_points(), dtype=np.int64)
        found = assemble(cycle, accounts, switch_sets, installations, digits, readings, cuts, subs)
        pauses = read_pauses(cursor, parameters) if accounts.needs_basis.any() or terms.losses else {}
        in_use = CapacityInUse(accounts, switch_sets, contracts, changed, pauses)
        found, supplies = _with_parts(found, installations, stretches, terms, in_use, due, versions, subs)
        return _with_basis(cursor, found, installations, in_use, supplies, subs, parameters)


def _with_parts(
    found: Determinants,
    installations: InstallationColumns,
    stretches: dict[int, list[Stretch]],
    terms: SupplyTerms,
    in_use: CapacityInUse,
    due: dict[str, Column],
    versions: Versions,
    subs: NDArray[np.int64],
) -> tuple[Determinants, dict[int, Supplied]]:
    """The determinants with the parts of bills that have several, and what each account's supply adds and takes off."""
    accounts = found.accounts
    has_terms = np.flatnonzero(np.isin(accounts.account, terms.accounts()))
    if not stretches and not len(has_terms):
        return found, {}
    left_out, energy = dict(found.left_out), found.energy_kwh_e2.copy()
    # What losses and parts add and take off is reckoned for the whole period and then cut.
    both = set(has_terms.tolist())
    cut = {row: found for row, found in stretches.items() if row not in left_out and row not in both}
    parts: list[PartColumns] = []

    def uses(row: int, price_class: int) -> int:
        return int(due["carried_kwh_e2"][row]) if price_class == int(due["last_price_class"][row]) else 0

    if cut:
        of_time, wrong = stretch_parts(cut, usage=_usage_of(found.usage, list(cut)), uses=uses)
        for row in wrong:
            left_out.setdefault(row, (LeftOut.SUM_DISAGREES, ""))
        parts.append(of_time)
        energy[list(cut)] = 0
        np.add.at(energy, of_time.row, of_time.energy_kwh_e2)
    supplies = _supplies(found, installations, has_terms, terms, in_use, stretches, versions, subs, uses, left_out)
    parts.append(PartColumns.of([part for one in supplies.values() for part in one.parts]))
    joined = PartColumns.joined(parts)
    return replace(found, energy_kwh_e2=energy, left_out=left_out, parts=joined), supplies


_CUT_USAGE = ("row", "from_on", "to_on", "energy_kwh_e2")


def _usage_of(
    usage: UsageColumns, rows: Sequence[int], among: NDArray[np.bool_] | None = None
) -> dict[str, NDArray[np.int64]]:
    """The columns that are cut in time, of some rows."""
    chosen = np.isin(usage.row, rows)
    at = np.flatnonzero(chosen if among is None else chosen & among)
    columns = {name: getattr(usage, name)[at].astype(np.int64) for name in _CUT_USAGE}
    return columns | {"place": PLACE[usage.register[at]]}


def _part_days(accounts: AccountColumns, terms: SupplyTerms, versions: Versions) -> dict[int, list[int]]:
    """The days inside periods on which the price of a part changes, by row."""
    found: dict[int, list[int]] = {}
    for account, parts in terms.parts.items():
        row = int(np.searchsorted(accounts.account, account))
        if row == len(accounts) or accounts.account[row] != account:
            continue
        first, last = int(accounts.start[row]), int(accounts.end[row])
        for part in parts:
            days = [one.valid_from for one in versions.between(part.tariff, first, last) if one.valid_from > first]
            found.setdefault(row, []).extend(days)
    return {row: days for row, days in found.items() if days}


def _supplies(
    found: Determinants,
    installations: InstallationColumns,
    rows: NDArray[np.int64],
    terms: SupplyTerms,
    in_use: CapacityInUse,
    stretches: dict[int, list[Stretch]],
    versions: Versions,
    subs: NDArray[np.int64],
    uses: Callable[[int, int], int],
    left_out: dict[int, tuple[str, str]],
) -> dict[int, Supplied]:
    """What supply adds and takes off, by row; who does not fit is left out."""
    accounts, usage = found.accounts, found.usage
    point_of = dict(zip(installations.installation.tolist(), installations.point.tolist(), strict=True))
    is_sub = of_points(usage, installations, subs)
    of_sub = np.flatnonzero(is_sub)
    supplies: dict[int, Supplied] = {}
    for row in rows.tolist():
        if row in left_out:
            continue
        sub_energy: dict[int, tuple[NDArray[np.int64], NDArray[np.bool_]]] = {}
        for at in of_sub[usage.row[of_sub] == row].tolist():
            point = point_of[int(usage.installation[at])]
            width = len(BILLED_REGISTERS)
            energy, has = sub_energy.setdefault(point, (np.zeros(width, np.int64), np.zeros(width, np.bool_)))
            place = int(PLACE[usage.register[at]])
            energy[place] += usage.energy_kwh_e2[at]
            has[place] = True
        for energy, has in sub_energy.values():
            flat_from_total(energy[np.newaxis], has[np.newaxis])
        period = AccountPeriod(
            row=row,
            account=int(accounts.account[row]),
            version=int(accounts.version[row]),
            price_class=int(accounts.price_class[row]),
            people=int(accounts.people[row]),
            months=int(accounts.months[row]),
            from_on=int(accounts.start[row]),
            to_on=int(accounts.end[row]),
            is_whole=bool(accounts.starts_on_schedule[row] and accounts.ends_on_schedule[row]),
            tier_kwh_e2_before=int(accounts.tier_kwh_e2_before[row]),
            energy_kwh_e2=found.energy_kwh_e2[row],
            has_register=found.has_register[row],
        )
        switches = found.switch_sets[accounts.switches[row]]
        in_time = InTime(
            stretches=stretches.get(row, ()),
            versions_of=partial(_versions_in, versions, period.from_on, period.to_on),
            measured=partial(_measured, usage, installations, is_sub, row),
            uses=partial(uses, row),
        )
        try:
            supplies[row] = supplied(period, terms, in_use, switches, sub_energy=sub_energy, in_time=in_time)
        except TermsDoNotFit as why:
            left_out[row] = (str(why.args[0]), str(why.args[1]))
    return supplies


def _versions_in(versions: Versions, first: int, last: int, tariff: int) -> list[tuple[int, int, int]]:
    """(version, from, to) of a tariff between two days."""
    return [
        (one.version, max(one.valid_from, first), min(one.valid_to, last))
        for one in versions.between(tariff, first, last)
    ]


def _measured(
    usage: UsageColumns,
    installations: InstallationColumns,
    is_sub: NDArray[np.bool_],
    row: int,
    point: int,
    stretches: Sequence[Stretch],
) -> NDArray[np.int64]:
    """(stretches, registers) what was read of a row behind a sub-meter's point, or behind the others (0)."""
    among = of_points(usage, installations, np.array([point], dtype=np.int64)) if point else ~is_sub
    cut, wrong = stretch_parts({row: stretches}, usage=_usage_of(usage, [row], among), uses=lambda _row, _class: 0)
    if wrong:
        raise TermsDoNotFit(LeftOut.SUM_DISAGREES, "")
    return cut.energy_kwh_e2


def _with_basis(
    cursor: Any,
    found: Determinants,
    installations: InstallationColumns,
    in_use: CapacityInUse,
    supplies: dict[int, Supplied],
    subs: NDArray[np.int64],
    parameters: dict[str, Any],
) -> Determinants:
    """The determinants with what two-part tariffs and power factors ask for, where somebody has one."""
    accounts, usage = found.accounts, found.usage
    rows = np.flatnonzero(accounts.needs_basis & (accounts.contract > 0))
    if not len(rows):
        return found

    def stretches(of: NDArray[np.int64]) -> Stretches:
        """Each meter's time in the period; a sub-meter's is in the main meter's."""
        at = np.flatnonzero(np.isin(usage.row, of) & ~usage.is_from_curve & ~of_points(usage, installations, subs))
        at = at[np.lexsort((usage.from_on[at], usage.installation[at], usage.row[at]))]
        key = np.stack([usage.row[at], usage.installation[at]])
        _keys, first, count = np.unique(key, axis=1, return_index=True, return_counts=True)
        begins, ends = at[first], at[first + count - 1]
        place = np.searchsorted(installations.installation, usage.installation[begins], sorter=by_installation)
        return Stretches(
            row=usage.row[begins],
            point=installations.point[by_installation[place]],
            installation=usage.installation[begins],
            multiplier=usage.multiplier[begins].astype(np.int64),
            from_on=usage.from_on[begins].astype(np.int64),
            to_on=usage.to_on[ends].astype(np.int64),
        )

    by_installation = np.argsort(installations.installation, kind="stable")
    total = found.energy_kwh_e2[:, 0]
    active = np.where(found.has_register[:, 0], total, found.energy_kwh_e2[:, 1:].sum(axis=1))
    for row, supply in supplies.items():
        active[row] = supply.active_kwh_e2
    basis, missing = read_basis(
        cursor,
        rows=rows,
        accounts=len(accounts),
        contract=accounts.contract,
        active_kwh_e2=active,
        reactive_loss={row: supply.reactive_loss for row, supply in supplies.items()},
        refuses_without_active=np.array([one.text("pf_when_no_active") == "refuse" for one in found.switch_sets])[
            accounts.switches
        ],
        stretches=stretches,
        in_use=in_use,
        parameters=parameters,
    )
    return replace(found, basis=basis, left_out=missing | found.left_out)


def _cut_accounts(
    accounts: AccountColumns, due: dict[str, Column], contracts: ContractStretches | None, versions: Versions
) -> tuple[dict[int, list[Stretch]], NDArray[np.bool_]]:
    """The stretches of rows in which price or contract changes, and whose capacity changes; clears their obstacle."""
    changed = np.zeros(len(accounts), dtype=np.bool_)
    rows = np.flatnonzero(np.isin(accounts.obstacle, (CONTRACT_CHANGES, TARIFF_CHANGES)))
    if not len(rows):
        return {}, changed
    stretches, whole, by_capacity = cut_in_time(
        rows,
        account=accounts.account,
        contract={"tariff": due["tariff"], "price_class": due["price_class"], "people": due["people"]},
        start=accounts.start,
        end=accounts.end,
        contracts=contracts,
        versions=versions,
    )
    accounts.obstacle[list(stretches)] = 0
    accounts.obstacle[whole] = 0
    changed[by_capacity] = True
    return stretches, changed
