"""What of an account was written off and is not paid yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from cis.models import LedgerBalance, WriteOff, WrittenOffBill
from cis.models.ledger import LedgerKind


@dataclass(frozen=True, slots=True)
class WrittenOffDebt:
    """What is left of a written-off bill: it can still be paid."""

    written_off_id: int
    bill_id: int
    bill_no: str
    due_on: date
    principal_fen: int
    fee_fen: int


@dataclass(frozen=True, slots=True)
class WriteOffRow:
    """A write-off of an account, with what was paid since."""

    ground: str
    ground_word: str
    evidence: str
    amount_fen: int
    recovered_fen: int
    at: datetime
    asked_by: str
    approved_by: str


def written_off_debts(account_id: int) -> tuple[WrittenOffDebt, ...]:
    """What is left of the account's written-off bills, oldest due date first; one statement."""
    rows = (
        WrittenOffBill.objects.filter(write_off__account_id=account_id)
        .select_related("bill")
        .annotate(
            principal_left=F("principal_fen") - Coalesce(Sum("recoveries__principal_fen"), 0),
            fee_left=F("fee_fen") - Coalesce(Sum("recoveries__fee_fen"), 0),
        )
        .order_by("bill__due_on", "pk")
    )
    return tuple(
        WrittenOffDebt(row.pk, row.bill_id, str(row.bill), row.bill.due_on, row.principal_left, row.fee_left)
        for row in rows
        if row.principal_left or row.fee_left
    )


def written_off_fen(account_id: int) -> int:
    """What is left of all that was written off of the account; one index look-up, the memo's balance."""
    row = LedgerBalance.objects.filter(ledger_account_id=account_id * 10 + LedgerKind.WRITTEN_OFF)
    return row.annotate(fen=F("debit_fen") - F("credit_fen")).values_list("fen", flat=True).first() or 0


def list_write_offs(account_id: int) -> tuple[WriteOffRow, ...]:
    """The account's write-offs, newest first; one statement."""
    rows = (
        WriteOff.objects.filter(account_id=account_id)
        .select_related("asked_by", "approved_by")
        .annotate(
            principal_back=Coalesce(Sum("bills__recoveries__principal_fen"), 0),
            fee_back=Coalesce(Sum("bills__recoveries__fee_fen"), 0),
        )
        .order_by("-pk")
    )
    return tuple(
        WriteOffRow(
            ground=row.ground,
            ground_word=row.get_ground_display(),
            evidence=row.evidence,
            amount_fen=row.amount_fen,
            recovered_fen=row.principal_back + row.fee_back,
            at=row.at,
            asked_by=row.asked_by.display_name or row.asked_by.username,
            approved_by=row.approved_by.display_name or row.approved_by.username,
        )
        for row in rows
    )
