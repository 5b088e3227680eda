"""
What bills are computed from, read set-wise: a fixed number of statements a shard, columns out.

A period runs between two scheduled reading days of the account's route; an account that opened or closed inside it
has less. Each register of each meter that hung there is a chain of readings from the start of its stretch to the
end; an exchange is two chains. A chain that does not reach, or holds a reading that is not accepted, leaves the
account out with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.models import Reading, ReadingRoute, TouWindows
from cis.models.metering import ReadingSource
from cis.queries.bill_basis import Basis, ContractStretches, Stretches, read_basis, read_contracts
from cis.queries.bill_parts import (
    AccountPeriod,
    PartColumns,
    Stretch,
    Supplied,
    SupplyTerms,
    TermsDoNotFit,
    read_supply_terms,
    stretch_parts,
    supplied,
)
from cis.queries.day_kinds import day_kinds
from cis.queries.energy_columns import BILLED_REGISTERS, PLACE, flat_from_total
from cis.queries.left_out import LeftOut
from cis.queries.period_stretches import Cuts, Versions, cut_in_time
from cis.queries.rating_switches import SwitchSets
from cis.rating import PERIOD_REGISTERS, Register, Switches, advance, energy_kwh_e2
from cis.rating.windows import WindowSet
from config.shared.bulk_copy import day_of, days_of, read_columns
from config.shared.periods import add_months, reading_date

Column = NDArray[Any]

FAR_DAYS = days_of(date(9999, 1, 1))


@dataclass(frozen=True)
class AccountColumns:
    """The accounts due in one shard, one row each, in id order; dates as Postgres days."""

    account: NDArray[np.int64]
    org_unit: NDArray[np.int64]
    contract: NDArray[np.int64]
    version: NDArray[np.int64]
    price_class: NDArray[np.int16]
    people: NDArray[np.int16]
    months: NDArray[np.int8]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    tier_kwh_e2_before: NDArray[np.int64]
    start_cycle: NDArray[np.int32]
    starts_on_schedule: NDArray[np.bool_]
    """whether the account was there when the period began, so that the cycle's reading is its own"""
    ends_on_schedule: NDArray[np.bool_]
    obstacle: NDArray[np.int16]
    """why the period cannot be billed as one piece: a key of `_OBSTACLES`, or 0"""
    needs_basis: NDArray[np.bool_]
    """whether the tariff has a basic charge or a power-factor adjustment"""
    switches: NDArray[np.intp]
    """which of the shard's sets of switches it goes by"""

    def __len__(self) -> int:
        return len(self.account)


@dataclass(frozen=True)
class UsageColumns:
    """The stretches of energy behind the bills: `row` points into the accounts; dates as Postgres days."""

    row: NDArray[np.int64]
    installation: NDArray[np.int64]
    register: NDArray[np.int16]
    from_on: NDArray[np.int32]
    to_on: NDArray[np.int32]
    from_value_e4: NDArray[np.int64]
    to_value_e4: NDArray[np.int64]
    multiplier: NDArray[np.int32]
    is_rollover: NDArray[np.bool_]
    is_estimated: NDArray[np.bool_]
    is_from_curve: NDArray[np.bool_]
    energy_kwh_e2: NDArray[np.int64]
    accepted_kwh_e2: NDArray[np.int64]
    """what validation found when it accepted the readings; as billed where it did not look at this very stretch"""


@dataclass(frozen=True)
class Determinants:
    """All that rating needs for one shard: accounts, their stretches, the energy per register, who is left out."""

    accounts: AccountColumns
    usage: UsageColumns
    energy_kwh_e2: NDArray[np.int64]
    """(accounts, len(BILLED_REGISTERS))"""
    has_register: NDArray[np.bool_]
    """(accounts, len(BILLED_REGISTERS))"""
    left_out: dict[int, tuple[str, str]]
    """row to (reason code, detail)"""
    partly_by_period: frozenset[int] = frozenset()
    """rows of which one meter tells the periods and another does not"""
    basis: Basis | None = None
    """of shards in which somebody needs one"""
    switch_sets: tuple[Switches, ...] = (Switches(),)
    parts: PartColumns | None = None
    """of accounts whose bill is more than one stretch of energy at one price; they have no other price"""


# What stands against billing a period. Tier years count bill by bill, so bills follow each other without a gap. The
# last two are cut into stretches where that has a rule (`_cut_in_time`).
CONTRACT_CHANGES, TARIFF_CHANGES = 4, 5
_OBSTACLES = {
    1: LeftOut.LATER_BILLED,
    2: LeftOut.EARLIER_UNBILLED,
    3: LeftOut.BILLED_IN_PART,
    CONTRACT_CHANGES: LeftOut.CONTRACT_CHANGES,
    TARIFF_CHANGES: LeftOut.TARIFF_CHANGES,
}

