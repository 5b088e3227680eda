"""The demonstration's advances: the first of the month is paid at the counter."""

from __future__ import annotations

from datetime import date, datetime

from cis.queries.advance_pages import list_advances
from config.shared.models import OrgUnit, User
from payments.operations.taking import take_payment

_KEY = "ad" * 16


def load(*, today: date, at: datetime) -> None:
    """Pay the first advance that is open; repeated, the same payment is found."""
    clerk = User.objects.filter(username="clerk1").first()
    roots = OrgUnit.objects.filter(parent=None).values_list("path", flat=True)
    rows = list_advances(within=list(roots), on=today).rows
    if clerk is None or clerk.org_unit_id is None or not rows or any(row.advance.paid_fen for row in rows):
        return
    take_payment(
        account_id=rows[0].advance.account_id,
        amount_fen=rows[0].advance.amount_fen,
        method="card",
        reference="POS 001",
        org_unit_id=clerk.org_unit_id,
        received_by_id=clerk.pk,
        form_key=_KEY,
        at=at,
    )
