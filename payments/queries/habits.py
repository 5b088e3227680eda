"""How a range of accounts pays, as columns, for apps that describe customers; a fixed number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from config.shared.bulk_copy import read_columns

Int = NDArray[np.int64]


@dataclass(frozen=True)
class PaymentColumns:
    """Payments that were not reversed, counted by account: at a hall, and through a wallet."""

    account: Int
    at_hall: Int
    online: Int


@dataclass(frozen=True)
class PaidBillColumns:
    """Bill by bill, the last business day on which something was paid on it (Postgres days)."""

    bill: Int
    last_paid_on: Int


_WAYS = """
SELECT p.account_id, count(*) FILTER (WHERE p.method <> 'wallet')::int4,
       count(*) FILTER (WHERE p.method = 'wallet')::int4
FROM payments_payment p
WHERE p.account_id >= %(low)s AND p.account_id < %(high)s AND p.business_date >= %(since)s
  AND NOT EXISTS (SELECT 1 FROM payments_reversal r WHERE r.payment_id = p.id)
GROUP BY p.account_id
"""

_BILLS = """
SELECT l.bill_id, max(p.business_date)
FROM payments_payment p JOIN payments_allocation l ON l.payment_id = p.id
WHERE p.account_id >= %(low)s AND p.account_id < %(high)s AND p.business_date >= %(since)s
  AND NOT EXISTS (SELECT 1 FROM payments_reversal r WHERE r.payment_id = p.id)
GROUP BY l.bill_id ORDER BY l.bill_id
"""


def read_payments(*, low: int, high: int, since: date) -> PaymentColumns:
    """The payments since a day of accounts with ids from `low` up to, not including, `high`."""
    with connection.cursor() as cursor:
        found = read_columns(
            cursor,
            _WAYS,
            {"low": low, "high": high, "since": since},
            {"account": "int8", "at_hall": "int4", "online": "int4"},
        )
    return PaymentColumns(**{name: column.astype(np.int64) for name, column in found.items()})


def read_paid_bills(*, low: int, high: int, since: date) -> PaidBillColumns:
    """When the bills of these accounts were paid last, in the order of their ids."""
    with connection.cursor() as cursor:
        found = read_columns(
            cursor, _BILLS, {"low": low, "high": high, "since": since}, {"bill": "int8", "last_paid_on": "date"}
        )
    return PaidBillColumns(**{name: column.astype(np.int64) for name, column in found.items()})
