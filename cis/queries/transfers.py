"""
Accounts that one holder handed on to the next (过户), and to how many months of the tier year their bounds count.

Nothing is kept of it but what is so: a point that served one account to a day and another from that day on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.queries.determinant_columns import AccountColumns, Column
from cis.queries.due_accounts import Periods, tier_year_of
from cis.queries.period_stretches import Versions
from cis.rating import Switches
from cis.rating.tier_years import TIER_YEAR_MONTHS, month_number, tier_months
from config.shared.bulk_copy import day_of, days_of
from config.shared.periods import add_months, first_day

__all__ = ["Transfers", "prorate_tiers", "read_transfers", "running_tier_months", "taken_over_lately"]

_TRANSFERS = """
SELECT mine.account_id, bool_or(upper(other.valid) = a.opened_on AND lower(mine.valid) = a.opened_on),
       bool_or(lower(other.valid) = a.closed_on AND upper(mine.valid) = a.closed_on)
FROM cis_account_point mine
JOIN cis_account a ON a.id = mine.account_id
JOIN cis_account_point other ON other.point_id = mine.point_id AND other.account_id <> mine.account_id
WHERE mine.account_id = ANY(%s)
GROUP BY 1
"""


# A two-month bill of the first month belongs to the year before.
_TIER_YEAR_DAYS = timedelta(days=430)


@dataclass(frozen=True)
class Transfers:
    """Which of some accounts were taken over from another on the day they were opened, and handed on when closed."""

    taken_over: frozenset[int]
    handed_on: frozenset[int]


def read_transfers(cursor: Any, accounts: Sequence[int]) -> Transfers:
    """The transfers of some accounts, one statement."""
    cursor.execute(_TRANSFERS, [list(accounts)])
    rows = cursor.fetchall()
    return Transfers(
        frozenset(account for account, taken, _handed in rows if taken),
        frozenset(account for account, _taken, handed in rows if handed),
    )


def prorate_tiers(
    cursor: Any,
    accounts: AccountColumns,
    due: dict[str, Column],
    versions: Versions,
    periods: Periods,
    switch_sets: tuple[Switches, ...],
    cycle: int,
) -> None:
    """
    Set the tier months of who moved in within the tier year or moves out with this bill; changes `accounts`.

    One statement, and none in a shard in which nobody of a tariff with annual tiers came or went.
    """
    route_end = np.array([days_of(day) for day in periods.ends], dtype=np.int32)[due["route"] - 1]
    # A tier year that holds a bill of this cycle began within the year before it.
    lately = days_of(first_day(add_months(cycle, -TIER_YEAR_MONTHS)))
    came_or_went = np.flatnonzero((due["opened_on"] > lately) | (due["closed_on"] <= route_end))
    came_or_went = came_or_went[np.isin(accounts.version[came_or_went], versions.yearly)]
    prorates = np.array([one.is_on("transfer_prorates_tiers") for one in switch_sets])
    rows = came_or_went[prorates[accounts.switches[came_or_went]]].tolist()
    if not rows:
        return
    found = read_transfers(cursor, accounts.account[rows].tolist())
    for row in rows:
        account = int(accounts.account[row])
        first = tier_year_of(cycle, int(accounts.months[row]), switch_sets[accounts.switches[row]])
        opened_on = day_of(int(due["opened_on"][row])) if account in found.taken_over else None
        is_last = account in found.handed_on and due["closed_on"][row] <= route_end[row]
        last_day = day_of(int(due["closed_on"][row]) - 1) if is_last else None
        accounts.tier_months[row] = _months(first, opened_on, last_day)


def taken_over_lately(opened_on: Mapping[int, date], *, today: date) -> frozenset[int]:
    """Who of some accounts was taken over within the last tier year; one statement, none where nobody opened then."""
    lately = [account for account, day in opened_on.items() if day > today - _TIER_YEAR_DAYS]
    if not lately:
        return frozenset()
    with connection.cursor() as cursor:
        return read_transfers(cursor, lately).taken_over


def running_tier_months(*, taken_over_on: date | None, cycle: int, months: int, switches: Switches) -> int:
    """The tier months of a bill of a cycle that is not issued yet, of an account that stays open."""
    if taken_over_on is None or not switches.is_on("transfer_prorates_tiers"):
        return TIER_YEAR_MONTHS
    return _months(tier_year_of(cycle, months, switches), taken_over_on, None)


def _months(first_cycle: int, opened_on: date | None, last_day: date | None) -> int:
    first = np.array([month_number(first_cycle // 100, first_cycle % 100)], dtype=np.int64)
    return int(tier_months(first, taken_over=_number(opened_on), handed_on=_number(last_day))[0])


def _number(day: date | None) -> NDArray[np.int64] | None:
    return None if day is None else np.array([month_number(day.year, day.month)], dtype=np.int64)
