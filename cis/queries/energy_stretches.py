"""Readings and curves become stretches of energy, register by register; who has a gap is left out with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.models import Reading, TouWindows
from cis.models.metering import ReadingSource
from cis.queries.day_kinds import day_kinds, declared_days
from cis.queries.determinant_columns import (
    USAGE_KINDS,
    AccountColumns,
    Column,
    Determinants,
    InstallationColumns,
    UsageColumns,
    usage_columns,
)
from cis.queries.due_accounts import OBSTACLES
from cis.queries.due_readings import matches
from cis.queries.energy_columns import BILLED_REGISTERS, PLACE, flat_from_total
from cis.queries.left_out import LeftOut
from cis.queries.period_stretches import Cuts
from cis.rating import PERIOD_REGISTERS, Register, Switches, advance, energy_kwh_e2
from cis.rating.windows import WindowSet
from config.shared.bulk_copy import day_of

# The advance of a reading that validation compared with none before.
_NO_ADVANCE = -1


def assemble(
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
    hung, at = matches(installations.installation, readings["installation"][order])
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

    is_sub = of_points(usage, installations, subs)
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
        left_out[row] = (OBSTACLES[int(accounts.obstacle[row])], "")
    for row in np.flatnonzero(accounts.contract == 0).tolist():
        left_out[row] = (LeftOut.NO_CONTRACT, "")
    for row in np.flatnonzero((accounts.version == 0) & (accounts.contract != 0)).tolist():
        left_out[row] = (LeftOut.NO_TARIFF, "")


def of_points(usage: UsageColumns, installations: InstallationColumns, points: NDArray[np.int64]) -> NDArray[np.bool_]:
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
        return usage_columns({}), hung, []
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
    usage = usage_columns(
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
    declared = _declared(accounts, windows, wanted)
    columns: dict[str, list[Any]] = {name: [] for name in USAGE_KINDS}
    days_of_point, estimated = _curves_of(list(wanted.values()))
    for number, ((row, installation, version), (_point, first, last)) in enumerate(wanted.items()):
        days, curves = days_of_point.get(number, ([], []))
        if len(days) < last - first:
            left_out.setdefault(row, (LeftOut.CURVE_INCOMPLETE, str(last - first - len(days))))
            if not days:
                continue
        of_unit = declared.get(int(accounts.org_unit[row]), frozenset())
        for register, energy in _fold(windows.get(version), days, curves, of_unit):
            is_estimated = number in estimated
            values = (row, installation, register, first, last, 0, 0, 1, False, is_estimated, True, energy, energy)
            for name, value in zip(USAGE_KINDS, values, strict=True):
                columns[name].append(value)
    extra = usage_columns(columns)
    return UsageColumns(**{name: np.concatenate([getattr(usage, name), getattr(extra, name)]) for name in USAGE_KINDS})


def _curves_of(
    wanted: Sequence[tuple[int, int, int]],
) -> tuple[dict[int, tuple[list[date], list[list[int]]]], set[int]]:
    """Of each (point, first, last): its days with their values in Wh, and which hold an estimated quarter-hour."""
    days_of_point: dict[int, tuple[list[date], list[list[int]]]] = {}
    estimated: set[int] = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.n, d.day, d.energy_wh, d.source = 4 OR coalesce(2 = ANY(d.quality), false) "
            "FROM unnest(%s::int[], %s::bigint[], %s::date[], %s::date[]) "
            "AS w(n, point_id, from_on, to_on) JOIN cis_interval_day d ON d.point_id = w.point_id AND d.register = 1 "
            "AND d.day >= w.from_on AND d.day < w.to_on AND d.missing_slots = 0 AND d.state = 1 ORDER BY w.n, d.day",
            [
                list(range(len(wanted))),
                [point for point, _, _ in wanted],
                [day_of(first) for _, first, _ in wanted],
                [day_of(last) for _, _, last in wanted],
            ],
        )
        for number, day, values, is_estimated in cursor:
            days, curves = days_of_point.setdefault(number, ([], []))
            days.append(day)
            curves.append(values)
            if is_estimated:
                estimated.add(number)
    return days_of_point, estimated


def _declared(
    accounts: AccountColumns,
    windows: Mapping[int, WindowSet],
    wanted: Mapping[tuple[int, int, int], tuple[int, int, int]],
) -> dict[int, frozenset[date]]:
    """The declared days by unit of accounts whose windows know such days; one statement, or none."""
    asked = {key: days for key, (_point, *days) in wanted.items() if key[2] in windows and windows[key[2]].declared}
    if not asked:
        return {}
    first, last = min(days[0] for days in asked.values()), max(days[1] for days in asked.values())
    units = accounts.org_unit[[row for row, _installation, _version in asked]].tolist()
    return declared_days(units, day_of(first), day_of(last))


def _windows_of(version_ids: Sequence[int]) -> dict[int, WindowSet]:
    rows = TouWindows.objects.raw(
        "SELECT w.*, v.id AS version_id FROM cis_tou_windows w JOIN cis_tariff_version v ON v.windows_id = w.id "
        "WHERE v.id = ANY(%s)",
        [list(version_ids)],
    )
    return {row.version_id: WindowSet.parse(row.windows) for row in rows}  # type: ignore[attr-defined]


def _fold(
    windows: WindowSet | None, days: list[date], curves: list[list[int]], declared: frozenset[date]
) -> list[tuple[int, int]]:
    """(register, energy in 10^-2 kWh rounded half-up to whole kWh) of a curve in Wh, in one total or by period."""
    values = np.asarray(curves, dtype=np.int64).reshape(len(days), 96)
    if windows is None:
        return [(int(Register.TOTAL), int((values.sum() + 500) // 1000 * 100))]
    months = np.array([day.month for day in days])
    folded = windows.fold(values, months, day_kinds(days, declared)).sum(axis=0)
    priced = windows.registers
    return [
        (int(register), int((int(energy) + 500) // 1000 * 100))
        for register, energy in zip(PERIOD_REGISTERS, folded, strict=True)
        if register in priced
    ]
