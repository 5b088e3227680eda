"""What a population was billed, in columns: the determinants of its bills as they were kept with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.queries.basis_columns import Basis
from cis.queries.energy_columns import BILLED_REGISTERS, flat_from_total
from cis.queries.part_columns import PartColumns
from cis.queries.rating_switches import SwitchSets
from cis.rating import Register, Switches
from cis.rating.columns import WHOLE
from config.shared.bulk_copy import read_columns

_PLACE = np.full(128, -1, dtype=np.int64)
for _place, _register in enumerate(BILLED_REGISTERS):
    _PLACE[int(_register)] = _place


@dataclass(frozen=True)
class Population:
    """Whose bills: accounts of a part of the organisation, of a class and on some tariff versions (None: any)."""

    org_path: str
    price_class: int | None
    version_ids: tuple[int, ...] | None
    first_cycle: int
    last_cycle: int
    account_ids: tuple[int, ...] | None = None
    """these accounts only; None: all of the range"""


@dataclass(frozen=True)
class BilledColumns:
    """The newest revision of each bill, in the order of accounts and periods; columns of (n,)."""

    account: NDArray[np.int64]
    area: NDArray[np.int64]
    """the unit of the organisation that the account belongs to today"""
    version: NDArray[np.int64]
    price_class: NDArray[np.int16]
    cycle: NDArray[np.int32]
    months: NDArray[np.int16]
    people: NDArray[np.int16]
    tier_months: NDArray[np.int16]
    tier_kwh_e2_before: NDArray[np.int64]
    billed_kwh_e2: NDArray[np.int64]
    total_fen: NDArray[np.int64]
    energy_kwh_e2: NDArray[np.int64]
    """(n, len(BILLED_REGISTERS))"""
    has_register: NDArray[np.bool_]
    """(n, len(BILLED_REGISTERS))"""
    is_uneven: NDArray[np.bool_]
    """periods cannot be told: one meter of the account tells them and another does not, or they exceed the total"""

    basis: Basis | None
    """what basic charges and power-factor adjustments were computed from; None where no bill has one"""
    switches: NDArray[np.intp]
    """which of the sets each bill went by"""
    switch_sets: tuple[Switches, ...]
    parts: PartColumns | None
    """the priced parts of bills that have several (`row` points here); None where no bill has any"""
    is_former: NDArray[np.bool_]
    """billed by another system, as one amount"""

    def has_parts(self) -> NDArray[np.bool_]:
        """Whose energy stands in parts, (n,)."""
        has = np.zeros(len(self), dtype=np.bool_)
        if self.parts is not None:
            has[self.parts.row] = True
        return has

    def __len__(self) -> int:
        return len(self.account)


_FROM = """
FROM cis_bill b JOIN cis_account a ON a.id = b.account_id JOIN shared_org_unit o ON o.id = a.org_unit_id
WHERE b.account_id >= %(low)s AND b.account_id < %(high)s AND a.id >= %(low)s AND a.id < %(high)s
  AND b.months > 0 AND b.cycle BETWEEN %(first)s AND %(last)s AND o.path LIKE %(path)s
  AND (%(price_class)s::int IS NULL OR b.price_class = %(price_class)s)
  AND (%(accounts)s::bigint[] IS NULL OR b.account_id = ANY(%(accounts)s))
  AND (%(versions)s::bigint[] IS NULL OR b.tariff_version_id = ANY(%(versions)s))
  AND NOT EXISTS (SELECT 1 FROM cis_bill later WHERE later.account_id = b.account_id
                  AND later.period_start = b.period_start AND later.revision > b.revision)
