"""Money of a provider that fits no order."""

from __future__ import annotations

from datetime import datetime, timedelta

from payments.models import PaymentOrder, WalletNotice
from payments.operations.orders import book_notice


def hold_money(account_id: int, at: datetime, *, number: str = "HELD0001") -> int:
    """A closed order that somebody paid all the same; the id of the notice."""
    PaymentOrder.objects.create(
        out_trade_no=number, channel="wallet", account_id=account_id, amount_fen=200, created_at=at,
        expires_at=at + timedelta(hours=1), state=PaymentOrder.State.CLOSED,
    )  # fmt: skip
    notice = WalletNotice.objects.create(
        channel="wallet", notice_id=f"N-{number}", out_trade_no=number, provider_no=f"T-{number}", amount_fen=200,
        body="{}", signature="", received_at=at,
    )  # fmt: skip
    book_notice(channel="wallet", notice_id=notice.notice_id)
    return notice.pk
