"""
What basic charges and power-factor adjustments are computed from, read set-wise for the accounts that have them.

Terms come from the contract, capacity by the day from its versions inside the period, reactive energy and maximum
demand from the readings that bound the stretches of energy. Residential shards never come here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.models import Reading
from cis.queries.basis_columns import Basis
from cis.queries.capacity_in_use import CapacityInUse
from cis.queries.left_out import LeftOut
from cis.rating import CannotPrice, Register
from cis.rating.capacity_days import Stretch
from cis.rating.columns import WHOLE
from cis.rating.power_factors import power_factor_e2
from cis.rating.rules.basic_charge import DemandMode
from config.shared.bulk_copy import read_columns

__all__ = [
    "Stretches",
    "read_basis",
]

Int = NDArray[np.int64]


# --- Terms -----------------------------------------------------------------------------------

_TERMS = """
SELECT c.id, c.demand_mode, c.capacity_kva::int8, c.contract_demand_kw::int8, c.pf_standard_e2
FROM cis_supply_contract c WHERE c.id = ANY(%(contracts)s) ORDER BY c.id
"""
_TERM_TYPES = {
    "contract": "int8",
    "demand_mode": "int2",
    "capacity_kva": "int8",
    "contract_demand_kw": "int8",
    "pf_standard_e2": "int2",
}


# --- Readings --------------------------------------------------------------------------------

_READINGS = """
SELECT r.installation_id, r.register, r.read_on, r.value_e4, r.state, r.is_rollover, m.digits
FROM cis_reading r
JOIN cis_meter_installation i ON i.id = r.installation_id
JOIN cis_meter m ON m.id = i.meter_id
WHERE r.installation_id = ANY(%(installations)s) AND r.register = ANY(%(registers)s)
  AND r.read_on BETWEEN %(first)s AND %(last)s
"""
_READING_TYPES = {
    "installation": "int8",
    "register": "int2",
    "read_on": "date",
    "value_e4": "int8",
    "state": "int2",
    "is_rollover": "bool",
    "digits": "int2",
}
_ACCEPTED = int(Reading.State.ACCEPTED)
_REACTIVE = (int(Register.REACTIVE_IMPORT), int(Register.REACTIVE_EXPORT))


@dataclass(frozen=True)
class Stretches:
    """Each meter's stretches in the accounts' periods, one row each."""

    row: Int
    point: Int
    installation: Int
    multiplier: Int
    from_on: Int
    to_on: Int


class _Values:
    """Register values by installation, register and day."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._base = int(found["read_on"].min()) if len(found["read_on"]) else 0
        key = self._key(found["installation"], found["register"], found["read_on"])
        order = np.argsort(key, kind="stable")
        self._keys = key[order]
        self._found = {name: column[order] for name, column in found.items()}

    def _key(self, installation: Any, register: Any, day: Any) -> Int:
        return (
            np.asarray(installation, np.int64) << 24 | np.asarray(register, np.int64) << 16 | (
                np.asarray(day, np.int64) - self._base & 0xFFFF
            )
        )  # fmt: skip

    def at(self, installation: Int, register: int, day: Int) -> tuple[NDArray[np.bool_], Int]:
        """(n,) whether there is an accepted value, and its place."""
        if not len(self._keys):
            return np.zeros(len(installation), dtype=np.bool_), np.zeros(len(installation), dtype=np.int64)
        wanted = self._key(installation, register, day)
        place = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        there = (self._keys[place] == wanted) & (self._found["state"][place] == _ACCEPTED)
        return there, place

    def advance(self, installation: Int, register: int, first: Int, last: Int) -> tuple[NDArray[np.bool_], Int]:
        """(n,) whether both ends are known, and what the register advanced in 1e-4 units."""
        (there, low), (also, high) = self.at(installation, register, first), self.at(installation, register, last)
        known = there & also
        if not len(self._keys):
            return known, np.zeros(len(installation), dtype=np.int64)
        moved = self._found["value_e4"][high] - self._found["value_e4"][low]
        turned = (moved < 0) & self._found["is_rollover"][high]
        full = 10_000 * 10 ** self._found["digits"][high].astype(np.int64)
        return known, np.where(known, moved + np.where(turned, full, 0), 0)

    def value(self, installation: Int, register: int, day: Int) -> tuple[NDArray[np.bool_], Int]:
        """(n,) whether it is known, and the value in 1e-4 units."""
        there, place = self.at(installation, register, day)
        return there, np.where(there, self._found["value_e4"][place], 0) if len(self._keys) else place


