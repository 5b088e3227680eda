"""Late fees so far: what an account's overdue bills got and when, read together with the rule."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from cis.queries.late_fees import LateFeesSoFar, late_fees_so_far, overdue_bill_ids
from payments.models import Allocation, Reversal


def late_fees_of(account_id: int, *, on: date) -> LateFeesSoFar:
    """The late fees of an account's overdue bills up to and including a day; payments taken back do not count."""
    rows = Allocation.objects.filter(bill_id__in=overdue_bill_ids(account_id, on=on)).exclude(
        payment_id__in=Reversal.objects.values("payment_id")
    )
    paid: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for bill_id, day, fen in rows.values_list("bill_id", "payment__business_date", "amount_fen"):
        paid[bill_id].append((day, fen))
    return late_fees_so_far(account_id, on=on, paid=paid)
