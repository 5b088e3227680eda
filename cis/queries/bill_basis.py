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
from cis.queries.left_out import LeftOut
from cis.rating import Register
from cis.rating.capacity_days import DAY
from cis.rating.columns import WHOLE
from cis.rating.power_factors import power_factor_e2
from cis.rating.rules.basic_charge import DemandMode
from config.shared.bulk_copy import read_columns

__all__ = [
    "Basis",
    "ContractStretches",
    "Stretches",
    "capacity_stretches",
    "read_basis",
    "read_contracts",
]

Int = NDArray[np.int64]


@dataclass(frozen=True)
class Basis:
    """Dense columns over the accounts of a shard; `has` says who has a basis at all."""

    has: NDArray[np.bool_]
    demand_mode: Int
    floor_kva_e2: Int
    contract_kw_e4: Int
    pf_standard_e2: Int
    active_kwh_e2: Int
    reactive_kvarh_e2: Int
    power_factor_e2: Int
    capacity_kva_e2: Int
    """(accounts, k)"""
    capacity_share: Int
    capacity_is_half: Int
    demand_kw_e4: Int
    """(accounts, f)"""

    def more(self, rows: Int) -> dict[str, Int]:
        """The kernel's determinants of some rows."""
        return {
            "demand_mode": self.demand_mode[rows],
            "capacity_kva_e2": self.capacity_kva_e2[rows],
            "capacity_share": self.capacity_share[rows],
            "capacity_is_half": self.capacity_is_half[rows],
            "floor_kva_e2": self.floor_kva_e2[rows],
            "contract_kw_e4": self.contract_kw_e4[rows],
            "demand_kw_e4": self.demand_kw_e4[rows],
            "pf_standard_e2": self.pf_standard_e2[rows],
            "power_factor_e2": self.power_factor_e2[rows],
            "pf_active_kwh_e2": self.active_kwh_e2[rows],
            "pf_reactive_kvarh_e2": self.reactive_kvarh_e2[rows],
        }


# --- Contracts -------------------------------------------------------------------------------

_CONTRACTS = """
SELECT c.account_id, coalesce(lower(c.valid), DATE '2000-01-01'), coalesce(upper(c.valid), DATE '9999-01-01'),
       c.capacity_kva::int8, c.tariff_id, c.price_class::int8, c.people::int8,
       hashint8extended(c.contract_demand_kw::int8, c.demand_mode * 101::int8 + c.pf_standard_e2)
FROM cis_supply_contract c
WHERE c.account_id = ANY(%(accounts)s) AND c.valid && daterange(%(from)s, %(to)s)
ORDER BY c.account_id, lower(c.valid)
"""
_CONTRACT_TYPES = {
    "account": "int8", "from_on": "date", "to_on": "date", "capacity_kva": "int8", "tariff": "int8",
    "price_class": "int8", "people": "int8", "terms": "int8",
}  # fmt: skip

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


@dataclass(frozen=True)
class ContractStretches:
    """The contract versions of some accounts in their periods, by account and day; dates as Postgres days."""

    account: Int
    from_on: NDArray[np.int32]
    to_on: NDArray[np.int32]
    capacity_kva: Int
    tariff: Int
    price_class: Int
    people: Int
    terms: Int
    """equal numbers stand for versions whose basic charge and adjustment are agreed alike, whatever their capacity"""


def read_contracts(cursor: Any, accounts: Int, parameters: dict[str, Any]) -> ContractStretches:
    """The versions that hold in the shard's periods, one statement."""
    found = read_columns(cursor, _CONTRACTS, parameters | {"accounts": accounts.tolist()}, _CONTRACT_TYPES)
    return ContractStretches(**found)


def capacity_stretches(
    contracts: ContractStretches, account: int, start: int, end: int, *, is_old: bool = False
) -> list[tuple[int, int]]:
    """
    (0.01 kVA, sixtieths of the month) of an account whose capacity changes in its period.

    What stands throughout is charged for the whole month, what stands for a part of it by its days: thirtieths, at
    most thirty. The day of the change belongs to the new capacity, whose contract begins with it, or to the old one
    where the utility has it so (`is_old`).
    """
    mine = _versions_of(contracts, account, start, end)
    capacity = contracts.capacity_kva[mine]
    from_on, to_on = contracts.from_on[mine].astype(np.int64), contracts.to_on[mine].astype(np.int64)
    if is_old:
        from_on, to_on = np.where(from_on > start, from_on + 1, from_on), np.where(to_on < end, to_on + 1, to_on)
    days = np.minimum(to_on, end) - np.maximum(from_on, start)
    kept = int(capacity.min())
    found = [(kept * 100, WHOLE)] if kept else []
    for kva, for_days in zip(capacity.tolist(), days.tolist(), strict=True):
        if kva > kept:
            found.append(((kva - kept) * 100, min(int(for_days), 30) * DAY))
    return found


def _versions_of(contracts: ContractStretches, account: int, start: int, end: int) -> Int:
    low, high = np.searchsorted(contracts.account, [account, account + 1])
    places = np.arange(low, high)
    return places[(contracts.from_on[places] < end) & (contracts.to_on[places] > start)]


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
    account: Int,
    contract: Int,
    start: Int,
    end: Int,
    active_kwh_e2: Int,
    reactive_loss: Mapping[int, Callable[[int], int]],
    refuses_without_active: NDArray[np.bool_],
    change_day_is_old: NDArray[np.bool_],
    stretches: Callable[[Int], Stretches],
    contracts: ContractStretches | None,
    changed: NDArray[np.bool_],
    parameters: dict[str, Any],
) -> tuple[Basis, dict[int, tuple[str, str]]]:
    """
    The basis of `rows` (those whose tariff asks for one), and who is left out because a register is missing.

    Two statements. `changed` says whose capacity changes inside the period; `contracts` are their versions.
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
    kva, share = _capacity(rows, accounts, floor, account, start, end, contracts, changed, change_day_is_old)
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
            capacity_is_half=np.zeros_like(kva),
            demand_kw_e4=demand,
        ),
        left_out,
    )


def _capacity(
    rows: Int,
    accounts: int,
    floor: Int,
    account: Int,
    start: Int,
    end: Int,
    contracts: ContractStretches | None,
    changed: NDArray[np.bool_],
    change_day_is_old: NDArray[np.bool_],
) -> tuple[Int, Int]:
    """(accounts, k) capacity and its share of the month; one stretch for whom nothing changes."""
    by_row: dict[int, list[tuple[int, int]]] = {}
    if contracts is not None:
        for row in rows[changed[rows]].tolist():
            by_row[row] = capacity_stretches(
                contracts, int(account[row]), int(start[row]), int(end[row]), is_old=bool(change_day_is_old[row])
            )
    width = max([1, *(len(found) for found in by_row.values())])
    kva, share = (np.zeros((accounts, width), dtype=np.int64) for _ in range(2))
    kva[:, 0], share[:, 0] = floor, WHOLE
    for row, found in by_row.items():
        kva[row], share[row] = 0, WHOLE
        for at, (size, part) in enumerate(found):
            kva[row, at], share[row, at] = size, part
    return kva, share


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
