"""The facts of a range of accounts, gathered from customer information, payments and our own tiers; nine statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from cis.queries import account_facts
from cis.queries.account_facts import AccountColumns, BillColumns, CurveColumns
from config.shared.bulk_copy import days_of
from config.shared.periods import add_months, cycle_of
from crm.models import AccountTier
from crm.tagging import Facts
from crm.tiering import TIERS
from payments.queries import habits

Int = NDArray[np.int64]

_HOT, _MILD = (7, 8, 9), (4, 5, 10, 11)
_TOTAL, _EXPORT = 1, 11
_WEEK = 7
_CLASSES = 5


def read_facts(
    *, low: int, high: int, on_day: date, value_bounds: Mapping[str, Sequence[int]]
) -> tuple[AccountColumns, Facts]:
    """
    What is known on a day of the open accounts with ids from `low` up to, not including, `high`.

    `value_bounds`: price class to the four bounds of its quintiles, as a run keeps them.
    """
    cycle = cycle_of(on_day)
    year, two_years = add_months(cycle, -12), add_months(cycle, -27)
    since = on_day - timedelta(days=365)
    accounts = account_facts.read_accounts(low=low, high=high, on=on_day)
    rows = _Rows(accounts.account)
    bills = account_facts.read_bills(low=low, high=high, since_cycle=two_years)
    periods = account_facts.read_periods(low=low, high=high, since_cycle=year)
    told = account_facts.read_told(low=low, high=high, since=since)
    curves = account_facts.read_curves(low=low, high=high, to=on_day, days=settings.CRM_CURVE_DAYS)
    paid = habits.read_payments(low=low, high=high, since=since)
    paid_bills = habits.read_paid_bills(low=low, high=high, since=since - timedelta(days=90))
    bounds = np.zeros((_CLASSES, 4), dtype=np.int64)
    for price_class, values in value_bounds.items():
        bounds[int(price_class)] = values
    facts = Facts(
        on_day=on_day,
        account=accounts.account,
        price_class=accounts.price_class,
        voltage_level=accounts.voltage_level,
        capacity_kva=accounts.capacity_kva,
        is_dedicated=accounts.is_dedicated,
        open_days=days_of(on_day) - accounts.opened_on,
        customer_accounts=accounts.customer_accounts,
        tenants=accounts.tenants,
        portal_people=accounts.portal_people,
        prepayment_fen=accounts.prepayment_fen,
        **_billed(rows, bills, year=year),
        **_owed(rows, bills, paid_bills, on_day=on_day, year=year),
        peak_kwh_e2=rows.sum(periods["account"], periods["peak_kwh_e2"]),
        periods_kwh_e2=rows.sum(periods["account"], periods["periods_kwh_e2"]),
        paid_at_hall=rows.sum(paid.account, paid.at_hall),
        paid_online=rows.sum(paid.account, paid.online),
        contacts_12m=rows.sum(told["account"], told["portal"] + told["telephone"] + told["counter"]),
        contacts_portal=rows.sum(told["account"], told["portal"]),
        contacts_telephone=rows.sum(told["account"], told["telephone"]),
        contacts_counter=rows.sum(told["account"], told["counter"]),
        disputes_12m=rows.sum(told["account"], told["disputes"]),
        **_measured(rows, curves, on_day=on_day),
        **_ruled(rows, low=low, high=high),
        value_bounds=bounds[np.clip(accounts.price_class, 0, _CLASSES - 1)],
    )
    return accounts, facts


class _Rows:
    """Sums of other columns by the accounts of the range."""

    def __init__(self, account: Int) -> None:
        self.account = account

    def of(self, account: Int) -> tuple[Int, NDArray[np.bool_]]:
        """The row of each account, and whether it is one of ours."""
        if not len(self.account):
            return np.zeros(len(account), np.int64), np.zeros(len(account), np.bool_)
        place = np.minimum(np.searchsorted(self.account, account), len(self.account) - 1)
        return place, self.account[place] == account

    def sum(self, account: Int, values: Int, only: NDArray[np.bool_] | None = None) -> Int:
        """The sum of values by account, of those marked."""
        place, is_ours = self.of(account)
        found = np.zeros(len(self.account), dtype=np.int64)
        chosen = is_ours if only is None else is_ours & only
        np.add.at(found, place[chosen], values[chosen])
        return found

    def most(self, account: Int, values: Int, only: NDArray[np.bool_]) -> Int:
        """The greatest value by account, 0 where there is none."""
        place, is_ours = self.of(account)
        found = np.zeros(len(self.account), dtype=np.int64)
        np.maximum.at(found, place[is_ours & only], values[is_ours & only])
        return found


def _billed(rows: _Rows, bills: BillColumns, *, year: int) -> dict[str, Any]:
    """Sums over twelve months, the newest three cycles, the same a year before, hot and mild months."""
    one = np.ones(len(bills.bill), dtype=np.int64)
    in_year = bills.cycle >= year
    recent, year_ago = _compared(bills, since=add_months(year, 9))
    month = bills.cycle % 100
    hot, mild = (in_year & np.isin(month, months) for months in (_HOT, _MILD))

    def energy(only: NDArray[np.bool_]) -> Int:
        return rows.sum(bills.account, bills.energy_kwh_e2, only)

    def months(only: NDArray[np.bool_]) -> Int:
        return rows.sum(bills.account, bills.months, only)

    return {
        "bills_12m": rows.sum(bills.account, one, in_year),
        "months_12m": months(in_year),
        "energy_12m_kwh_e2": energy(in_year),
        "billed_12m_fen": rows.sum(bills.account, bills.total_fen, in_year),
        "recent_months": months(recent),
        "recent_kwh_e2": energy(recent),
        "year_ago_months": months(year_ago),
        "year_ago_kwh_e2": energy(year_ago),
        "hot_months": months(hot),
        "hot_kwh_e2": energy(hot),
        "mild_months": months(mild),
        "mild_kwh_e2": energy(mild),
    }


def _compared(bills: BillColumns, *, since: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The bills of the newest three cycles that have one of as many months a year before, and those they have."""
    is_recent = bills.cycle >= since
    # One number a bill: account, cycle, months.
    key = (bills.account * 1_000_000 + bills.cycle) * 16 + bills.months
    a_year = 100 * 16
    recent = is_recent & np.isin(key - a_year, key)
    return recent, np.isin(key, key[recent] - a_year)


