"""How much was sold, billed, received and is still owed, by month and price class, for those who answer for a part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.utils.translation import gettext as _

from cis.models import SupplyContract
from cis.models.ledger import TransferKind
from config.shared.periods import add_months, first_day


@dataclass(frozen=True, slots=True)
class MonthOfClass:
    """One month of one price class: what was billed for it, what of that is open, what of that is overdue."""

    cycle: int
    price_class: int
    bills: int
    energy_kwh_e2: int
    billed_fen: int
    open_fen: int
    overdue_fen: int


@dataclass(frozen=True, slots=True)
class ReceivedInMonth:
    """Money received in one calendar month from customers of one price class, less what was taken back."""

    cycle: int
    price_class: int
    received_fen: int


_BILLED = """
SELECT b.cycle, b.price_class, count(*), sum(b.energy_kwh_e2)::bigint, sum(b.total_fen)::bigint,
       sum(b.open_fen)::bigint, coalesce(sum(b.open_fen) FILTER (WHERE b.due_on < %(today)s), 0)::bigint
FROM cis_bill b JOIN cis_account a ON a.id = b.account_id JOIN shared_org_unit o ON o.id = a.org_unit_id
WHERE b.cycle BETWEEN %(first)s AND %(last)s AND o.path LIKE ANY(%(paths)s)
  AND NOT EXISTS (SELECT 1 FROM cis_bill_cancellation x WHERE x.bill_id = b.id)
GROUP BY 1, 2 ORDER BY 1, 2
"""

# The class of a customer is that of the contract in force on the day.
_RECEIVED = """
SELECT (extract(year FROM t.business_date) * 100 + extract(month FROM t.business_date))::int, c.price_class,
       sum(CASE WHEN t.kind = ANY(%(received)s) THEN t.amount_fen ELSE -t.amount_fen END)::bigint
FROM cis_ledger_transfer t
JOIN cis_account a ON a.id = t.account_id JOIN shared_org_unit o ON o.id = a.org_unit_id
JOIN cis_supply_contract c ON c.account_id = a.id AND c.valid @> t.business_date
WHERE (t.kind = ANY(%(received)s) OR t.kind = ANY(%(given_back)s))
  AND t.business_date >= %(from_day)s AND t.business_date < %(to_day)s
  AND o.path LIKE ANY(%(paths)s)
GROUP BY 1, 2 ORDER BY 1, 2
"""


def billed_by_month(*, within: Sequence[str], first: int, last: int, today: date) -> list[MonthOfClass]:
    """Bills of the accounts under these organisation paths, by cycle (both included) and price class."""
    with connection.cursor() as cursor:
        cursor.execute(_BILLED, {"first": first, "last": last, "today": today, "paths": _below(within)})
        return [MonthOfClass(*row) for row in cursor.fetchall()]


def received_by_month(*, within: Sequence[str], first: int, last: int) -> list[ReceivedInMonth]:
    """What the accounts under these paths paid and did not get back, by month of booking (both included) and class."""
    asked: dict[str, date | list[int] | list[str]] = {
        # Of refunds through a provider, only the legs that touch the customer's prepayment name an account.
        "received": [int(TransferKind.PAYMENT_RECEIVED), int(TransferKind.REFUND_FAILED)],
        "given_back": [
            int(TransferKind.PAYMENT_REVERSED),
            int(TransferKind.PREPAYMENT_REFUNDED),
            int(TransferKind.REFUND_SENT),
        ],
        "from_day": first_day(first),
        "to_day": first_day(add_months(last, 1)),
        "paths": _below(within),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVED, asked)
        return [ReceivedInMonth(*row) for row in cursor.fetchall()]


def class_names() -> dict[int, str]:
    """What the price classes are called in the language of the request."""
    return {kind.value: _(kind.label) for kind in SupplyContract.PriceClass}


def _below(paths: Sequence[str]) -> list[str]:
    return [f"{path}%" for path in paths]
