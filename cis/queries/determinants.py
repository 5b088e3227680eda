"""
What bills are computed from, read set-wise: a fixed number of statements a shard, columns out.

A period runs between two scheduled reading days of the account's route; an account that opened or closed inside it
has less. Each register of each meter that hung there is a chain of readings from the start of its stretch to the
end; an exchange is two chains. A chain that does not reach, or holds a reading that is not accepted, leaves the
account out with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.models import Reading, ReadingRoute, TouWindows
from cis.models.metering import ReadingSource
from cis.queries.day_kinds import day_kinds
from cis.queries.left_out import LeftOut
from cis.rating import PERIOD_REGISTERS, CompiledTariff, Register, Usage, advance, energy_kwh_e2
from cis.rating.windows import WindowSet
from config.shared.bulk_copy import day_of, days_of, read_columns
from config.shared.periods import add_months, reading_date

Column = NDArray[Any]

# Import registers that a bill can be made of, and the place each has in the energy columns.
BILLED_REGISTERS: tuple[Register, ...] = (
    Register.TOTAL,
    Register.SHARP,
    Register.PEAK,
    Register.FLAT,
    Register.VALLEY,
    Register.DEEP_VALLEY,
)
_PLACE = np.full(128, -1, dtype=np.int64)
for _place, _register in enumerate(BILLED_REGISTERS):
    _PLACE[int(_register)] = _place

FAR_DAYS = days_of(date(9999, 1, 1))


@dataclass(frozen=True)
class AccountColumns:
    """The accounts due in one shard, one row each, in id order; dates as Postgres days."""

    account: NDArray[np.int64]
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


_ACCOUNTS = """
SELECT a.id, coalesce(c.id, 0), coalesce(v.id, 0), coalesce(c.price_class, 0)::int2, coalesce(c.people, 1)::int2,
       r.months, GREATEST(r.period_start, a.opened_on), LEAST(r.period_end, coalesce(a.closed_on, r.period_end)),
       coalesce(CASE WHEN last.cycle >= r.tier_year_from THEN last.used END, 0)::int8, r.start_cycle,
       a.opened_on <= r.period_start, coalesce(a.closed_on >= r.period_end, true)
FROM unnest(%(routes)s::bigint[], %(months)s::int2[], %(starts)s::date[], %(ends)s::date[], %(start_cycles)s::int4[],
            %(tier_years)s::int4[])
       AS r(route_id, months, period_start, period_end, start_cycle, tier_year_from)
JOIN cis_account a ON a.route_id = r.route_id
LEFT JOIN cis_supply_contract c ON c.account_id = a.id
      AND c.valid @> (LEAST(r.period_end, coalesce(a.closed_on, r.period_end)) - 1)
LEFT JOIN cis_tariff_version v ON v.tariff_id = c.tariff_id
      AND v.valid @> (LEAST(r.period_end, coalesce(a.closed_on, r.period_end)) - 1)
LEFT JOIN LATERAL (
    SELECT b.cycle, b.tier_kwh_e2_before + b.energy_kwh_e2 AS used FROM cis_bill b
    WHERE b.account_id = a.id AND b.period_start < r.period_start
    ORDER BY b.period_start DESC, b.revision DESC LIMIT 1) last ON true
WHERE a.id >= %(low)s AND a.id < %(high)s {only}
  AND a.opened_on < r.period_end AND (a.closed_on IS NULL OR a.closed_on > r.period_start)
  AND NOT EXISTS (SELECT 1 FROM cis_bill b WHERE b.account_id = a.id
                  AND b.period_start >= r.period_start AND b.period_start < r.period_end)
ORDER BY a.id
"""

_ACCOUNT_TYPES = {
    "account": "int8",
    "contract": "int8",
    "version": "int8",
    "price_class": "int2",
    "people": "int2",
    "months": "int2",
    "start": "date",
    "end": "date",
    "tier_kwh_e2_before": "int8",
    "start_cycle": "int4",
    "starts_on_schedule": "bool",
    "ends_on_schedule": "bool",
}

_READINGS = """
SELECT ap.account_id, i.id, coalesce(r.register, 0)::int2, coalesce(r.read_on, DATE '2000-01-01'),
       coalesce(r.cycle, 0), coalesce(r.kind, 0)::int2, coalesce(r.value_e4, 0), coalesce(r.is_rollover, false),
       coalesce(r.source, 0)::int2, coalesce(r.state, 0)::int2, i.ct_ratio * i.pt_ratio, m.digits::int2,
       coalesce(lower(i.valid), DATE '2000-01-01'), coalesce(upper(i.valid), DATE '9999-01-01'),
       p.basis = 'curve', p.id
