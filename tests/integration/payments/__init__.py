"""What the tests of payments share: a payment with everything that does not matter filled in."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings

from cis.queries import dues
from payments.operations import TakenPayment, take_payment
from tests.factories.world import AccountIds, World


def pay(
    world: World,
    *,
    fen: int,
    account: AccountIds | None = None,
    key: str = "",
    at: datetime | None = None,
    **more: Any,
) -> TakenPayment:
    """Cash from the first residential account at hall A."""
    return take_payment(
        **{
            "account_id": (account or world.residential).account_id,
            "amount_fen": fen,
            "method": "cash",
            "org_unit_id": world.hall_a_id,
            "received_by_id": world.clerk_a_id,
            "form_key": key or uuid.uuid4().hex,
            "at": at or world.at,
            **more,
        }
    )


def pay_all(world: World, *, account: AccountIds | None = None, at: datetime, **more: Any) -> TakenPayment:
    """What pays the account off at that moment, late fees and all."""
    who = account or world.residential
    fen = dues.to_pay_fen(account_id=who.account_id, on=at.astimezone(settings.BILLING_TIME_ZONE).date())
    return pay(world, fen=fen, account=who, at=at, **more)