# Who is due, under which contract, and their newest bill: it says whether the period is billed, whether it follows,
# and what the tier year has used. Only what the columns below are reckoned from, because Postgres takes longer to
# reckon row by row than numpy does for all. `route` counts the arrays of the parameters from 1.
# The range is said of the contracts too, so that they are read in one stretch and joined by merging.
_ACCOUNTS = """
SELECT a.id, a.org_unit_id, r.route::int2, a.opened_on, coalesce(a.closed_on, DATE '9999-01-01'),
       coalesce(c.id, 0), coalesce(c.tariff_id, 0), coalesce(c.price_class, 0)::int2, coalesce(c.people, 1)::int2,
       coalesce(lower(c.valid), DATE '2000-01-01'),
       coalesce(last.cycle, 0), coalesce(last.months, 0)::int2, coalesce(last.period_start, DATE '2000-01-01'),
       coalesce(last.period_end, DATE '2000-01-01'), coalesce(last.used, 0), coalesce(last.price_class, 0)::int2
FROM unnest(%(routes)s::bigint[], %(starts)s::date[], %(ends)s::date[]) WITH ORDINALITY
       AS r(route_id, period_start, period_end, route)
JOIN cis_account a ON a.route_id = r.route_id
LEFT JOIN cis_supply_contract c ON c.account_id = a.id AND c.account_id >= %(low)s AND c.account_id < %(high)s
      AND c.valid @> (LEAST(r.period_end, coalesce(a.closed_on, r.period_end)) - 1)
LEFT JOIN LATERAL (
    SELECT b.cycle, b.months, b.period_start, b.period_end, b.tier_kwh_e2_before + b.energy_kwh_e2 AS used,
           b.price_class
    FROM cis_bill b WHERE b.account_id = a.id {last}
    ORDER BY b.period_start DESC, b.revision DESC LIMIT 1) last ON true
WHERE a.id >= %(low)s AND a.id < %(high)s {only}
  AND a.opened_on < r.period_end AND (a.closed_on IS NULL OR a.closed_on > r.period_start)
  AND {due}
ORDER BY a.id
"""

_NOT_BILLED = """(last.period_start IS NULL OR last.period_start < r.period_start
       OR last.period_start >= r.period_end AND NOT EXISTS (
           SELECT 1 FROM cis_bill b
           WHERE b.account_id = a.id AND b.period_start >= r.period_start AND b.period_start < r.period_end))"""

# A period that was billed is reckoned again as it stood then: after the bill before it, whatever was billed since.
_LAST_BEFORE = "AND b.period_start < r.period_start"
_WAS_BILLED = """EXISTS (
           SELECT 1 FROM cis_bill b
           WHERE b.account_id = a.id AND b.period_start >= r.period_start AND b.period_start < r.period_end)"""

# A corrected bill used what its newest correction says: tier years go on from there.
_CORRECTED_USE = """
SELECT DISTINCT ON (c.account_id, c.period_start) c.account_id, c.period_start,
       c.tier_kwh_e2_before_now + c.energy_kwh_e2_now
FROM cis_bill_correction c
WHERE c.account_id >= %(low)s AND c.account_id < %(high)s AND c.bill_id IS NOT NULL AND c.state <> 'void'
ORDER BY c.account_id, c.period_start, c.id DESC
"""
_CORRECTED_TYPES = {"account": "int8", "period_start": "date", "used_kwh_e2": "int8"}

_ACCOUNT_TYPES = {
    "account": "int8",
    "org_unit": "int8",
    "route": "int2",
    "opened_on": "date",
    "closed_on": "date",
    "contract": "int8",
    "tariff": "int8",
    "price_class": "int2",
    "people": "int2",
    "contract_from": "date",
    "last_cycle": "int4",
    "last_months": "int2",
    "last_start": "date",
    "last_end": "date",
    "last_used_kwh_e2": "int8",
    "last_price_class": "int2",
}

_VERSIONS = """
SELECT id, tariff_id, coalesce(lower(valid), DATE '2000-01-01'), coalesce(upper(valid), DATE '9999-01-01'),
       rules @> '[{"kind": "basic_charge"}]' OR rules @> '[{"kind": "power_factor"}]'
FROM cis_tariff_version WHERE tariff_id = ANY(%(tariffs)s)
"""

_VERSION_TYPES = {
    "version": "int8",
    "tariff": "int8",
    "valid_from": "date",
    "valid_to": "date",
    "needs_basis": "bool",
}

# What follows is read by ids, each statement in one walk along an index: by their bounds where they lie together, as
# a list where they do not. A list that comes from a sub-select is no constant to the planner: it does not weigh
# thousands of values one by one, and it takes the index whatever it believes of a table that was loaded a minute ago
# (with stale statistics a join read every reading once for each account).
_LIST = "= ANY ((SELECT %(ids)s::bigint[])::bigint[])"
_BOUNDS = "BETWEEN %(first_id)s AND %(last_id)s"

_POINTS = """
SELECT ap.account_id, ap.point_id,
       coalesce(lower(ap.valid), DATE '2000-01-01'), coalesce(upper(ap.valid), DATE '9999-01-01')
FROM cis_account_point ap
WHERE ap.account_id {among} AND ap.valid && daterange(%(from)s, %(to)s)
"""

_POINT_TYPES = {"account": "int8", "point": "int8", "served_from": "date", "served_to": "date"}

_CURVE_POINTS = """
SELECT id FROM cis_metering_point WHERE id {among} AND basis = 'curve'
"""

_INSTALLATIONS = """
SELECT i.point_id, i.id, i.meter_id, i.ct_ratio * i.pt_ratio,
       coalesce(lower(i.valid), DATE '2000-01-01'), coalesce(upper(i.valid), DATE '9999-01-01')
FROM cis_meter_installation i
WHERE i.point_id {among} AND i.valid && daterange(%(from)s, %(to)s)
"""

_INSTALLATION_TYPES = {
    "point": "int8",
    "installation": "int8",
    "meter": "int8",
    "multiplier": "int4",
    "installed_on": "date",
    "removed_on": "date",
}

_METERS = "SELECT id, digits FROM cis_meter WHERE id {among} ORDER BY id"