def read_basis(
    cursor: Any,
    *,
    rows: Int,
    accounts: int,
    contract: Int,
    active_kwh_e2: Int,
    reactive_loss: Mapping[int, Callable[[int], int]],
    refuses_without_active: NDArray[np.bool_],
    stretches: Callable[[Int], Stretches],
    in_use: CapacityInUse,
    parameters: dict[str, Any],
) -> tuple[Basis, dict[int, tuple[str, str]]]:
    """
    The basis of `rows` (those whose tariff asks for one), and who is left out because a register is missing.

    Two statements. `in_use` says what of the capacity runs on which days.
    """
    left_out: dict[int, tuple[str, str]] = {}
    terms = read_columns(cursor, _TERMS, {"contracts": np.unique(contract[rows]).tolist()}, _TERM_TYPES)
    place = np.searchsorted(terms["contract"], contract[rows])
    mode, standard = (np.zeros(accounts, dtype=np.int64) for _ in range(2))
    floor, agreed = (np.zeros(accounts, dtype=np.int64) for _ in range(2))
    mode[rows] = terms["demand_mode"][place]
    standard[rows] = terms["pf_standard_e2"][place]
    floor[rows] = terms["capacity_kva"][place] * 100
    agreed[rows] = terms["contract_demand_kw"][place] * 10_000
    kva, share, half, demand_share = _capacity(rows, accounts, floor, agreed, in_use, left_out)
    reactive, demand = np.zeros(accounts, dtype=np.int64), np.zeros((accounts, 1), dtype=np.int64)
    measured = rows[(standard[rows] > 0) | np.isin(mode[rows], (DemandMode.CONTRACT, DemandMode.ACTUAL))]
    if len(measured):
        reactive, demand = _measured(cursor, stretches(measured), mode, standard, accounts, left_out, parameters)
    for row, lost in reactive_loss.items():
        reactive[row] += lost(int(reactive[row]))
    subject = standard > 0
    for row in np.flatnonzero(subject & (active_kwh_e2 == 0) & refuses_without_active).tolist():
        left_out.setdefault(row, (LeftOut.REFUSED, "no_active"))
    factor = np.full(accounts, -1, dtype=np.int64)
    factor[subject] = power_factor_e2(active_kwh_e2[subject], reactive[subject])
    has = np.zeros(accounts, dtype=np.bool_)
    has[rows] = (mode[rows] != DemandMode.NOT_AGREED) | (standard[rows] > 0)
    return (
        Basis(
            has=has,
            demand_mode=mode,
            floor_kva_e2=floor,
            contract_kw_e4=agreed,
            pf_standard_e2=standard,
            active_kwh_e2=np.where(subject, active_kwh_e2, 0),
            reactive_kvarh_e2=reactive,
            power_factor_e2=factor,
            capacity_kva_e2=kva,
            capacity_share=share,
            capacity_is_half=half,
            demand_kw_e4=demand,
            demand_share=demand_share,
        ),
        left_out,
    )