"""

_BILLS = f"""
SELECT b.id, b.account_id, a.org_unit_id, b.tariff_version_id, b.price_class, b.cycle, b.months, b.people,
       b.tier_months, b.tier_kwh_e2_before, b.energy_kwh_e2, b.total_fen - b.correction_fen, b.org_unit_id,
       b.period_end, EXISTS (SELECT 1 FROM cis_opening_bill o WHERE o.bill_id = b.id)
{_FROM} ORDER BY b.account_id, b.period_start
"""  # noqa: S608 (both halves are written here)
_BILL_TYPES = {
    "id": "int8", "account": "int8", "area": "int8", "version": "int8", "price_class": "int2", "cycle": "int4",
    "months": "int2", "people": "int2", "tier_months": "int2", "tier_kwh_e2_before": "int8", "billed_kwh_e2": "int8",
    "total_fen": "int8", "unit": "int8", "period_end": "date", "is_former": "bool",
}  # fmt: skip

_USAGE = f"""
SELECT u.bill_id, u.installation_id, u.register, u.energy_kwh_e2
FROM cis_bill_usage u JOIN (SELECT b.id {_FROM}) AS chosen ON chosen.id = u.bill_id
"""  # noqa: S608 (both halves are written here)
_USAGE_TYPES = {"bill": "int8", "installation": "int8", "register": "int2", "energy_kwh_e2": "int8"}


_BASIS = f"""
SELECT s.bill_id, s.demand_mode, s.floor_kva_e2, s.contract_kw_e4, s.pf_standard_e2, s.active_kwh_e2,
       s.reactive_kvarh_e2, s.power_factor_e2, s.demand_share, s.capacity_kva_e2,
       s.capacity_share, s.capacity_is_half, s.demand_kw_e4
FROM cis_bill_basis s JOIN (SELECT b.id {_FROM}) AS chosen ON chosen.id = s.bill_id
"""  # noqa: S608 (both halves are written here)
_ONE = (
    "demand_mode", "floor_kva_e2", "contract_kw_e4", "pf_standard_e2", "active_kwh_e2", "reactive_kvarh_e2",
    "power_factor_e2", "demand_share",
)  # fmt: skip
_SEVERAL = ("capacity_kva_e2", "capacity_share", "capacity_is_half", "demand_kw_e4")


_PARTS = f"""
SELECT p.bill_id, p.kind, p.tariff_version_id, p.price_class, p.people, p.from_on - DATE '2000-01-01',
       p.to_on - DATE '2000-01-01', p.tier_kwh_e2_before, p.registers, p.energy_kwh_e2, p.loss_kwh_e2,
       p.free_kwh_e2_per_month, p.free_months
FROM cis_bill_part p JOIN (SELECT b.id {_FROM}) AS chosen ON chosen.id = p.bill_id ORDER BY p.bill_id, p.seq
"""  # noqa: S608 (both halves are written here)


def billed_columns(population: Population, *, low: int, high: int) -> BilledColumns:
    """The bills of the population's accounts with ids in [low, high); five statements."""
    parameters: dict[str, Any] = {
        "low": low,
        "high": high,
        "first": population.first_cycle,
        "last": population.last_cycle,
        "path": population.org_path.replace("%", "") + "%",
        "price_class": population.price_class,
        "accounts": None if population.account_ids is None else list(population.account_ids),
        "versions": None if population.version_ids is None else list(population.version_ids),
    }
    with connection.cursor() as cursor:
        bills = read_columns(cursor, _BILLS, parameters, _BILL_TYPES)
        usage = read_columns(cursor, _USAGE, parameters, _USAGE_TYPES)
        cursor.execute(_BASIS, parameters)
        bases = cursor.fetchall()
        cursor.execute(_PARTS, parameters)
        kept_parts = cursor.fetchall()
    ids = bills.pop("id")
    switch_sets, switches = SwitchSets().of_rows(bills.pop("unit"), bills.pop("period_end") - 1)
    energy = np.zeros((len(ids), len(BILLED_REGISTERS)), dtype=np.int64)
    has = np.zeros(energy.shape, dtype=np.bool_)
    uneven = np.zeros(len(ids), dtype=np.bool_)
    basis, parts = None, None
    if len(ids):
        by_id = np.argsort(ids)
        row = by_id[np.searchsorted(ids, usage["bill"], sorter=by_id)]
        place = _PLACE[usage["register"]]
        np.add.at(energy, (row, place), usage["energy_kwh_e2"])
        has[row, place] = True
        uneven |= _uneven(row, usage["installation"], usage["register"] != int(Register.TOTAL), len(ids))
        uneven[flat_from_total(energy, has)] = True
        if bases:
            bill = np.array([one[0] for one in bases], dtype=np.int64)
            basis = _basis(by_id[np.searchsorted(ids, bill, sorter=by_id)], bases, len(ids))
        if kept_parts:
            bill = np.array([one[0] for one in kept_parts], dtype=np.int64)
            parts = _parts(by_id[np.searchsorted(ids, bill, sorter=by_id)], kept_parts)
    return BilledColumns(
        **bills,
        energy_kwh_e2=energy,
        has_register=has,
        is_uneven=uneven,
        basis=basis,
        switches=switches,
        switch_sets=switch_sets,
        parts=parts,
    )