# The small columns come as one number, unpacked by `_unpacked`: what a row costs is the number of its columns.
_READINGS = """
SELECT r.installation_id, r.read_on, r.cycle, r.value_e4, r.advance_kwh_e2,
       (r.days::int8 << 32) | ((r.register::int4 << 24) | (r.kind::int4 << 16) | (r.source::int4 << 8)
                               | (r.state::int4 << 1) | r.is_rollover::int4)
FROM cis_reading r
WHERE r.installation_id {among} AND r.register BETWEEN %(first_register)s AND %(last_register)s
  AND r.read_on BETWEEN %(first)s AND %(last)s
"""

_READING_TYPES = {
    "installation": "int8",
    "read_on": "date",
    "cycle": "int4",
    "value_e4": "int8",
    "advance_kwh_e2": "int8",
    "packed": "int8",
}


def _unpacked(readings: dict[str, Column]) -> dict[str, Column]:
    """The readings with their small columns apart."""
    packed = readings.pop("packed")
    small = packed.astype(np.int32)  # the lower half
    return {
        **readings,
        "days": (packed >> 32).astype(np.int16),
        "register": (small >> 24).astype(np.int16),
        "kind": (small >> 16 & 0xFF).astype(np.int16),
        "source": (small >> 8 & 0xFF).astype(np.int16),
        "state": (small >> 1 & 0x7F).astype(np.int16),
        "is_rollover": (small & 1).astype(np.bool_),
    }


@dataclass(frozen=True)
class InstallationColumns:
    """
    Each stretch in which a meter hung at a point of an account in the shard's periods, one row each.

    `installed_on` and `removed_on` (Postgres days) bound the stretch: the meter hung there and the point was the
    account's.
    """

    account: NDArray[np.int64]
    point: NDArray[np.int64]
    installation: NDArray[np.int64]
    multiplier: NDArray[np.int32]
    meter: NDArray[np.int64]
    installed_on: NDArray[np.int32]
    removed_on: NDArray[np.int32]
    is_curve: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.account)


# The advance of a reading that validation compared with none before.
_NO_ADVANCE = -1

# Readings taken some days off the schedule still belong to its cycle.
_READING_WINDOW_DAYS = 20


def routes_due(cycle: int) -> list[ReadingRoute]:
    """The reading routes that close a period in this cycle."""
    routes = ReadingRoute.objects.all()
    return [r for r in routes if r.cycle_months == 1 or (cycle % 100) % r.cycle_months == r.cycle_phase]


def tier_year_of(cycle: int, months: int, switches: Switches) -> int:
    """
    The first cycle of the tier year that a bill of this cycle belongs to.

    A two-month bill of the year's first month is use of the year before and belongs to it (billing-rules 1.1), unless
    the utility chose otherwise.
    """
    begins = switches.number("tier_year_start")
    is_of_last_year = months == 2 and switches.text("odd_month_january") == "previous_year"
    counted = add_months(cycle, -1) if is_of_last_year and cycle % 100 == begins else cycle
    year = counted // 100 if counted % 100 >= begins else counted // 100 - 1
    return year * 100 + begins


@dataclass(frozen=True)
class _Periods:
    """The period that each route due closes; one entry a route."""

    routes: tuple[int, ...]
    months: NDArray[np.int8]
    starts: tuple[date, ...]
    ends: tuple[date, ...]
    start_cycles: NDArray[np.int32]

    @classmethod
    def of(cls, routes: Sequence[ReadingRoute], cycle: int) -> _Periods:
        """Those that close in the cycle."""
        start_cycles = [add_months(cycle, -route.cycle_months) for route in routes]
        return cls(
            routes=tuple(route.pk for route in routes),
            months=np.array([route.cycle_months for route in routes], dtype=np.int8),
            starts=tuple(
                reading_date(start, route.reading_day) for start, route in zip(start_cycles, routes, strict=True)
            ),
            ends=tuple(reading_date(cycle, route.reading_day) for route in routes),
            start_cycles=np.array(start_cycles, dtype=np.int32),
        )


def of_accounts(
    *,
    cycle: int,
    low: int,
    high: int,
    org_path: str = "",
    account_id: int | None = None,
    again: bool = False,
) -> Determinants:
    """
    The determinants of the accounts in [low, high) that are due in the cycle and not billed for it.

    `org_path` keeps it to a part of the organisation, `account_id` to one account. `again` asks for those that are
    billed instead: the same period by today's readings. Eleven statements, whatever the number of accounts; one more
    where contracts change or a register turned, two where points are billed from curves.
    """
    routes = routes_due(cycle)
    if not routes:
        return _nothing()
    periods = _Periods.of(routes, cycle)
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
            "first": day_of(days_of(first) - _READING_WINDOW_DAYS),
            "last": day_of(days_of(last) + _READING_WINDOW_DAYS),
            "org": org_path.replace("%", "") + "%",
            "account": account_id,
        },
    )
    if org_path:
        only += " AND a.org_unit_id IN (SELECT id FROM shared_org_unit WHERE path LIKE %(org)s)"
    if account_id is not None:
        only += " AND a.id = %(account)s"
    with connection.cursor() as cursor:
        after, is_due = (_LAST_BEFORE, _WAS_BILLED) if again else ("", _NOT_BILLED)
        due = read_columns(cursor, _ACCOUNTS.format(only=only, last=after, due=is_due), parameters, _ACCOUNT_TYPES)
        if not len(due["account"]):
            return _nothing()
        _carry_corrections(due, read_columns(cursor, _CORRECTED_USE, parameters, _CORRECTED_TYPES))
        terms = read_supply_terms(cursor, parameters)
        changing = due["contract_from"] > _starts(due, periods)
        contracts = (
            read_contracts(cursor, due["account"][changing], parameters)
            if changing[due["contract"] > 0].any()
            else None
        )
        asked = {*due["tariff"].tolist(), *terms.tariffs(), *(contracts.tariff.tolist() if contracts else ())}
        versions = Versions(read_columns(cursor, _VERSIONS, {"tariffs": sorted(asked)}, _VERSION_TYPES))
        accounts, switch_sets = _account_columns(due, versions, periods, cycle)
        stretches, changed = _cut_in_time(accounts, due, contracts, versions)
        installations = _installations(cursor, accounts, parameters)
        parameters["first_register"], parameters["last_register"] = min(BILLED_REGISTERS), max(BILLED_REGISTERS)
        readings = _unpacked(_read_among(cursor, _READINGS, installations.installation, parameters, _READING_TYPES))
        digits = _digits(cursor, installations, readings["installation"][readings["is_rollover"]])
        cuts = Cuts.of(stretches, accounts.switches, switch_sets)
        subs = np.array(terms.sub_points(), dtype=np.int64)
        found = _assemble(cycle, accounts, switch_sets, installations, digits, readings, cuts, subs)
        found, supplies = _with_parts(found, installations, stretches, terms, due, versions, subs)
        return _with_basis(cursor, found, installations, contracts, changed, supplies, subs, parameters)


