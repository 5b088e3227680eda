"""Calling a customer: the number is shown for a reason, and that it was shown is told to them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cis.models import Account
from cis.queries.customers import no_account
from config.shared.errors import Refused
from config.shared.looks import note_reveal


class NoTelephone(Refused):
    """The customer has left no number."""

    code = "no-telephone"


def telephone_to_call(*, account_no: str, user_id: int, reason: str, at: datetime) -> str:
    """
    The number at which an account's customer is called; who sees it and why is written down.

    :raises NotFound: there is no such account
    :raises NoTelephone: none is known
    :raises ReasonMissing: no reason was given
    """
    with transaction.atomic():
        account = Account.objects.select_related("customer").filter(account_no=account_no).first()
        if account is None:
            raise no_account()
        if not account.customer.phone:
            raise NoTelephone(_("这位客户没有留电话。请上门，或寄信。"))
        note_reveal(
            user_id=user_id,
            subject=f"customer:{account.customer_id}",
            fields=["phone"],
            reason=reason,
            at=at,
        )
        phone: str = account.customer.phone
        return phone