FROM cis_account_point ap
JOIN cis_metering_point p ON p.id = ap.point_id
JOIN cis_meter_installation i ON i.point_id = ap.point_id AND i.valid && daterange(%(from)s, %(to)s)
JOIN cis_meter m ON m.id = i.meter_id
LEFT JOIN cis_reading r ON r.installation_id = i.id AND r.read_on BETWEEN %(first)s AND %(last)s AND r.register < 10
WHERE ap.account_id >= %(low)s AND ap.account_id < %(high)s {only} AND ap.valid && daterange(%(from)s, %(to)s)
"""

_READING_TYPES = {
    "account": "int8",
    "installation": "int8",
    "register": "int2",
    "read_on": "date",
    "cycle": "int4",
    "kind": "int2",
    "value_e4": "int8",
    "is_rollover": "bool",
    "source": "int2",
    "state": "int2",
    "multiplier": "int4",
    "digits": "int2",
    "installed_on": "date",
    "removed_on": "date",
    "is_curve": "bool",
    "point": "int8",
}

# Readings taken some days off the schedule still belong to its cycle.
_READING_WINDOW_DAYS = 20


def routes_due(cycle: int) -> list[ReadingRoute]:
    """The reading routes that close a period in this cycle."""
    routes = ReadingRoute.objects.all()
    return [r for r in routes if r.cycle_months == 1 or (cycle % 100) % r.cycle_months == r.cycle_phase]


def tier_year_of(cycle: int, months: int, *, starts_in_month: int) -> int:
    """
    The first cycle of the tier year that a bill of this cycle belongs to.

    A two-month bill of the year's first month is use of the year before and belongs to it (billing-rules 1.1).
    """
    counted = add_months(cycle, -1) if months == 2 and cycle % 100 == starts_in_month else cycle
    year = counted // 100 if counted % 100 >= starts_in_month else counted // 100 - 1
    return year * 100 + starts_in_month


def of_accounts(
    *, cycle: int, low: int, high: int, org_path: str = "", account_id: int | None = None
) -> Determinants:
    """
    The determinants of the accounts in [low, high) that are due in the cycle and not billed for it.

    `org_path` keeps it to a part of the organisation, `account_id` to one account. Two statements, a third where
    points are billed from curves.
    """
    routes = routes_due(cycle)
    if not routes:
        return _nothing()
    starts = [reading_date(add_months(cycle, -r.cycle_months), r.reading_day) for r in routes]
    ends = [reading_date(cycle, r.reading_day) for r in routes]
    only, parameters = "", {
        "low": low,
        "high": high,
        "routes": [r.pk for r in routes],
        "months": [r.cycle_months for r in routes],
        "starts": starts,
        "ends": ends,
        "start_cycles": [add_months(cycle, -r.cycle_months) for r in routes],
        "tier_years": [tier_year_of(cycle, r.cycle_months, starts_in_month=1) for r in routes],
        "from": min(starts),
        "to": max(ends),
        "first": day_of(days_of(min(starts)) - _READING_WINDOW_DAYS),
        "last": day_of(days_of(max(ends)) + _READING_WINDOW_DAYS),
        "org": org_path.replace("%", "") + "%",
        "account": account_id,
    }
    if org_path:
        only += " AND a.org_unit_id IN (SELECT id FROM shared_org_unit WHERE path LIKE %(org)s)"
    if account_id is not None:
        only += " AND a.id = %(account)s"
    with connection.cursor() as cursor:
        raw = read_columns(cursor, _ACCOUNTS.format(only=only), parameters, _ACCOUNT_TYPES)
        raw["months"] = raw["months"].astype(np.int8)
        accounts = AccountColumns(**raw)
        if not len(accounts):
            return _nothing()
        of_one = " AND ap.account_id = %(account)s" if account_id is not None else ""
        readings = read_columns(cursor, _READINGS.format(only=of_one), parameters, _READING_TYPES)
    return _assemble(cycle, accounts, readings)


def _nothing() -> Determinants:
    empty = np.empty(0, dtype=np.int64)
    accounts = AccountColumns(
        *(empty for _ in range(3)),
        empty.astype(np.int16),
        empty.astype(np.int16),
        empty.astype(np.int8),
        empty.astype(np.int32),
        empty.astype(np.int32),
        empty,
        empty.astype(np.int32),
        empty.astype(np.bool_),
        empty.astype(np.bool_),
    )
    width = len(BILLED_REGISTERS)
    return Determinants(
        accounts, _usage_of({}), np.empty((0, width), np.int64), np.empty((0, width), np.bool_), {}
    )


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
}


def _usage_of(columns: dict[str, Any]) -> UsageColumns:
    """Usage columns of the right types; what is not given is empty."""
    return UsageColumns(
        **{name: np.asarray(columns.get(name, ()), dtype=kind) for name, kind in _USAGE_KINDS.items()}
    )


def _assemble(cycle: int, accounts: AccountColumns, readings: dict[str, Column]) -> Determinants:
    rows = len(accounts)
    left_out: dict[int, tuple[str, str]] = {}
    row_of = np.searchsorted(accounts.account, readings["account"])
    row_of[row_of == rows] = 0
    known = accounts.account[row_of] == readings["account"]
    start, end = accounts.start[row_of], accounts.end[row_of]
    # A meter's own stretch within the account's period.
    from_on = np.maximum(start, readings["installed_on"])
    to_on = np.minimum(end, readings["removed_on"])
    known &= from_on < to_on
    is_curve = readings["is_curve"] & known
    closes = (readings["cycle"] == cycle) | (readings["cycle"] == accounts.start_cycle[row_of])
    is_event = (readings["kind"] != int(Reading.Kind.CYCLE)) & (readings["read_on"] >= start)
    is_event &= readings["read_on"] <= end
    used = known & ~is_curve & (readings["register"] > 0) & (closes | is_event)
    # A cycle reading before the meter or the account was there, or after, is somebody else's.
    at_end = (readings["cycle"] == cycle) & (to_on == end) & accounts.ends_on_schedule[row_of]
    at_start = (readings["cycle"] != cycle) & (from_on == start) & accounts.starts_on_schedule[row_of]
    used &= is_event | at_end | at_start

    measured = np.zeros(rows, dtype=np.bool_)
    usage, chain_faults = _chains(
        cycle, {name: column[used] for name, column in readings.items()}, row_of[used], from_on[used], to_on[used],
        accounts,
    )
    for row, reason in chain_faults:
        left_out.setdefault(row, reason)
    # Every meter that hung there must have a chain; one that never spoke has none.
    has_chain = np.unique(
        np.stack([usage.row, usage.installation]) if len(usage.row) else np.empty((2, 0), np.int64), axis=1
    )
    chains = set(zip(*has_chain.tolist(), strict=True)) if has_chain.size else set()
    expected = known & ~is_curve
    if expected.any():
        pairs = np.unique(np.stack([row_of[expected], readings["installation"][expected]]), axis=1)
        if pairs.shape[1] != len(chains):
            for row, installation in zip(*pairs.tolist(), strict=True):
                if (row, installation) not in chains:
                    left_out.setdefault(row, (LeftOut.NO_READING, ""))
    if is_curve.any():
        usage = _with_curves(usage, accounts, readings, is_curve, row_of, from_on, to_on, left_out)
    measured[usage.row] = True
    for row in np.flatnonzero(~measured).tolist():
        left_out.setdefault(row, (LeftOut.NO_READING, ""))
    for row in np.flatnonzero(accounts.contract == 0).tolist():
        left_out[row] = (LeftOut.NO_CONTRACT, "")
    for row in np.flatnonzero((accounts.version == 0) & (accounts.contract != 0)).tolist():
        left_out[row] = (LeftOut.NO_TARIFF, "")

    width = len(BILLED_REGISTERS)
    place = _PLACE[usage.register]
    energy = np.zeros(rows * width, dtype=np.int64)
    np.add.at(energy, usage.row * width + place, usage.energy_kwh_e2)
    has = np.zeros(rows * width, dtype=np.bool_)
    has[usage.row * width + place] = True
    energy, has = energy.reshape(rows, width), has.reshape(rows, width)
    for row in flat_from_total(energy, has).tolist():
        left_out.setdefault(row, (LeftOut.SUM_DISAGREES, ""))
    return Determinants(accounts, usage, energy, has, left_out)


def flat_from_total(energy: NDArray[np.int64], has: NDArray[np.bool_]) -> NDArray[np.int64]:
    """
    Where a meter has a total and period registers, flat is what the others leave of the total (billing-rules 0.3).

    Changes `energy` in place; gives the rows where the other periods exceed the total.
    """
    total, flat = 0, BILLED_REGISTERS.index(Register.FLAT)
    others = [place for place in range(1, len(BILLED_REGISTERS)) if place != flat]
    both = has[:, total] & has[:, 1:].any(axis=1)
    if not both.any():
        return np.empty(0, dtype=np.int64)
    rest = energy[:, total] - energy[:, others].sum(axis=1)
    wrong = both & (rest < 0)
    # Rounding each register to whole kWh may leave the periods a few kWh above the total: then flat is none.
    small = wrong & (rest >= -_ROUNDING_KWH_E2) & (energy[:, flat] >= 0)
    rest[small] = 0
    settled = both & ~(wrong & ~small)
    energy[settled, flat] = rest[settled]
    has[settled, flat] = True
    energy[small, total] = energy[small][:, 1:].sum(axis=1)
    return np.flatnonzero(wrong & ~small)


# Rounding each register of a meter to whole kWh leaves at most this much between their sum and the total.
_ROUNDING_KWH_E2 = 300


def usage_for(
    tariff: CompiledTariff,
    *,
    energy_kwh_e2: NDArray[np.int64],
    has_register: Sequence[bool],
    tier_kwh_e2_before: NDArray[np.int64],
    people: NDArray[Any],
    months: NDArray[Any],
    bill_month: int,
) -> Usage:
    """
    The kernel's columns of (n, len(BILLED_REGISTERS)) energy of rows that have the same registers.

    A tariff with periods but no flat price has no place for what rounding leaves between the periods and the total:
    the periods count, as on the meter.
    """
    places = [place for place, has in enumerate(has_register) if has]
    priced = {register for rule in tariff.rules for register in rule.period_registers}
    flat = BILLED_REGISTERS.index(Register.FLAT)
    energy = energy_kwh_e2
    if priced and Register.FLAT not in priced and flat in places:
        small = np.abs(energy[:, flat]) <= _ROUNDING_KWH_E2
        energy = energy.copy()
        energy[small, 0] -= energy[small, flat]
        energy[small, flat] = 0
    return Usage(
        registers=tuple(BILLED_REGISTERS[place] for place in places),
        energy_kwh_e2=np.ascontiguousarray(energy[:, places]),
        tier_kwh_e2_before=tier_kwh_e2_before.astype(np.int64),
        people=people.astype(np.int16),
        months=months.astype(np.int8),
        bill_month=bill_month,
    )


def _chains(
    cycle: int,
    readings: dict[str, Column],
    row: NDArray[np.int64],
    from_on: NDArray[np.int32],
    to_on: NDArray[np.int32],
    accounts: AccountColumns,
) -> tuple[UsageColumns, list[tuple[int, tuple[str, str]]]]:
    """Cut each register's readings, in day order, into stretches between neighbours."""
    if not len(row):
        return _usage_of({}), []
    order = np.lexsort((readings["read_on"], readings["register"], readings["installation"], row))
    r = {name: column[order] for name, column in readings.items()}
    row, from_on, to_on = row[order], from_on[order], to_on[order]
    same = (
        (row[1:] == row[:-1])
        & (r["installation"][1:] == r["installation"][:-1])
        & (r["register"][1:] == r["register"][:-1])
    )
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
    energy = energy_kwh_e2(
        advance(r["value_e4"][a], r["value_e4"][b], r["digits"][b], r["is_rollover"][b]), r["multiplier"][b]
    )
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
            "multiplier": r["multiplier"][b],
            "is_rollover": r["is_rollover"][b],
            "is_estimated": (r["source"][b] == estimated) | (r["source"][a] == estimated),
            "is_from_curve": np.zeros(len(b), dtype=np.bool_),
            "energy_kwh_e2": energy,
        }
    )
    return usage, faults


