"""What bills are computed from, as columns: accounts, their meters, the stretches of energy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.queries.basis_columns import Basis
from cis.queries.energy_columns import BILLED_REGISTERS
from cis.queries.part_columns import PartColumns
from cis.rating import Switches
from config.shared.bulk_copy import days_of

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
    """why the period cannot be billed as one piece: a key of `OBSTACLES`, or 0"""
    needs_basis: NDArray[np.bool_]
    """whether the tariff has a basic charge or a power-factor adjustment"""
    switches: NDArray[np.intp]
    """which of the shard's sets of switches it goes by"""
    tier_months: NDArray[np.int8]
    """months of the tier year to which annual bounds are pro-rated; 12 of all but who was taken over or handed on"""

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


def nothing() -> Determinants:
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
        empty.astype(np.int8),
    )
    width = len(BILLED_REGISTERS)
    return Determinants(accounts, usage_columns({}), np.empty((0, width), np.int64), np.empty((0, width), np.bool_), {})


USAGE_KINDS: dict[str, Any] = {
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


def usage_columns(columns: dict[str, Any]) -> UsageColumns:
    """Usage columns of the right types; what is not given is empty."""
    return UsageColumns(**{name: np.asarray(columns.get(name, ()), dtype=kind) for name, kind in USAGE_KINDS.items()})