_PART_NAMES = ("kind", "version", "price_class", "people", "from_on", "to_on", "tier_kwh_e2_before")
_PART_REST = ("loss_kwh_e2", "free_kwh_e2_per_month", "free_months")


def _parts(row: NDArray[np.int64], kept: list[tuple[Any, ...]]) -> PartColumns:
    """Kept parts in columns; those of one bill lie together in their order."""
    found = []
    for at, (_bill, *values) in sorted(zip(row.tolist(), kept, strict=True), key=lambda one: one[0]):
        registers, energy = values[len(_PART_NAMES) : len(_PART_NAMES) + 2]
        of_register = dict(zip(registers, energy, strict=True))
        found.append(
            {
                "row": at,
                **dict(zip(_PART_NAMES, values, strict=False)),
                **dict(zip(_PART_REST, values[len(_PART_NAMES) + 2 :], strict=True)),
                "energy_kwh_e2": [of_register.get(int(one), 0) for one in BILLED_REGISTERS],
                "has_register": [int(one) in of_register for one in BILLED_REGISTERS],
            }
        )
    return PartColumns.of(found)


def _basis(row: NDArray[np.int64], bases: list[tuple[Any, ...]], rows: int) -> Basis:
    """Kept bases laid over all rows; where one bill has fewer stretches or feeders than another, the rest is nought."""
    has = np.zeros(rows, dtype=np.bool_)
    has[row] = True
    columns: dict[str, NDArray[np.int64]] = {}
    for at, name in enumerate(_ONE, start=1):
        columns[name] = np.full(rows, WHOLE if name == "demand_share" else 0, dtype=np.int64)
        columns[name][row] = [one[at] for one in bases]
    for at, name in enumerate(_SEVERAL, start=1 + len(_ONE)):
        # No capacity for the whole month is no charge, as where a bill is made.
        empty = WHOLE if name == "capacity_share" else 0
        columns[name] = np.full((rows, max(len(one[at]) for one in bases)), empty, dtype=np.int64)
        for where, one in zip(row.tolist(), bases, strict=True):
            columns[name][where, : len(one[at])] = one[at]
    return Basis(has=has, **columns)


def _uneven(
    row: NDArray[np.int64], installation: NDArray[np.int64], is_period: NDArray[np.bool_], rows: int
) -> NDArray[np.bool_]:
    """Rows of which one meter tells the periods and another does not."""
    order = np.lexsort((installation, row))
    row, installation, is_period = row[order], installation[order], is_period[order]
    if not len(row):
        return np.zeros(rows, dtype=np.bool_)
    begins = np.flatnonzero(np.concatenate(([True], (row[1:] != row[:-1]) | (installation[1:] != installation[:-1]))))
    tells = np.logical_or.reduceat(is_period, begins)
    meters = np.bincount(row[begins], minlength=rows)
    telling = np.bincount(row[begins[tells]], minlength=rows)
    return (telling > 0) & (telling < meters)