def _owed(rows: _Rows, bills: BillColumns, paid: habits.PaidBillColumns, *, on_day: date, year: int) -> dict[str, Any]:
    """Of the bills of twelve months whose day has passed: how many, how many late, what is still open since when."""
    today = days_of(on_day)
    one = np.ones(len(bills.bill), dtype=np.int64)
    is_due = (bills.cycle >= year) & (bills.due_on < today)
    is_open = is_due & (bills.open_fen > 0)
    paid_on = np.zeros(len(bills.bill), dtype=np.int64)
    if len(paid.bill):
        place = np.minimum(np.searchsorted(paid.bill, bills.bill), len(paid.bill) - 1)
        paid_on = np.where(paid.bill[place] == bills.bill, paid.last_paid_on[place], 0)
    return {
        "due_bills": rows.sum(bills.account, one, is_due),
        "late_bills": rows.sum(bills.account, one, is_open | (is_due & (paid_on > bills.due_on))),
        "overdue_bills": rows.sum(bills.account, one, is_open),
        "overdue_fen": rows.sum(bills.account, bills.open_fen, is_open),
        "overdue_days": rows.most(bills.account, today - bills.due_on, is_open),
    }


def _measured(rows: _Rows, curves: CurveColumns, *, on_day: date) -> dict[str, Any]:
    """The mean day, the last week against the days before, and what was fed in."""
    place, is_ours = rows.of(curves.account)
    taken = is_ours & (curves.register == _TOTAL)
    # An account with several points has several curves a day: days are counted once.
    days = _days(rows, curves, taken)
    sums = np.zeros((len(rows.account), 96), dtype=np.int64)
    np.add.at(sums, place[taken], curves.energy_wh[taken].astype(np.int64))
    daily = curves.energy_wh.sum(axis=1, dtype=np.int64)
    last_day = rows.most(curves.account, curves.day, taken)
    is_recent = taken & (curves.day > last_day[place] - _WEEK) if len(curves.day) else taken
    recent_days, before_days = _days(rows, curves, is_recent), _days(rows, curves, taken & ~is_recent)
    fed = is_ours & (curves.register == _EXPORT) & (daily > 0)
    return {
        "curve_days": days,
        "mean_day_wh": sums // np.maximum(days, 1)[:, None],
        "recent_day_wh": rows.sum(curves.account, daily, is_recent) // np.maximum(recent_days, 1),
        "before_day_wh": rows.sum(curves.account, daily, taken & ~is_recent) // np.maximum(before_days, 1),
        "fed_in_days": _days(rows, curves, fed),
        "fed_in_wh": rows.sum(curves.account, daily, fed),
    }


def _days(rows: _Rows, curves: CurveColumns, only: NDArray[np.bool_]) -> Int:
    """How many different days each account has among the marked curves."""
    pairs = np.unique(np.stack([curves.account[only], curves.day[only]]), axis=1)
    return rows.sum(pairs[0], np.ones(pairs.shape[1], dtype=np.int64))


def _ruled(rows: _Rows, *, low: int, high: int) -> dict[str, Any]:
    """The tiers as they were applied last."""
    known = list(
        AccountTier.objects.filter(account_id__gte=low, account_id__lt=high)
        .order_by("account_id")
        .values_list("account_id", "tier", "rule_tier")
    )
    tier = np.full(len(rows.account), -1, dtype=np.int64)
    overridden = np.zeros(len(rows.account), dtype=np.bool_)
    place, is_ours = rows.of(np.array([row[0] for row in known], dtype=np.int64))
    for (_account, own, by_rule), at, ours in zip(known, place.tolist(), is_ours.tolist(), strict=True):
        if ours:
            tier[at], overridden[at] = TIERS.index(own), own != by_rule
    return {"tier": tier, "is_overridden": overridden}