def _carry_corrections(due: dict[str, Column], corrected: dict[str, Column]) -> None:
    """Let tier years go on from what the newest bills used as corrected; changes `due`, which is in account order."""
    at = np.minimum(np.searchsorted(due["account"], corrected["account"]), len(due["account"]) - 1)
    ours = (due["account"][at] == corrected["account"]) & (due["last_start"][at] == corrected["period_start"])
    due["last_used_kwh_e2"][at[ours]] = corrected["used_kwh_e2"][ours]


def _with_parts(
    found: Determinants,
    installations: InstallationColumns,
    stretches: dict[int, list[Stretch]],
    terms: SupplyTerms,
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
    # Both at once have no rule to go by.
    for row in set(has_terms.tolist()) & set(stretches):
        left_out.setdefault(row, (LeftOut.CONTRACT_CHANGES, ""))
    cut = {row: found for row, found in stretches.items() if row not in left_out}
    parts: list[PartColumns] = []
    if cut:
        among = np.flatnonzero(np.isin(found.usage.row, list(cut)))
        columns = {name: getattr(found.usage, name)[among].astype(np.int64) for name in _CUT_USAGE}
        columns["place"] = PLACE[found.usage.register[among]]

        def uses(row: int, price_class: int) -> int:
            return int(due["carried_kwh_e2"][row]) if price_class == int(due["last_price_class"][row]) else 0

        of_time, wrong = stretch_parts(cut, usage=columns, uses=uses)
        for row in wrong:
            left_out.setdefault(row, (LeftOut.SUM_DISAGREES, ""))
        parts.append(of_time)
        energy[list(cut)] = 0
        np.add.at(energy, of_time.row, of_time.energy_kwh_e2)
    supplies = _supplies(found, installations, has_terms, terms, versions, subs, left_out)
    parts.append(PartColumns.of([part for one in supplies.values() for part in one.parts]))
    joined = PartColumns.joined(parts)
    return replace(found, energy_kwh_e2=energy, left_out=left_out, parts=joined), supplies


_CUT_USAGE = ("row", "from_on", "to_on", "energy_kwh_e2")


def _supplies(
    found: Determinants,
    installations: InstallationColumns,
    rows: NDArray[np.int64],
    terms: SupplyTerms,
    versions: Versions,
    subs: NDArray[np.int64],
    left_out: dict[int, tuple[str, str]],
) -> dict[int, Supplied]:
    """What supply adds and takes off, by row; who does not fit is left out."""
    accounts, usage = found.accounts, found.usage
    point_of = dict(zip(installations.installation.tolist(), installations.point.tolist(), strict=True))
    of_sub = np.flatnonzero(_of_points(usage, installations, subs))
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
        try:
            supplies[row] = supplied(period, terms, switches, sub_energy=sub_energy, version_of=versions.at)
        except TermsDoNotFit as why:
            left_out[row] = (str(why.args[0]), str(why.args[1]))
    return supplies


def _with_basis(
    cursor: Any,
    found: Determinants,
    installations: InstallationColumns,
    contracts: ContractStretches | None,
    changed: NDArray[np.bool_],
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
        at = np.flatnonzero(np.isin(usage.row, of) & ~usage.is_from_curve & ~_of_points(usage, installations, subs))
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
        account=accounts.account,
        contract=accounts.contract,
        start=accounts.start.astype(np.int64),
        end=accounts.end.astype(np.int64),
        active_kwh_e2=active,
        reactive_loss={row: supply.reactive_loss for row, supply in supplies.items()},
        refuses_without_active=np.array([one.text("pf_when_no_active") == "refuse" for one in found.switch_sets])[
            accounts.switches
        ],
        change_day_is_old=np.array([one.text("change_day_belongs_to") == "old" for one in found.switch_sets])[
            accounts.switches
        ],
        stretches=stretches,
        contracts=contracts,
        changed=changed,
        parameters=parameters,
    )
    return replace(found, basis=basis, left_out=missing | found.left_out)


def _starts(due: dict[str, Column], periods: _Periods) -> NDArray[np.int32]:
    """Each account's own first day."""
    route_start = np.array([days_of(day) for day in periods.starts], dtype=np.int32)[due["route"] - 1]
    return np.asarray(np.maximum(route_start, due["opened_on"]))


def _account_columns(
    due: dict[str, Column], versions: Versions, periods: _Periods, cycle: int
) -> tuple[AccountColumns, tuple[Switches, ...]]:
    """Each account's own period, its tariff's version, what its tier year has used, and what stands in the way."""
    route = due["route"] - 1
    months = periods.months[route]
    route_start = np.array([days_of(day) for day in periods.starts], dtype=np.int32)[route]
    route_end = np.array([days_of(day) for day in periods.ends], dtype=np.int32)[route]
    start, end = _starts(due, periods), np.minimum(route_end, due["closed_on"])
    version, version_from, needs_basis = versions.last_of(due["tariff"], end)
    is_billed = due["last_cycle"] > 0
    # The first that applies counts.
    obstacle = np.select(
        (
            is_billed & (due["last_start"] >= route_end),
            is_billed & (due["last_end"] < start),
            is_billed & (due["last_end"] > start),
            (due["contract"] > 0) & (due["contract_from"] > start),
            (version > 0) & (version_from > start),
        ),
        tuple(_OBSTACLES),
        0,
    )
    switch_sets, switches = SwitchSets().of_rows(due["org_unit"], end - 1)
    due["carried_kwh_e2"] = _carried(due, months, switches, switch_sets, cycle)
    columns = AccountColumns(
        account=due["account"],
        org_unit=due["org_unit"],
        contract=due["contract"],
        version=version,
        price_class=due["price_class"],
        people=due["people"],
        months=months,
        start=start,
        end=end,
        # What was used in another class is not of these tiers.
        tier_kwh_e2_before=np.where(due["last_price_class"] == due["price_class"], due["carried_kwh_e2"], 0),
        start_cycle=periods.start_cycles[route],
        starts_on_schedule=due["opened_on"] <= route_start,
        ends_on_schedule=due["closed_on"] >= route_end,
        obstacle=obstacle.astype(np.int16),
        needs_basis=needs_basis,
        switches=switches,
    )
    return columns, switch_sets


def _carried(
    due: dict[str, Column],
    months: NDArray[np.int8],
    switches: NDArray[np.intp],
    switch_sets: tuple[Switches, ...],
    cycle: int,
) -> NDArray[np.int64]:
    """What the tier year of each account has used before, in the class of its newest bill."""
    tier_year = np.array(
        [[tier_year_of(cycle, length, one) for length in (1, 2)] for one in switch_sets], dtype=np.int32
    )[switches, months.astype(np.intp) - 1]
    # A two-month bill of the year's first month may be the year before's: what it used is not carried on.
    of_last_year = np.array([one.text("odd_month_january") == "previous_year" for one in switch_sets])[switches]
    carried = (due["last_cycle"] >= tier_year) & ~(
        (due["last_months"] == 2) & (due["last_cycle"] == tier_year) & of_last_year
    )
    return np.where(carried, due["last_used_kwh_e2"], 0)


def _cut_in_time(
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


def _read_among(
    cursor: Any, sql: str, ids: NDArray[np.int64], parameters: dict[str, Any], types: dict[str, str]
) -> dict[str, Column]:
    """Rows of these ids and, where the ids lie together, perhaps of others between them."""
    if len(ids) and (span := int(ids.max()) - int(ids.min())) < 2 * len(ids):
        low = int(ids.min())
        among = {**parameters, "first_id": low, "last_id": low + span}
        return read_columns(cursor, sql.format(among=_BOUNDS), among, types)
    # One literal: thousands of single constants would cost Postgres more to parse than to look up.
    listed = "{" + ",".join(map(str, ids.tolist())) + "}"
    return read_columns(cursor, sql.format(among=_LIST), {**parameters, "ids": listed}, types)


# Stands for the digits of a register that did not turn: nobody asks for them.
_ANY_DIGITS = 6


def _digits(cursor: Any, installations: InstallationColumns, turned: NDArray[np.int64]) -> NDArray[np.int64]:
    """The whole digits of each installation's meter; read only for installations of which a register turned."""
    digits = np.full(len(installations), _ANY_DIGITS, dtype=np.int64)
    if len(turned):
        at = np.flatnonzero(np.isin(installations.installation, turned))
        meter = installations.meter[at]
        found = _read_among(cursor, _METERS, meter, {}, {"meter": "int8", "digits": "int2"})
        digits[at] = found["digits"][np.searchsorted(found["meter"], meter)]
    return digits


def _installations(cursor: Any, accounts: AccountColumns, parameters: dict[str, Any]) -> InstallationColumns:
    """The meters of the accounts: a row for each account and installation."""
    served = _read_among(cursor, _POINTS, accounts.account, parameters, _POINT_TYPES)
    is_due = np.isin(served["account"], accounts.account)
    served = {name: column[is_due] for name, column in served.items()}
    curves = _read_among(cursor, _CURVE_POINTS, served["point"], parameters, {"point": "int8"})["point"]
    hung = _read_among(cursor, _INSTALLATIONS, served["point"], parameters, _INSTALLATION_TYPES)
    by_point = np.argsort(hung["point"], kind="stable")
    hung = {name: column[by_point] for name, column in hung.items()}
    pair, at = _matches(served["point"], hung["point"])
    order = np.lexsort((served["served_from"][pair], hung["installation"][at], served["account"][pair]))
    pair, at = pair[order], at[order]
    return InstallationColumns(
        account=served["account"][pair],
        point=served["point"][pair],
        installation=hung["installation"][at],
        multiplier=hung["multiplier"][at],
        meter=hung["meter"][at],
        installed_on=np.maximum(hung["installed_on"][at], served["served_from"][pair]),
        removed_on=np.minimum(hung["removed_on"][at], served["served_to"][pair]),
        is_curve=np.isin(served["point"][pair], curves),
    )


def _matches(wanted: NDArray[np.int64], ascending: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A join: every pair of places (in `wanted`, in `ascending`) that hold the same value, in the order of `wanted`."""
    first = np.searchsorted(ascending, wanted, side="left")
    count = np.searchsorted(ascending, wanted, side="right") - first
    left = np.repeat(np.arange(len(wanted)), count)
    return left, np.arange(len(left)) + np.repeat(first - (np.cumsum(count) - count), count)


def _nothing() -> Determinants:
    empty = np.empty(0, dtype=np.int64)
    accounts = AccountColumns(
        empty,
        empty,
        empty,
        empty,
        empty.astype(np.int16),
        empty.astype(np.int16),
        empty.astype(np.int8),
        empty.astype(np.int32),
        empty.astype(np.int32),
        empty,
        empty.astype(np.int32),
        empty.astype(np.bool_),
        empty.astype(np.bool_),
        empty.astype(np.int16),
        empty.astype(np.bool_),
        empty.astype(np.intp),
    )
    width = len(BILLED_REGISTERS)
    return Determinants(accounts, _usage_of({}), np.empty((0, width), np.int64), np.empty((0, width), np.bool_), {})


_USAGE_KINDS: dict[str, Any] = {
    "row": np.int64,
    "installation": np.int64,
    "register": np.int16,
    "from_on": np.int32,
    "to_on": np.int32,
    "from_value_e4": np.int64,
    "to_value_e4": np.int64,
    "multiplier": np.int32,
    "is_rollover": np.bool_,
    "is_estimated": np.bool_,
    "is_from_curve": np.bool_,
    "energy_kwh_e2": np.int64,
    "accepted_kwh_e2": np.int64,
}


def _usage_of(columns: dict[str, Any]) -> UsageColumns:
    """Usage columns of the right types; what is not given is empty."""
    return UsageColumns(**{name: np.asarray(columns.get(name, ()), dtype=kind) for name, kind in _USAGE_KINDS.items()})


def _assemble(
    cycle: int,
    accounts: AccountColumns,
    switch_sets: tuple[Switches, ...],
    installations: InstallationColumns,
    digits: NDArray[np.int64],
    readings: dict[str, Column],
    cuts: Cuts,
    subs: NDArray[np.int64],
) -> Determinants:
    rows = len(accounts)
    left_out: dict[int, tuple[str, str]] = {}
    row_of = np.searchsorted(accounts.account, installations.account)
    # A meter's own stretch within the account's period.
    from_on = np.maximum(accounts.start[row_of], installations.installed_on)
    to_on = np.minimum(accounts.end[row_of], installations.removed_on)
    known = from_on < to_on
    is_curve = installations.is_curve & known
    from_registers = known & ~is_curve

    order = np.lexsort((readings["read_on"], readings["register"], readings["installation"]))
    hung, at = _matches(installations.installation, readings["installation"][order])
    r = {name: column[order[at]] for name, column in readings.items()}
    of_row = row_of[hung]
    closes_now = r["cycle"] == cycle
    closes_before = r["cycle"] == accounts.start_cycle[of_row]
    is_event = (r["kind"] != int(Reading.Kind.CYCLE)) & (r["read_on"] >= from_on[hung])
    is_event &= r["read_on"] <= to_on[hung]
    if cuts:
        inside = (r["read_on"] > from_on[hung]) & (r["read_on"] < to_on[hung])
        is_event |= inside & (r["state"] == int(Reading.State.ACCEPTED)) & cuts.at(of_row, r["read_on"])
    # A cycle reading before the meter or the account was there, or after, is somebody else's.
    ends_with_cycle = (to_on == accounts.end[row_of]) & accounts.ends_on_schedule[row_of]
    starts_with_cycle = (from_on == accounts.start[row_of]) & accounts.starts_on_schedule[row_of]
    is_ours = closes_now & ends_with_cycle[hung]
    is_ours |= closes_before & ~closes_now & starts_with_cycle[hung]
    used = np.flatnonzero(from_registers[hung] & (is_event | is_ours))

    measured = np.zeros(rows, dtype=np.bool_)
    usage, of, chain_faults = _chains(
        cycle,
        _chosen(r, used),
        hung[used],
        row_of,
        from_on,
        to_on,
        accounts,
        switch_sets,
        installations,
        digits,
    )
    for at_fault, reason in chain_faults:
        left_out.setdefault(at_fault, reason)
    # Every meter that hung there must have a chain; one that never spoke has none.
    has_chain = np.zeros(len(installations), dtype=np.bool_)
    has_chain[of] = True
    for silent in row_of[from_registers & ~has_chain].tolist():
        left_out.setdefault(silent, (LeftOut.NO_READING, ""))
    if is_curve.any():
        usage = _with_curves(usage, accounts, installations, is_curve, row_of, from_on, to_on, left_out, cuts)
    measured[usage.row] = True
    for row in np.flatnonzero(~measured).tolist():
        left_out.setdefault(row, (LeftOut.NO_READING, ""))
    _note_obstacles(accounts, left_out)

    is_sub = _of_points(usage, installations, subs)
    energy, has = _by_register(usage, rows, ~is_sub)
    partly_in_total, partly_by_period = _uneven(usage, rows, ~is_sub)
    for row in partly_in_total:
        left_out.setdefault(row, (LeftOut.REGISTERS_DISAGREE, ""))
    for row in flat_from_total(energy, has).tolist():
        left_out.setdefault(row, (LeftOut.SUM_DISAGREES, ""))
    return Determinants(accounts, usage, energy, has, left_out, partly_by_period, switch_sets=switch_sets)


def _note_obstacles(accounts: AccountColumns, left_out: dict[int, tuple[str, str]]) -> None:
    """Who has no contract, no version of its tariff, or a period that cannot be billed."""
    for row in np.flatnonzero(accounts.obstacle).tolist():
        left_out[row] = (_OBSTACLES[int(accounts.obstacle[row])], "")
    for row in np.flatnonzero(accounts.contract == 0).tolist():
        left_out[row] = (LeftOut.NO_CONTRACT, "")
    for row in np.flatnonzero((accounts.version == 0) & (accounts.contract != 0)).tolist():
        left_out[row] = (LeftOut.NO_TARIFF, "")


def _of_points(usage: UsageColumns, installations: InstallationColumns, points: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) which stretches of energy were measured at one of these points."""
    if not len(points):
        return np.zeros(len(usage.row), dtype=np.bool_)
    return np.isin(usage.installation, installations.installation[np.isin(installations.point, points)])


def _by_register(
    usage: UsageColumns, rows: int, among: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(rows, len(BILLED_REGISTERS)) the energy of some of the stretches, and which registers they are of."""
    width = len(BILLED_REGISTERS)
    place = (usage.row * width + PLACE[usage.register])[among]
    energy = np.zeros((rows, width), dtype=np.int64)
    np.add.at(energy.reshape(-1), place, usage.energy_kwh_e2[among])
    has = np.zeros((rows, width), dtype=np.bool_)
    has.reshape(-1)[place] = True
    return energy, has


def _chosen(readings: dict[str, Column], used: NDArray[np.int64]) -> dict[str, Column]:
    """
    The readings that bound stretches; one counts as turned where the register turned since the one before it.

    It may have turned at a daily freeze in between, which bounds nothing itself. The readings come installation by
    installation, register by register, in day order.
    """
    chosen = {name: column[used] for name, column in readings.items()}
    if readings["is_rollover"].any():
        turns = np.cumsum(readings["is_rollover"])
        chosen["is_rollover"][1:] |= turns[used[1:]] > turns[used[:-1]]
    return chosen


def _uneven(usage: UsageColumns, rows: int, among: NDArray[np.bool_]) -> tuple[frozenset[int], frozenset[int]]:
    """
    Rows whose meters do not all have a total though one has; rows whose meters do not all have periods though one has.

    Their registers must not be added up: flat would be reckoned from a total that is not of the same meters.
    """
    some = np.zeros(rows, dtype=np.int64)
    some[usage.row] = usage.installation
    several = np.unique(usage.row[usage.installation != some[usage.row]])
    total: dict[int, set[bool]] = {}
    periods: dict[int, set[bool]] = {}
    if len(several):
        at = np.flatnonzero(np.isin(usage.row, several) & among)
        of_meter: dict[tuple[int, int], set[int]] = {}
        for row, meter, register in zip(
            usage.row[at].tolist(), usage.installation[at].tolist(), usage.register[at].tolist(), strict=True
        ):
            of_meter.setdefault((row, meter), set()).add(register)
        for (row, _meter), registers in of_meter.items():
            total.setdefault(row, set()).add(int(Register.TOTAL) in registers)
            periods.setdefault(row, set()).add(bool(registers - {int(Register.TOTAL)}))
    return (
        frozenset(row for row, found in total.items() if len(found) > 1),
        frozenset(row for row, found in periods.items() if len(found) > 1),
    )


def _chains(
    cycle: int,
    r: dict[str, Column],
    hung: NDArray[np.int64],
    row_of: NDArray[np.int64],
    from_of: NDArray[np.int32],
    to_of: NDArray[np.int32],
    accounts: AccountColumns,
    switch_sets: tuple[Switches, ...],
    installations: InstallationColumns,
    digits: NDArray[np.int64],
) -> tuple[UsageColumns, NDArray[np.int64], list[tuple[int, tuple[str, str]]]]:
    """
    Cut each register's readings into stretches between neighbours; `hung` says on which row of installations each is.

    The readings come installation by installation, register by register, in day order. Gives the stretches, the row of
    installations of each, and the faults.
    """
    if not len(hung):
        return _usage_of({}), hung, []
    row, from_on, to_on = row_of[hung], from_of[hung], to_of[hung]
    same = (hung[1:] == hung[:-1]) & (r["register"][1:] == r["register"][:-1])
    is_first = np.concatenate(([True], ~same))
    is_last = np.concatenate((~same, [True]))
    faults: list[tuple[int, tuple[str, str]]] = []
    bad_state = r["state"] != int(Reading.State.ACCEPTED)
    for at in np.flatnonzero(bad_state).tolist():
        doubtful = r["state"][at] == int(Reading.State.DOUBTFUL)
        faults.append((int(row[at]), (LeftOut.DOUBTFUL if doubtful else LeftOut.PENDING, "")))
    begins = (r["read_on"] == from_on) | (r["cycle"] == accounts.start_cycle[row]) & (from_on == accounts.start[row])
    ends = (r["read_on"] == to_on) | (r["cycle"] == cycle) & (to_on == accounts.end[row])
    broken = (is_first & ~begins) | (is_last & ~ends) | (is_first & is_last)
    for at in np.flatnonzero(broken).tolist():
        faults.append((int(row[at]), (LeftOut.NO_READING, "")))
    a = np.flatnonzero(same)
    b = a + 1
    of = hung[b]
    multiplier = installations.multiplier[of]
    moved = advance(r["value_e4"][a], r["value_e4"][b], digits[of], r["is_rollover"][b])
    energy = energy_kwh_e2(moved, multiplier)
    # Validation's own figure counts where it is of this stretch: other readings may lie inside, such as daily freezes,
    # and a first reading has no figure.
    accepted = r["advance_kwh_e2"][b]
    is_known = (accepted != _NO_ADVANCE) & (r["days"][b] == r["read_on"][b] - r["read_on"][a])
    accepted = np.where(is_known, accepted, energy)
    for at in np.flatnonzero((accepted != energy) & ~bad_state[a] & ~bad_state[b]).tolist():
        faults.append((int(row[b[at]]), (LeftOut.ENERGY_DISAGREES, "")))
    if any(one.text("kwh_rounding") != "integer_kwh" for one in switch_sets):
        # Validation goes by whole kWh: what it accepted is this stretch, whatever it is rounded to.
        in_whole = np.array([one.text("kwh_rounding") == "integer_kwh" for one in switch_sets])[accounts.switches]
        energy = np.where(in_whole[row[b]], energy, energy_kwh_e2(moved, multiplier, False))
        accepted = np.where(in_whole[row[b]], accepted, energy)
    estimated = int(ReadingSource.ESTIMATED)
    usage = _usage_of(
        {
            "row": row[b],
            "installation": r["installation"][b],
            "register": r["register"][b],
            "from_on": r["read_on"][a],
            "to_on": r["read_on"][b],
            "from_value_e4": r["value_e4"][a],
            "to_value_e4": r["value_e4"][b],
            "multiplier": multiplier,
            "is_rollover": r["is_rollover"][b],
            "is_estimated": (r["source"][b] == estimated) | (r["source"][a] == estimated),
            "is_from_curve": np.zeros(len(b), dtype=np.bool_),
            "energy_kwh_e2": energy,
            "accepted_kwh_e2": accepted,
        }
    )
    return usage, of, faults


def _with_curves(
    usage: UsageColumns,
    accounts: AccountColumns,
    installations: InstallationColumns,
    is_curve: NDArray[np.bool_],
    row_of: NDArray[np.int64],
    from_on: NDArray[np.int32],
    to_on: NDArray[np.int32],
    left_out: dict[int, tuple[str, str]],
    cuts: Cuts,
) -> UsageColumns:
    """Add the stretches of points that are billed from their curve, folded by the windows of the account's tariff."""
    wanted: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    for at in np.flatnonzero(is_curve).tolist():
        row, installation, point = int(row_of[at]), int(installations.installation[at]), int(installations.point[at])
        first, last = int(from_on[at]), int(to_on[at])
        wanted[row, installation, int(accounts.version[row])] = (point, first, last)
        for one in cuts.of_row(row):
            if one.from_on < last and one.to_on > first:
                key = (row, installation, one.version)
                wanted[key] = (point, max(first, one.from_on), min(last, one.to_on))
    windows = _windows_of(sorted({version for _row, _installation, version in wanted}))
    columns: dict[str, list[Any]] = {name: [] for name in _USAGE_KINDS}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.n, d.day, d.energy_wh FROM unnest(%s::int[], %s::bigint[], %s::date[], %s::date[]) "
            "AS w(n, point_id, from_on, to_on) JOIN cis_interval_day d ON d.point_id = w.point_id AND d.register = 1 "
            "AND d.day >= w.from_on AND d.day < w.to_on AND d.missing_slots = 0 AND d.state = 1 ORDER BY w.n, d.day",
            [
                list(range(len(wanted))),
                [point for point, _, _ in wanted.values()],
                [day_of(first) for _, first, _ in wanted.values()],
                [day_of(last) for _, _, last in wanted.values()],
            ],
        )
        days_of_point: dict[int, tuple[list[date], list[list[int]]]] = {}
        for number, day, values in cursor:
            days, curves = days_of_point.setdefault(number, ([], []))
            days.append(day)
            curves.append(values)
    for number, ((row, installation, version), (_point, first, last)) in enumerate(wanted.items()):
        days, curves = days_of_point.get(number, ([], []))
        if len(days) < last - first:
            left_out.setdefault(row, (LeftOut.CURVE_INCOMPLETE, str(last - first - len(days))))
            if not days:
                continue
        for register, energy in _fold(windows.get(version), days, curves):
            values = (row, installation, register, first, last, 0, 0, 1, False, False, True, energy, energy)
            for name, value in zip(_USAGE_KINDS, values, strict=True):
                columns[name].append(value)
    extra = _usage_of(columns)
    return UsageColumns(**{name: np.concatenate([getattr(usage, name), getattr(extra, name)]) for name in _USAGE_KINDS})


def _windows_of(version_ids: Sequence[int]) -> dict[int, WindowSet]:
    rows = TouWindows.objects.raw(
        "SELECT w.*, v.id AS version_id FROM cis_tou_windows w JOIN cis_tariff_version v ON v.windows_id = w.id "
        "WHERE v.id = ANY(%s)",
        [list(version_ids)],
    )
    return {row.version_id: WindowSet.parse(row.windows) for row in rows}  # type: ignore[attr-defined]


def _fold(windows: WindowSet | None, days: list[date], curves: list[list[int]]) -> list[tuple[int, int]]:
    """(register, energy in 10^-2 kWh rounded half-up to whole kWh) of a curve in Wh, in one total or by period."""
    values = np.asarray(curves, dtype=np.int64).reshape(len(days), 96)
    if windows is None:
        return [(int(Register.TOTAL), int((values.sum() + 500) // 1000 * 100))]
    months = np.array([day.month for day in days])
    folded = windows.fold(values, months, day_kinds(days)).sum(axis=0)
    priced = windows.registers
    return [
        (int(register), int((int(energy) + 500) // 1000 * 100))
        for register, energy in zip(PERIOD_REGISTERS, folded, strict=True)
        if register in priced
    ]
