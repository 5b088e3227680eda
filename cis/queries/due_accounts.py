"""Who is due in a cycle: their own period, tariff version, tier year, and what stands against billing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.models import ReadingRoute
from cis.queries.determinant_columns import AccountColumns, Column
from cis.queries.left_out import LeftOut
from cis.queries.period_stretches import Versions
from cis.queries.rating_switches import SwitchSets
from cis.rating import Switches
from cis.rating.tier_years import TIER_YEAR_MONTHS
from config.shared.bulk_copy import days_of, read_columns
from config.shared.periods import add_months, reading_date

# What stands against billing a period. Tier years count bill by bill, so bills follow each other without a gap. The
# last two are cut into stretches where that has a rule (`_cut_accounts`).
CONTRACT_CHANGES, TARIFF_CHANGES = 4, 5


OBSTACLES = {
    1: LeftOut.LATER_BILLED,
    2: LeftOut.EARLIER_UNBILLED,
    3: LeftOut.BILLED_IN_PART,
    CONTRACT_CHANGES: LeftOut.CONTRACT_CHANGES,
    TARIFF_CHANGES: LeftOut.TARIFF_CHANGES,
}


# Who is due, under which contract, and their newest bill: it says whether the period is billed, whether it follows,
# and what the tier year has used. Only what the columns below are reckoned from, because Postgres takes longer to
# reckon row by row than numpy does for all. `route` counts the arrays of the parameters from 1.
# The range is said of the contracts too, so that they are read in one stretch and joined by merging.
_ACCOUNTS = """
SELECT a.id, a.org_unit_id, r.route::int2, a.opened_on, coalesce(a.closed_on, DATE '9999-01-01'),
       coalesce(c.id, 0), coalesce(c.tariff_id, 0), coalesce(c.price_class, 0)::int2, coalesce(c.people, 1)::int2,
       coalesce(lower(c.valid), DATE '2000-01-01'),
       coalesce(last.cycle, 0), coalesce(last.months, 0)::int2, coalesce(last.period_start, DATE '2000-01-01'),
       coalesce(last.period_end, DATE '2000-01-01'), coalesce(last.used, 0), coalesce(last.price_class, 0)::int2
FROM unnest(%(routes)s::bigint[], %(starts)s::date[], %(ends)s::date[]) WITH ORDINALITY
       AS r(route_id, period_start, period_end, route)
JOIN cis_account a ON a.route_id = r.route_id
LEFT JOIN cis_supply_contract c ON c.account_id = a.id AND c.account_id >= %(low)s AND c.account_id < %(high)s
      AND c.valid @> (LEAST(r.period_end, coalesce(a.closed_on, r.period_end)) - 1)
LEFT JOIN LATERAL (
    SELECT b.cycle, b.months, b.period_start, b.period_end, b.tier_kwh_e2_before + b.energy_kwh_e2 AS used,
           b.price_class
    FROM cis_bill b WHERE b.account_id = a.id {last}
    ORDER BY b.period_start DESC, b.revision DESC LIMIT 1) last ON true
WHERE a.id >= %(low)s AND a.id < %(high)s {only}
  AND a.opened_on < r.period_end AND (a.closed_on IS NULL OR a.closed_on > r.period_start)
  AND {due}
ORDER BY a.id
"""


_NOT_BILLED = """(last.period_start IS NULL OR last.period_start < r.period_start
       OR last.period_start >= r.period_end AND NOT EXISTS (
           SELECT 1 FROM cis_bill b
           WHERE b.account_id = a.id AND b.period_start >= r.period_start AND b.period_start < r.period_end))"""


# A period that was billed is reckoned again as it stood then: after the bill before it, whatever was billed since.
_LAST_BEFORE = "AND b.period_start < r.period_start"


_WAS_BILLED = """EXISTS (
           SELECT 1 FROM cis_bill b
           WHERE b.account_id = a.id AND b.period_start >= r.period_start AND b.period_start < r.period_end)"""


# A corrected bill used what its newest correction says: tier years go on from there.
_CORRECTED_USE = """
SELECT DISTINCT ON (c.account_id, c.period_start) c.account_id, c.period_start,
       c.tier_kwh_e2_before_now + c.energy_kwh_e2_now