def _with_curves(
    usage: UsageColumns,
    accounts: AccountColumns,
    readings: dict[str, Column],
    is_curve: NDArray[np.bool_],
    row_of: NDArray[np.int64],
    from_on: NDArray[np.int32],
    to_on: NDArray[np.int32],
    left_out: dict[int, tuple[str, str]],
) -> UsageColumns:
    """Add the stretches of points that are billed from their curve, folded by the windows of the account's tariff."""
    wanted: dict[tuple[int, int], tuple[int, int, int]] = {}
    for at in np.flatnonzero(is_curve).tolist():
        key = (int(row_of[at]), int(readings["installation"][at]))
        wanted[key] = (int(readings["point"][at]), int(from_on[at]), int(to_on[at]))
    windows = _windows_of(sorted({int(accounts.version[row]) for row, _ in wanted}))
    columns: dict[str, list[Any]] = {name: [] for name in _USAGE_KINDS}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.n, d.day, d.energy_wh FROM unnest(%s::int[], %s::bigint[], %s::date[], %s::date[]) "
            "AS w(n, point_id, from_on, to_on) JOIN cis_interval_day d ON d.point_id = w.point_id AND d.register = 1 "
            "AND d.day >= w.from_on AND d.day < w.to_on AND d.missing_slots = 0 ORDER BY w.n, d.day",
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
    for number, ((row, installation), (_point, first, last)) in enumerate(wanted.items()):
        days, curves = days_of_point.get(number, ([], []))
        if len(days) < last - first:
            left_out.setdefault(row, (LeftOut.CURVE_INCOMPLETE, str(last - first - len(days))))
            if not days:
                continue
        for register, energy in _fold(windows.get(int(accounts.version[row])), days, curves):
            values = (row, installation, register, first, last, 0, 0, 1, False, False, True, energy)
            for name, value in zip(_USAGE_KINDS, values, strict=True):
                columns[name].append(value)
    extra = _usage_of(columns)
    return UsageColumns(
        **{name: np.concatenate([getattr(usage, name), getattr(extra, name)]) for name in _USAGE_KINDS}
    )


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
