"""What single accounts draw, quarter-hour by quarter-hour, as a mean over whole days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from config.shared.bulk_copy import read_columns

SLOTS = 96

# An account of several points draws what they draw together. A day is counted in the proportion of the capacity that
# holds on `as_on` to the capacity of that day; without either, or without `as_on`, as it was measured.
_MEANS = """
WITH capacity AS MATERIALIZED (
    SELECT account_id, valid, capacity_kva FROM cis_supply_contract
    WHERE account_id = ANY(%(accounts)s) AND capacity_kva > 0)
SELECT s.account_id, s.slot::int2, avg(s.wh)::int8, max(s.wh)::int8
FROM (SELECT m.account_id, m.slot,
             CASE WHEN due.capacity_kva IS NULL OR was.capacity_kva IS NULL THEN m.wh
                  ELSE m.wh * due.capacity_kva / was.capacity_kva END AS wh
      FROM (SELECT ap.account_id, d.day, u.slot, sum(u.wh) AS wh
            FROM cis_account_point ap
            JOIN cis_interval_day d ON d.point_id = ap.point_id AND d.register = 1 AND d.missing_slots = 0
                 AND d.day >= %(from)s AND d.day < %(to)s AND ap.valid @> d.day
            CROSS JOIN LATERAL unnest(d.energy_wh) WITH ORDINALITY AS u(wh, slot)
            WHERE ap.account_id = ANY(%(accounts)s)
            GROUP BY ap.account_id, d.day, u.slot) m
      LEFT JOIN capacity was ON was.account_id = m.account_id AND was.valid @> m.day
      LEFT JOIN capacity due ON due.account_id = m.account_id AND due.valid @> %(as_on)s::date) s
GROUP BY s.account_id, s.slot
"""


@dataclass(frozen=True)
class MeanCurves:
    """
    (accounts, 96) mean power in W of each quarter-hour, and the highest quarter-hour of all days; in the order asked.

    Accounts without a whole day have zeros and `is_measured` false.
    """

    mean_w: NDArray[np.int64]
    peak_w: NDArray[np.int64]
    is_measured: NDArray[np.bool_]


def mean_curves(account_ids: Sequence[int], *, to: date, days: int, as_on: date | None = None) -> MeanCurves:
    """
    The mean of the whole days before a day; one statement, however many accounts.

    With `as_on` each day is brought to the contract capacity of that day: half the capacity is taken to be half the
    load, and a day measured under the new capacity already counts as it is.
    """
    asked = {"accounts": list(account_ids), "from": to - timedelta(days=days), "to": to, "as_on": as_on}
    types = {"account": "int8", "slot": "int2", "mean": "int8", "most": "int8"}
    with connection.cursor() as cursor:
        found = read_columns(cursor, _MEANS, asked, types)
    ids = np.array(account_ids, np.int64)
    order = np.argsort(ids)
    rows = order[np.searchsorted(ids[order], found["account"])] if len(ids) else np.empty(0, np.int64)
    mean_w, peak_w = np.zeros((len(ids), SLOTS), np.int64), np.zeros(len(ids), np.int64)
    mean_w[rows, found["slot"] - 1] = found["mean"] * 4
    np.maximum.at(peak_w, rows, found["most"] * 4)
    is_measured = np.zeros(len(ids), bool)
    is_measured[rows] = True
    return MeanCurves(mean_w, peak_w, is_measured)
