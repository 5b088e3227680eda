"""Periods in which a price or a contract changes: which stretches they are cut into, and on which days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.queries.contract_stretches import ContractStretches
from cis.queries.part_cuts import Stretch
from cis.rating import Switches

__all__ = ["Cuts", "Versions", "cut_in_time"]

Int = NDArray[np.int64]


@dataclass(frozen=True)
class _Version:
    version: int
    valid_from: int
    valid_to: int
    needs_basis: bool
    is_yearly: bool


class Versions:
    """The versions of some tariffs by day; days as Postgres days."""

    def __init__(self, columns: Mapping[str, NDArray[np.int64]]) -> None:
        self._of: dict[int, list[_Version]] = {}
        names = ("tariff", "version", "valid_from", "valid_to", "needs_basis", "is_yearly")
        for tariff, *values in zip(*(columns[name].tolist() for name in names), strict=True):
            self._of.setdefault(tariff, []).append(_Version(*values))
        for versions in self._of.values():
            versions.sort(key=lambda one: one.valid_from)
        self.yearly = [one.version for versions in self._of.values() for one in versions if one.is_yearly]
        """those with annual tiers"""

    def at(self, tariff: int, day: int) -> int:
        """The version that holds on a day; 0 = none."""
        return next((one.version for one in self._of.get(tariff, ()) if one.valid_from <= day < one.valid_to), 0)

    def between(self, tariff: int, first: int, last: int) -> list[_Version]:
        """The versions that hold on some day of [first, last), in order."""
        return [one for one in self._of.get(tariff, ()) if one.valid_from < last and one.valid_to > first]

    def last_of(self, tariff: Int, end: NDArray[Any]) -> tuple[Int, NDArray[np.int32], NDArray[np.bool_]]:
        """(n,) the version on the last day of each period, since when it holds, and whether it needs a basis."""
        version, since = np.zeros(len(tariff), dtype=np.int64), np.zeros(len(tariff), dtype=np.int32)
        needs = np.zeros(len(tariff), dtype=np.bool_)
        for of, versions in self._of.items():
            mine = tariff == of
            for one in versions:
                holds = mine & (end > one.valid_from) & (end <= one.valid_to)
                version[holds], since[holds], needs[holds] = one.version, one.valid_from, one.needs_basis
        return version, since, needs


def cut_in_time(
    rows: Int,
    *,
    account: Int,
    contract: Mapping[str, Int],
    start: NDArray[np.int32],
    end: NDArray[np.int32],
    contracts: ContractStretches | None,
    versions: Versions,
) -> tuple[dict[int, list[Stretch]], Int, Int]:
    """
    How the periods of some rows are cut: the stretches by row, the rows that are not (nothing but the capacity
    changes, or not even that), and those whose capacity changes.

    A row that is in neither of the first two has a day without contract or version, or terms change for which there is
    no rule: a basic charge or an adjustment that begins or ends inside the period, or is agreed otherwise.
    """
    stretches: dict[int, list[Stretch]] = {}
    whole: list[int] = []
    by_capacity: list[int] = []
    for row in rows.tolist():
        first, last = int(start[row]), int(end[row])
        agreed = _contracts_of(row, int(account[row]), contract, first, last, contracts)
        found = _stretches(agreed, first, last, versions)
        if not found or len({terms for *_rest, terms, _kva in agreed}) > 1:
            continue
        if len({kva for *_rest, kva in agreed}) > 1:
            by_capacity.append(row)
        if len(found) == 1:
            whole.append(row)
        else:
            stretches[row] = found
    return stretches, np.array(whole, dtype=np.int64), np.array(by_capacity, dtype=np.int64)


_Agreed = tuple[int, int, int, int, int, int, int]
"""from, to, tariff, price class, people, terms, kVA"""


def _contracts_of(
    row: int,
    account: int,
    contract: Mapping[str, Int],
    first: int,
    last: int,
    contracts: ContractStretches | None,
) -> list[_Agreed]:
    """The contract rows of an account in its period; the one that holds at the end where none other was read."""
    if contracts is not None:
        low, high = np.searchsorted(contracts.account, [account, account + 1])
        mine = range(int(low), int(high))
        found = [
            (
                int(contracts.from_on[at]), int(contracts.to_on[at]), int(contracts.tariff[at]),
                int(contracts.price_class[at]), int(contracts.people[at]), int(contracts.terms[at]),
                int(contracts.capacity_kva[at]),
            )
            for at in mine
            if contracts.from_on[at] < last and contracts.to_on[at] > first
        ]  # fmt: skip
        if found:
            return found
    return [
        (
            first, last, int(contract["tariff"][row]), int(contract["price_class"][row]),
            int(contract["people"][row]), 0, 0,
        )
    ]  # fmt: skip


def _stretches(agreed: Sequence[_Agreed], first: int, last: int, versions: Versions) -> list[Stretch]:
    """The stretches of a period, without a gap; none if there is one, or if only some of them have a basic charge."""
    found: list[Stretch] = []
    reached, needs = first, set()
    for begins, ends, tariff, price_class, people, _terms, _kva in agreed:
        for version in versions.between(tariff, max(begins, first), min(ends, last)):
            from_on, to_on = max(begins, version.valid_from, first), min(ends, version.valid_to, last)
            if from_on != reached:
                return []
            reached = to_on
            needs.add(version.needs_basis)
            before = found[-1] if found else None
            if before and (before.version, before.price_class, before.people) == (version.version, price_class, people):
                found[-1] = Stretch(before.from_on, to_on, before.version, price_class, people)
            else:
                found.append(Stretch(from_on, to_on, version.version, price_class, people))
    return found if reached == last and len(needs) == 1 else []


class Cuts:
    """The days on which the periods of rows are cut."""

    def __init__(
        self,
        stretches: Mapping[int, Sequence[Stretch]],
        of_parts: Mapping[int, Sequence[int]],
        by_days_only: NDArray[np.bool_],
    ) -> None:
        self._stretches = stretches
        days = [(row, one.from_on) for row, found in stretches.items() if not by_days_only[row] for one in found[1:]]
        days += [(row, day) for row, found in of_parts.items() if not by_days_only[row] for day in found]
        self._keys = np.sort(np.array([_key(row, day) for row, day in days], dtype=np.int64))

    @classmethod
    def of(
        cls,
        stretches: Mapping[int, Sequence[Stretch]],
        of_parts: Mapping[int, Sequence[int]],
        switches: NDArray[np.intp],
        sets: Sequence[Switches],
    ) -> Cuts:
        """
        Cut where a reading of that day is known, unless the utility goes by days.

        `of_parts`: the days on which prices of parts change, by row.
        """
        by_days = np.array([one.text("proration") == "by_days" for one in sets])
        return cls(stretches, of_parts, by_days[switches])

    def __bool__(self) -> bool:
        return bool(self._stretches) or bool(len(self._keys))

    def at(self, row: Int, day: NDArray[np.int32]) -> NDArray[np.bool_]:
        """(n,) whether a row is cut on a day, by what was read on it."""
        return np.isin(_key(row, day.astype(np.int64)), self._keys)

    def of_row(self, row: int) -> Sequence[Stretch]:
        """The stretches of a row; none for a row of one piece."""
        return self._stretches.get(row, ())


def _key(row: Int | int, day: Int | int) -> Int:
    return np.asarray(row, np.int64) << 32 | np.asarray(day, np.int64) + (1 << 24)