def _capacity(
    rows: Int, accounts: int, floor: Int, agreed: Int, in_use: CapacityInUse, left_out: dict[int, tuple[str, str]]
) -> tuple[Int, Int, Int, Int]:
    """
    (accounts, k) capacity, its share of the month and whether it is at half, (accounts,) the share of demand.

    One stretch for whom nothing changes. Takes what is sealed throughout off `floor`, and where nothing runs the agreed
    demand too; changes both.
    """
    by_row: dict[int, list[Stretch]] = {}
    demand_share = np.full(accounts, WHOLE, dtype=np.int64)
    for row in in_use.by_days(rows):
        try:
            by_row[row] = in_use.charged(row, int(floor[row]))
        except CannotPrice:
            left_out.setdefault(row, (LeftOut.REFUSED, "unknown_capacity"))
            continue
        demand_share[row] = in_use.demand_share(row)
        sealed = in_use.sealed_throughout_e2(row)
        if sealed:
            agreed[row] = agreed[row] if sealed < floor[row] else 0
            floor[row] = max(int(floor[row]) - sealed, 0)
    width = max([1, *(len(found) for found in by_row.values())])
    kva, share, half = (np.zeros((accounts, width), dtype=np.int64) for _ in range(3))
    kva[:, 0], share[:, 0] = floor, WHOLE
    for row, found in by_row.items():
        kva[row], share[row] = 0, WHOLE
        for at, one in enumerate(found):
            kva[row, at], share[row, at], half[row, at] = one.kva_e2, one.share, one.is_half
    return kva, share, half, demand_share


def _measured(
    cursor: Any,
    stretches: Stretches,
    mode: Int,
    standard: Int,
    accounts: int,
    left_out: dict[int, tuple[str, str]],
    parameters: dict[str, Any],
) -> tuple[Int, Int]:
    """Reactive energy (accounts,) in 0.01 kvarh, |forward| + |reverse|; demand (accounts, feeders) in 0.0001 kW."""
    registers = [*_REACTIVE, int(Register.DEMAND)]
    asked = parameters | {"installations": np.unique(stretches.installation).tolist(), "registers": registers}
    values = _Values(read_columns(cursor, _READINGS, asked, _READING_TYPES))
    of = (stretches.installation, stretches.from_on, stretches.to_on)
    reactive = np.zeros(accounts, dtype=np.int64)
    wants = standard[stretches.row] > 0
    forward_known, forward = values.advance(of[0], _REACTIVE[0], of[1], of[2])
    _known, reverse = values.advance(of[0], _REACTIVE[1], of[1], of[2])
    for row in np.unique(stretches.row[wants & ~forward_known]).tolist():
        left_out.setdefault(row, (LeftOut.NO_READING, "reactive"))
    # 1e-4 of a register x ratio, half-up to whole kvarh as energy is.
    whole = ((np.abs(forward) + np.abs(reverse)) * stretches.multiplier + 5_000) // 10_000 * 100
    np.add.at(reactive, stretches.row[wants], whole[wants])

    by_demand = np.isin(mode[stretches.row], (DemandMode.CONTRACT, DemandMode.ACTUAL))
    known, shown = values.value(stretches.installation, int(Register.DEMAND), stretches.to_on)
    for row in np.unique(stretches.row[by_demand & ~known]).tolist():
        left_out.setdefault(row, (LeftOut.NO_READING, "demand"))
    return reactive, _by_feeder(stretches, np.where(by_demand & known, shown * stretches.multiplier, 0), accounts)


def _by_feeder(stretches: Stretches, demand: Int, accounts: int) -> Int:
    """The highest demand of each point (a meter may have been exchanged), one column a feeder."""
    highest: dict[int, dict[int, int]] = {}
    for row, point, value in zip(stretches.row.tolist(), stretches.point.tolist(), demand.tolist(), strict=True):
        points = highest.setdefault(row, {})
        points[point] = max(points.get(point, 0), value)
    width = max([1, *(len(points) for points in highest.values())])
    columns = np.zeros((accounts, width), dtype=np.int64)
    for row, points in highest.items():
        for at, point in enumerate(sorted(points)):
            columns[row, at] = points[point]
    return columns