FROM cis_bill_correction c
WHERE c.account_id >= %(low)s AND c.account_id < %(high)s AND c.bill_id IS NOT NULL AND c.state <> 'void'
ORDER BY c.account_id, c.period_start, c.id DESC
"""


_CORRECTED_TYPES = {"account": "int8", "period_start": "date", "used_kwh_e2": "int8"}


_ACCOUNT_TYPES = {
    "account": "int8",
    "org_unit": "int8",
    "route": "int2",
    "opened_on": "date",
    "closed_on": "date",
    "contract": "int8",
    "tariff": "int8",
    "price_class": "int2",
    "people": "int2",
    "contract_from": "date",
    "last_cycle": "int4",
    "last_months": "int2",
    "last_start": "date",
    "last_end": "date",
    "last_used_kwh_e2": "int8",
    "last_price_class": "int2",
}


_VERSIONS = """
SELECT id, tariff_id, coalesce(lower(valid), DATE '2000-01-01'), coalesce(upper(valid), DATE '9999-01-01'),
       rules @> '[{"kind": "basic_charge"}]' OR rules @> '[{"kind": "power_factor"}]',
       rules @> '[{"period": "year"}]'
FROM cis_tariff_version WHERE tariff_id = ANY(%(tariffs)s)
"""


_VERSION_TYPES = {
    "version": "int8",
    "tariff": "int8",
    "valid_from": "date",
    "valid_to": "date",
    "needs_basis": "bool",
    "is_yearly": "bool",
}


def routes_due(cycle: int) -> list[ReadingRoute]:
    """The reading routes that close a period in this cycle."""
    routes = ReadingRoute.objects.all()
    return [r for r in routes if r.cycle_months == 1 or (cycle % 100) % r.cycle_months == r.cycle_phase]


def tier_year_of(cycle: int, months: int, switches: Switches) -> int:
    """
    The first cycle of the tier year that a bill of this cycle belongs to.

    A two-month bill of the year's first month is use of the year before and belongs to it (billing-rules 1.1), unless
    the utility chose otherwise.
    """
    begins = switches.number("tier_year_start")
    is_of_last_year = months == 2 and switches.text("odd_month_january") == "previous_year"
    counted = add_months(cycle, -1) if is_of_last_year and cycle % 100 == begins else cycle
    year = counted // 100 if counted % 100 >= begins else counted // 100 - 1
    return year * 100 + begins


@dataclass(frozen=True)
class Periods:
    """The period that each route due closes; one entry a route."""

    routes: tuple[int, ...]
    months: NDArray[np.int8]
    starts: tuple[date, ...]
    ends: tuple[date, ...]
    start_cycles: NDArray[np.int32]

    @classmethod
    def of(cls, routes: Sequence[ReadingRoute], cycle: int) -> Periods:
        """Those that close in the cycle."""
        start_cycles = [add_months(cycle, -route.cycle_months) for route in routes]
        return cls(
            routes=tuple(route.pk for route in routes),
            months=np.array([route.cycle_months for route in routes], dtype=np.int8),
            starts=tuple(
                reading_date(start, route.reading_day) for start, route in zip(start_cycles, routes, strict=True)
            ),
            ends=tuple(reading_date(cycle, route.reading_day) for route in routes),
            start_cycles=np.array(start_cycles, dtype=np.int32),
        )


def _carry_corrections(due: dict[str, Column], corrected: dict[str, Column]) -> None:
    """Let tier years go on from what the newest bills used as corrected; changes `due`, which is in account order."""
    at = np.minimum(np.searchsorted(due["account"], corrected["account"]), len(due["account"]) - 1)
    ours = (due["account"][at] == corrected["account"]) & (due["last_start"][at] == corrected["period_start"])
    due["last_used_kwh_e2"][at[ours]] = corrected["used_kwh_e2"][ours]


def read_due(cursor: Any, parameters: dict[str, Any], *, only: str, again: bool) -> dict[str, Column]:
    """Who is due with what is known of each, or who was billed (`again`); two statements."""
    after, is_due = (_LAST_BEFORE, _WAS_BILLED) if again else ("", _NOT_BILLED)
    due = read_columns(cursor, _ACCOUNTS.format(only=only, last=after, due=is_due), parameters, _ACCOUNT_TYPES)
    if len(due["account"]):
        _carry_corrections(due, read_columns(cursor, _CORRECTED_USE, parameters, _CORRECTED_TYPES))
    return due


def read_versions(cursor: Any, tariffs: set[int]) -> Versions:
    """The versions of these tariffs."""
    return Versions(read_columns(cursor, _VERSIONS, {"tariffs": sorted(tariffs)}, _VERSION_TYPES))


def starts_of(due: dict[str, Column], periods: Periods) -> NDArray[np.int32]:
    """Each account's own first day."""
    route_start = np.array([days_of(day) for day in periods.starts], dtype=np.int32)[due["route"] - 1]
    return np.asarray(np.maximum(route_start, due["opened_on"]))


