"""Deposits: what is held and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from cis.models import DepositMove, LedgerBalance
from cis.models.ledger import LedgerKind


@dataclass(frozen=True, slots=True)
class DepositRow:
    """One move of a deposit."""

    what: str
    what_word: str
    amount_fen: int
    basis: str
    at: datetime
    by: str


def held_fen(account_id: int) -> int:
    """What is held for the account now."""
    row = LedgerBalance.objects.filter(ledger_account_id=account_id * 10 + LedgerKind.DEPOSIT)
    return row.annotate(fen=F("credit_fen") - F("debit_fen")).values_list("fen", flat=True).first() or 0


def list_deposits(account_id: int) -> tuple[DepositRow, ...]:
    """The account's moves of deposits, newest first."""
    rows = DepositMove.objects.filter(account_id=account_id).select_related("by", "approved_by").order_by("-pk")
    return tuple(
        DepositRow(
            row.what,
            row.get_what_display(),
            row.amount_fen,
            row.basis,
            row.at,
            " / ".join(who.display_name or who.username for who in (row.by, row.approved_by) if who is not None),
        )
        for row in rows
    )
