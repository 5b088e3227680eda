"""The demonstration's refunds of prepayment: one carried out, one that waits for a second person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice

from django.db import transaction

from cis.queries import ledger
from config.shared import approvals
from config.shared.models import Approval, User
from payments.models import Payment
from payments.operations.refunds import REFUND, ask_refund

# Customers who paid at the counter last and have at least this much prepaid; they get this much back.
_BACK_FEN = 10_00
_LOOKED_AT = 400


def load(*, today: date, at: datetime) -> None:
    """Ask for two refunds at the first hall and let its manager carry one out; repeated, nothing changes."""
    clerk, manager = (User.objects.get(username=name) for name in ("clerk1", "manager"))
    with transaction.atomic():
        if Approval.objects.filter(kind=REFUND).exists() or clerk.org_unit_id is None:
            return
        accounts = list(islice(_with_prepayment(clerk.org_unit_id), 2))
        earlier = at - timedelta(minutes=50)
        for account_id, reason, asked_at in zip(
            accounts,
            ("客户搬家，要求退回预存。", "客户多存了，要求退现金。"),
            (earlier, at),
            strict=False,
        ):
            approval_id = ask_refund(
                account_id=account_id,
                amount_fen=_BACK_FEN,
                payment_id=None,
                reason=reason,
                org_unit_id=clerk.org_unit_id,
                asked_by_id=clerk.pk,
                at=asked_at,
            )
            if asked_at == earlier:
                approvals.approve(
                    approval_id=approval_id,
                    decided_by_id=manager.pk,
                    at=asked_at + timedelta(minutes=25),
                    note="已核对身份证和预存余额。",
                )


def _with_prepayment(hall_id: int) -> Iterator[int]:
    """Accounts that paid at this hall last and have something prepaid."""
    newest = Payment.objects.filter(org_unit_id=hall_id).order_by("-pk").values_list("account_id", flat=True)
    for account_id in dict.fromkeys(newest[:_LOOKED_AT]):
        if ledger.balance(account_id).prepayment_fen >= _BACK_FEN:
            yield account_id