def account_columns(
    due: dict[str, Column], versions: Versions, periods: Periods, cycle: int
) -> tuple[AccountColumns, tuple[Switches, ...]]:
    """Each account's own period, its tariff's version, what its tier year has used, and what stands in the way."""
    route = due["route"] - 1
    months = periods.months[route]
    route_start = np.array([days_of(day) for day in periods.starts], dtype=np.int32)[route]
    route_end = np.array([days_of(day) for day in periods.ends], dtype=np.int32)[route]
    start, end = starts_of(due, periods), np.minimum(route_end, due["closed_on"])
    version, version_from, needs_basis = versions.last_of(due["tariff"], end)
    is_billed = due["last_cycle"] > 0
    # The first that applies counts.
    obstacle = np.select(
        (
            is_billed & (due["last_start"] >= route_end),
            is_billed & (due["last_end"] < start),
            is_billed & (due["last_end"] > start),
            (due["contract"] > 0) & (due["contract_from"] > start),
            (version > 0) & (version_from > start),
        ),
        tuple(OBSTACLES),
        0,
    )
    switch_sets, switches = SwitchSets().of_rows(due["org_unit"], end - 1)
    due["carried_kwh_e2"] = _carried(due, months, switches, switch_sets, cycle)
    columns = AccountColumns(
        account=due["account"],
        org_unit=due["org_unit"],
        contract=due["contract"],
        version=version,
        price_class=due["price_class"],
        people=due["people"],
        months=months,
        start=start,
        end=end,
        # What was used in another class is not of these tiers.
        tier_kwh_e2_before=np.where(due["last_price_class"] == due["price_class"], due["carried_kwh_e2"], 0),
        start_cycle=periods.start_cycles[route],
        starts_on_schedule=due["opened_on"] <= route_start,
        ends_on_schedule=due["closed_on"] >= route_end,
        obstacle=obstacle.astype(np.int16),
        needs_basis=needs_basis,
        switches=switches,
        tier_months=np.full(len(due["account"]), TIER_YEAR_MONTHS, dtype=np.int8),
    )
    return columns, switch_sets


def _carried(
    due: dict[str, Column],
    months: NDArray[np.int8],
    switches: NDArray[np.intp],
    switch_sets: tuple[Switches, ...],
    cycle: int,
) -> NDArray[np.int64]:
    """What the tier year of each account has used before, in the class of its newest bill."""
    tier_year = np.array(
        [[tier_year_of(cycle, length, one) for length in (1, 2)] for one in switch_sets], dtype=np.int32
    )[switches, months.astype(np.intp) - 1]
    # A two-month bill of the year's first month may be the year before's: what it used is not carried on.
    of_last_year = np.array([one.text("odd_month_january") == "previous_year" for one in switch_sets])[switches]
    carried = (due["last_cycle"] >= tier_year) & ~(
        (due["last_months"] == 2) & (due["last_cycle"] == tier_year) & of_last_year
    )
    return np.where(carried, due["last_used_kwh_e2"], 0)
