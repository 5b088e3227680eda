"""What a tariff version ahead means for accounts over a year: their last twelve months under it and the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.queries.billed_population import BilledColumns, Population, billed_columns
from cis.queries.billed_rating import own_totals, totals_under
from cis.queries.price_changes import VersionAhead
from config.shared.periods import add_months

__all__ = ["YearlyEffect", "yearly_effects"]

MONTHS = 12


@dataclass(frozen=True, slots=True)
class YearlyEffect:
    """
    An account's last twelve months under the version in force and under the one ahead, in fen.

    `bills` are those that both give and whose own version gives them again, `months` what they cover; `left_out` are
    the others of the year. With none, both sums are 0. `has_other_windows`: the hours of the periods change too, and
    the energy is that of the old ones.
    """

    account_id: int
    version_id: int
    from_day: date
    before_fen: int
    after_fen: int
    bills: int
    months: int
    left_out: int
    has_other_windows: bool


_CONCERNED = """
SELECT c.account_id, c.tariff_id, (SELECT max(b.cycle) FROM cis_bill b WHERE b.account_id = c.account_id)
FROM cis_supply_contract c
JOIN cis_account a ON a.id = c.account_id AND a.state = 'open'
JOIN unnest(%(tariffs)s::bigint[], %(days)s::date[]) AS ahead(tariff_id, from_day)
     ON ahead.tariff_id = c.tariff_id AND c.valid @> ahead.from_day
WHERE c.account_id = ANY(%(accounts)s)
ORDER BY c.account_id
"""


def yearly_effects(account_ids: Sequence[int], changes: Mapping[int, VersionAhead]) -> list[YearlyEffect]:
    """The effect on each of the accounts that such a change concerns, by id; five statements, however many accounts."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CONCERNED,
            {
                "tariffs": list(changes),
                "days": [change.from_day for change in changes.values()],
                "accounts": list(account_ids),
            },
        )
        concerned = cursor.fetchall()
    newest = {account: cycle for account, _tariff, cycle in concerned if cycle is not None}
    found = _bills(newest)
    again = own_totals(found)
    effects = []
    for tariff_id, change in changes.items():
        mine = [account for account, tariff, _cycle in concerned if tariff == tariff_id]
        if not mine:
            continue
        before, after = totals_under(found, change.old.rules), totals_under(found, change.new.rules)
        effects += [_effect(account, change, found, newest, again, before, after) for account in mine]
    return sorted(effects, key=lambda effect: effect.account_id)


def _bills(newest: Mapping[int, int]) -> BilledColumns:
    """The bills of the accounts over all their years; each account's own year is cut out of them later."""
    cycles = list(newest.values()) or [190001]
    population = Population(
        org_path="",
        price_class=None,
        version_ids=None,
        first_cycle=add_months(min(cycles), 1 - MONTHS),
        last_cycle=max(cycles),
        account_ids=tuple(newest),
    )
    return billed_columns(population, low=min(newest, default=0), high=max(newest, default=0) + 1)


def _effect(
    account: int,
    change: VersionAhead,
    found: BilledColumns,
    newest: Mapping[int, int],
    again: NDArray[np.int64],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
) -> YearlyEffect:
    year = np.flatnonzero((found.account == account) & (found.cycle > add_months(newest.get(account, 190001), -MONTHS)))
    counts = year[(again[year] == found.total_fen[year]) & (before[year] >= 0) & (after[year] >= 0)]
    return YearlyEffect(
        account_id=account,
        version_id=change.new.pk,
        from_day=change.from_day,
        before_fen=int(before[counts].sum()),
        after_fen=int(after[counts].sum()),
        bills=len(counts),
        months=int(found.months[counts].sum()),
        left_out=len(year) - len(counts),
        has_other_windows=change.old.windows_id != change.new.windows_id,
    )
