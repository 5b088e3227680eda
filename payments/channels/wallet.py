"""
The wallet: an order signed by us in the payer's address bar, a notice signed by the wallet to our notify address.

Fields and signatures follow the RSA2 style of Chinese wallets (`payments.signing.rsa2`); amounts travel as yuan with
two decimals. The simulator at `/sim/wallet/` is the other side of the same rules.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.urls import reverse

from config.shared.money import NotMoney, fen_from_yuan, yuan_from_fen
from payments.channels import wallet_keys
from payments.channels.base import (
    Begun,
    Found,
    Incoming,
    NoAnswer,
    NotBelievable,
    OrderToPay,
    PaidNotice,
    RefundFound,
    RefundTerms,
    RefundToSend,
)
from payments.matching.channel_file import FileRow
from payments.signing import rsa2

TIME_WINDOW = timedelta(seconds=300)
_AMOUNT = re.compile(r"[0-9]{1,10}\.[0-9]{2}")
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Wallet:
    """The one wallet this house knows so far."""

    method = "wallet"
    can_be_asked = False
    refunds: RefundTerms | None = None
    tells_days = False

    def is_available(self) -> bool:
        """Keys are configured, or the simulator runs and makes its own."""
        return wallet_keys.are_there()

    def begin(self, order: OrderToPay) -> Begun:
        """The wallet's page for this order; the wallet hears of it when the payer gets there."""
        fields = {
            "app_id": settings.WALLET_APP_ID,
            "out_trade_no": order.out_trade_no,
            "subject": order.subject,
            "total_amount": yuan_from_fen(order.amount_fen),
            "timestamp": str(int(order.created_at.timestamp())),
            "time_expire": str(int(order.expires_at.timestamp())),
            "notify_url": order.notify_url,
            "return_url": order.return_url,
            "sign_type": "RSA2",
        }
        fields["sign"] = rsa2.sign(fields, wallet_keys.merchant_private())
        return Begun(address=f"{settings.WALLET_GATEWAY or reverse('payments:sim_wallet')}?{urlencode(fields)}")

    def read_notice(self, incoming: Incoming, *, at: datetime) -> PaidNotice:
        """What the notice says; the signature is looked at before anything else is read."""
        fields = dict(parse_qsl(incoming.body, keep_blank_values=True))
        signature = fields.get("sign", "")
        if fields.get("sign_type") != "RSA2" or not rsa2.is_signed(fields, signature, wallet_keys.provider_public()):
            raise NotBelievable("bad-signature")
        timestamp = fields.get("timestamp", "")
        if not timestamp.isdecimal() or len(timestamp) > 12:
            raise NotBelievable("bad-format")
        if abs(at.timestamp() - int(timestamp)) > TIME_WINDOW.total_seconds():
            raise NotBelievable("out-of-time")
        if fields.get("app_id") != settings.WALLET_APP_ID:
            raise NotBelievable("wrong-merchant")
        if fields.get("trade_status") != "TRADE_SUCCESS":
            raise NotBelievable("not-paid")
        ids = {name: fields.get(name, "") for name in ("notify_id", "nonce", "out_trade_no", "trade_no")}
        amount = fields.get("total_amount", "")
        if not all(_ID.fullmatch(value) for value in ids.values()) or not _AMOUNT.fullmatch(amount):
            raise NotBelievable("bad-format")
        try:
            amount_fen = fen_from_yuan(amount)
        except NotMoney as error:
            raise NotBelievable("bad-format") from error
        return PaidNotice(
            notice_id=ids["notify_id"],
            nonce=ids["nonce"],
            out_trade_no=ids["out_trade_no"],
            provider_no=ids["trade_no"],
            amount_fen=amount_fen,
            body=rsa2.text_to_sign(fields),
            signature=signature,
        )

    def find(self, out_trade_no: str, *, at: datetime) -> Found:
        """It answers no questions."""
        raise NoAnswer("the wallet answers no questions")

    def close(self, out_trade_no: str, *, at: datetime) -> bool:
        """It closes orders by their own time only."""
        raise NoAnswer("the wallet answers no questions")

    def refund(self, asked: RefundToSend, *, at: datetime) -> RefundFound:
        """It gives nothing back when we ask."""
        raise NoAnswer("the wallet answers no questions")

    def find_refund(self, asked: RefundToSend, *, at: datetime) -> RefundFound:
        """It gives nothing back when we ask."""
        raise NoAnswer("the wallet answers no questions")

    def day_rows(self, day: date, *, at: datetime) -> list[FileRow]:
        """It cannot be asked."""
        raise NoAnswer("the wallet answers no questions")

    def answer(self, *, is_taken: bool) -> tuple[str, str]:
        """The one word that it waits for."""
        return "text/plain", "success" if is_taken else "failure"
