"""Pure: what tags are decided on, as columns of one range of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]


@dataclass(frozen=True)
class Facts:
    """
    One row an account, in id order; every column int64 of (accounts,) unless it says otherwise.

    A count or sum of nothing is 0; where nothing was measured, the column that counts the measurements says so.
    """

    on_day: date
    account: Int
    price_class: Int
    """1 residential, 2 commercial, 3 industrial, 4 agricultural, 0 without a contract"""
    voltage_level: Int
    """0 below 1 kV, 1 up to 20 kV, 2 up to 66 kV, 3 110 kV and more, -1 without a contract"""
    capacity_kva: Int
    is_dedicated: NDArray[np.bool_]
    """whether its transformer serves nobody else"""
    open_days: Int
    customer_accounts: Int
    """open accounts of the same customer, itself included"""
    tenants: Int
    """tenants bound in the portal now"""
    portal_people: Int
    """people bound in the portal now, tenants included"""
    prepayment_fen: Int

    bills_12m: Int
    months_12m: Int
    energy_12m_kwh_e2: Int
    billed_12m_fen: Int
    recent_months: Int
    """months of those bills of the last three cycles that have their like a year before, and their energy"""
    recent_kwh_e2: Int
    year_ago_months: Int
    """the same of those a year before"""
    year_ago_kwh_e2: Int
    hot_months: Int
    """billed months of July to September, and their energy; the mild ones are April, May, October and November"""
    hot_kwh_e2: Int
    mild_months: Int
    mild_kwh_e2: Int
    peak_kwh_e2: Int
    """energy of the sharp and peak registers in twelve months, and of all registers that tell periods apart"""
    periods_kwh_e2: Int

    due_bills: Int
    """bills of twelve months whose day has passed, of these paid late or still open, and what is open"""
    late_bills: Int
    overdue_bills: Int
    overdue_fen: Int
    overdue_days: Int

    paid_at_hall: Int
    """payments of twelve months by way"""
    paid_online: Int
    contacts_12m: Int
    contacts_portal: Int
    contacts_telephone: Int
    contacts_counter: Int
    disputes_12m: Int

    curve_days: Int
    """days with a whole curve among the last ones looked at"""
    mean_day_wh: Int
    """(accounts, 96): the mean of these days"""
    recent_day_wh: Int
    """the mean day of the last seven of them, and of those before"""
    before_day_wh: Int
    fed_in_days: Int
    """days with energy fed into the network among those looked at, and how much in all"""
    fed_in_wh: Int

    tier: Int
    """place in `crm.tiering.TIERS`, -1 before the first ruling; whether a person decided it"""
    is_overridden: NDArray[np.bool_]
    value_bounds: Int
    """(accounts, 4): bounds of the quintiles of the account's price class; all 0 where they are not known"""

    def __len__(self) -> int:
        return len(self.account)
