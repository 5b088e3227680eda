"""Late fees so far of an account's overdue bills, by the published terms in force."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from django.conf import settings

from cis.collecting.late_fee_bill import terms_in_force
from cis.collecting.late_fees import FeePart, Settled, late_fee, read_late_fee_terms
from cis.models import Bill, SupplyContract


@dataclass(frozen=True, slots=True)
class BillLateFee:
    """
    An overdue bill and its late fee up to and including a day; `parts` of constant base and rate.

    `is_minimum`, `is_capped`: the sum of the parts (`raw_fen`) was lifted to the least or held to the most.
    """

    bill_id: int
    bill_no: str
    cycle: int
    period_start: date
    period_end: date
    due_on: date
    open_fen: int
    days: int
    parts: tuple[FeePart, ...]
    raw_fen: int
    fee_fen: int
    is_minimum: bool
    is_capped: bool


@dataclass(frozen=True, slots=True)
class LateFeesSoFar:
    """The overdue bills of an account with their fees, and where the rule is from."""

    bills: tuple[BillLateFee, ...]
    fee_fen: int
    source: str


def overdue_bill_ids(account_id: int, *, on: date) -> list[int]:
    """The ids of an account's bills that are open and past their due date."""
    rows = Bill.objects.filter(account_id=account_id, open_fen__gt=0, due_on__lt=on)
    return list(rows.order_by("due_on", "pk").values_list("pk", flat=True))


def late_fees_so_far(account_id: int, *, on: date, paid: Mapping[int, Sequence[tuple[date, int]]]) -> LateFeesSoFar:
    """
    The late fees of an account's overdue bills up to and including `on`; `paid`: bill to (day, fen) that it got.

    What a bill was issued for less what prepayment took of it is its principal.

    :raises CannotPrice: no published terms cover the day
    """
    entry = terms_in_force(_published(), on=on, province=settings.COLLECTING_PROVINCE or None)
    terms = read_late_fee_terms(entry)
    bills = []
    for bill in Bill.objects.filter(account_id=account_id, open_fen__gt=0, due_on__lt=on).order_by("due_on", "pk"):
        parts = paid.get(bill.pk, ())
        fee = late_fee(
            bill.open_fen + sum(fen for _day, fen in parts),
            due_on=bill.due_on,
            until_on=on,
            terms=terms,
            residential=bill.price_class == SupplyContract.PriceClass.RESIDENTIAL,
            paid=parts,
        )
        bills.append(
            BillLateFee(
                bill_id=bill.pk,
                bill_no=str(bill),
                cycle=bill.cycle,
                period_start=bill.period_start,
                period_end=bill.period_end,
                due_on=bill.due_on,
                open_fen=bill.open_fen,
                days=fee.days,
                parts=fee.parts,
                raw_fen=fee.raw_fen,
                fee_fen=fee.fee_fen,
                is_minimum=fee.settled is Settled.MINIMUM,
                is_capped=fee.settled is Settled.CAP,
            )
        )
    return LateFeesSoFar(tuple(bills), sum(bill.fee_fen for bill in bills), str(entry["source"]))


@cache
def _published() -> list[dict[str, Any]]:
    text = resources.files("cis").joinpath("data", "collection.json").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = json.loads(text)["late_fees"]
    return entries
