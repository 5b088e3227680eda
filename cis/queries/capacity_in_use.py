"""
Capacity that runs by the day: contracts that change inside a period, what is sealed or replaced for some days, and
accounts that are there for a part of it only. What of it is charged, and what of it loses energy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.models.supply_terms import CapacityPause
from cis.queries.contract_stretches import ContractStretches
from cis.queries.determinant_columns import AccountColumns
from cis.rating import Switches
from cis.rating.capacity_days import DAY, Held, Stretch, charged_by_days, layers_of
from cis.rating.columns import WHOLE

__all__ = ["CapacityInUse", "Pause", "read_pauses"]

Int = NDArray[np.int64]
KIND = CapacityPause.Kind
_MONTH_DAYS = 30

# All of an account's, whatever its days: two that follow each other are one when their days are counted.
_PAUSES = """
SELECT p.account_id, p.kind, p.off_kva::int8 * 100, p.on_kva::int8 * 100, p.is_new_install,
       lower(p.valid) - DATE '2000-01-01', upper(p.valid) - DATE '2000-01-01', coalesce(c.capacity_kva, 0)::int8 * 100
FROM cis_capacity_pause p
LEFT JOIN cis_supply_contract c ON c.account_id = p.account_id AND c.valid @> lower(p.valid)
WHERE p.account_id >= %(low)s AND p.account_id < %(high)s ORDER BY p.account_id, lower(p.valid), p.id
"""


@dataclass(frozen=True)
class Pause:
    """Capacity that does not run for some days; see `CapacityPause`. 0.01 kVA, Postgres days, half-open."""

    kind: str
    off_kva_e2: int
    on_kva_e2: int
    is_new_install: bool
    from_day: int
    to_day: int
    contract_kva_e2: int
    days: int = 0
    """of all that follow each other without a day between"""


def read_pauses(cursor: Any, parameters: Mapping[str, Any]) -> dict[int, list[Pause]]:
    """The pauses of accounts in [low, high), by account and day; one statement."""
    found: dict[int, list[Pause]] = {}
    cursor.execute(_PAUSES, parameters)
    for account, *values in cursor.fetchall():
        found.setdefault(account, []).append(Pause(*values))
    return {account: _with_days(pauses) for account, pauses in found.items()}


def _with_days(pauses: Sequence[Pause]) -> list[Pause]:
    """Each with the days of its whole run."""
    runs: list[list[Pause]] = []
    for one in pauses:
        of_it = next((run for run in runs if _goes_on(run[-1], one)), None)
        if of_it is None:
            runs.append([one])
        else:
            of_it.append(one)
    return [
        Pause(
            one.kind, one.off_kva_e2, one.on_kva_e2, one.is_new_install, one.from_day, one.to_day,
            one.contract_kva_e2, run[-1].to_day - run[0].from_day,
        )
        for run in runs
        for one in run
    ]  # fmt: skip


def _goes_on(before: Pause, after: Pause) -> bool:
    same = (before.kind, before.off_kva_e2, before.on_kva_e2) == (after.kind, after.off_kva_e2, after.on_kva_e2)
    return same and before.to_day == after.from_day


@dataclass(frozen=True)
class CapacityInUse:
    """What runs of the accounts of a shard, by row."""

    accounts: AccountColumns
    switch_sets: Sequence[Switches]
    contracts: ContractStretches | None = None
    changed: NDArray[np.bool_] | None = None
    """whose contract capacity changes inside the period"""
    pauses: Mapping[int, Sequence[Pause]] = field(default_factory=dict)

    def by_days(self, rows: Int) -> list[int]:
        """Those of the rows that are not simply charged for their contract's capacity for the month."""
        accounts = self.accounts
        odd = ~(accounts.starts_on_schedule[rows] & accounts.ends_on_schedule[rows])
        if self.changed is not None:
            odd |= self.changed[rows]
        if self.pauses:
            odd |= np.isin(accounts.account[rows], list(self.pauses))
        return [int(row) for row in rows[odd]]

    def is_whole(self, row: int) -> bool:
        """Whether the account was there throughout the month."""
        return bool(self.accounts.starts_on_schedule[row] and self.accounts.ends_on_schedule[row])

    def charged(self, row: int, contract_kva_e2: int) -> list[Stretch]:
        """What is charged by capacity; raises CannotPrice(`unknown_capacity`) where more is sealed than there is."""
        start, end = self._period(row)
        pauses, switches = self._of(row), self._switches(row)
        held = [*self._agreed(row, contract_kva_e2), *(half for one in pauses for half in _held(one))]
        at_half = switches.is_on("suspension_new_install_half_charge")
        halved = [
            Held(one.off_kva_e2, one.from_day, one.to_day)
            for one in pauses
            if at_half and one.is_new_install and one.kind == KIND.SUSPENSION
        ]
        return charged_by_days(held, start, end, is_whole=self.is_whole(row), halved=halved)

    def sealed_throughout_e2(self, row: int) -> int:
        """What of the capacity is sealed on every day of the period (0.01 kVA): demand is not charged for it."""
        start, end = self._period(row)
        sealed = [Held(one.off_kva_e2 - one.on_kva_e2, one.from_day, one.to_day) for one in self._of(row)]
        least = [kva for kva, days in layers_of([one for one in sealed if one.kva_e2 > 0], start, end)
                 if days == end - start]  # fmt: skip
        return sum(least)

    def demand_share(self, row: int) -> int:
        """The sixtieths of the month for which demand is charged."""
        start, end = self._period(row)
        return WHOLE if self.is_whole(row) else min(end - start, _MONTH_DAYS) * DAY

    def lost(self, row: int, from_day: int, to_day: int, months: int) -> tuple[Fraction, Fraction]:
        """
        The months and the hours for which a transformer loses energy between two days of the period.

        What is sealed loses nothing: where it is a part of the capacity, it takes off as large a part of the loss
        (ours). What was replaced goes by the losses that are agreed for it.
        """
        start, end = self._period(row)
        is_whole = self.is_whole(row) and (from_day, to_day) == (start, end)
        sealed = [one for one in self._of(row) if not one.on_kva_e2]
        all_kva = max((one.contract_kva_e2 for one in sealed), default=0)
        if not all_kva:
            return self._months(to_day - from_day, months, is_whole=is_whole), Fraction((to_day - from_day) * 24)
        held = [Held(all_kva, from_day, to_day), *(Held(-one.off_kva_e2, one.from_day, one.to_day) for one in sealed)]
        of_month, hours = Fraction(), Fraction()
        for kva, days in layers_of(held, from_day, to_day):
            part = Fraction(kva, all_kva)
            of_month += part * self._months(days, months, is_whole=is_whole and days == to_day - from_day)
            hours += part * days * 24
        return of_month, hours

    @staticmethod
    def _months(days: int, months: int, *, is_whole: bool) -> Fraction:
        return Fraction(months) if is_whole else Fraction(min(days, _MONTH_DAYS * months), _MONTH_DAYS)

    def _period(self, row: int) -> tuple[int, int]:
        return int(self.accounts.start[row]), int(self.accounts.end[row])

    def _switches(self, row: int) -> Switches:
        return self.switch_sets[int(self.accounts.switches[row])]

    def _of(self, row: int) -> list[Pause]:
        """The account's pauses that count, by the days that are theirs."""
        switches = self._switches(row)
        least = switches.number("min_suspension_days")
        # The day of a change belongs to what comes or to what was: then everything begins a day later.
        later = int(switches.text("change_day_belongs_to") == "old")
        start, end = self._period(row)
        return [
            Pause(
                one.kind, one.off_kva_e2, one.on_kva_e2, one.is_new_install, one.from_day + later, one.to_day + later,
                one.contract_kva_e2, one.days,
            )
            for one in self.pauses.get(int(self.accounts.account[row]), ())
            if (one.kind != KIND.SUSPENSION or one.days >= least)
            and one.from_day + later < end
            and one.to_day + later > start
        ]  # fmt: skip

    def _agreed(self, row: int, contract_kva_e2: int) -> list[Held]:
        """The contract's capacity by day."""
        start, end = self._period(row)
        if self.contracts is None or self.changed is None or not self.changed[row]:
            return [Held(contract_kva_e2, start, end)]
        later = int(self._switches(row).text("change_day_belongs_to") == "old")
        return [
            Held(kva * 100, from_on + later if from_on > start else start, to_on + later if to_on < end else end)
            for kva, from_on, to_on in self.contracts.capacity_of(int(self.accounts.account[row]), start, end)
        ]


def _held(one: Pause) -> list[Held]:
    found = [Held(-one.off_kva_e2, one.from_day, one.to_day)]
    return [*found, Held(one.on_kva_e2, one.from_day, one.to_day)] if one.on_kva_e2 else found
