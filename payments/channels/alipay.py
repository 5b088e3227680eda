"""Alipay: its page at a desktop, its app or page on a telephone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl

from config.shared.money import NotMoney, fen_from_yuan
from payments.channels import alipay_keys
from payments.channels.alipay_client import AlipayClient
from payments.channels.base import (
    BEIJING,
    Begun,
    Declined,
    Found,
    Incoming,
    NoAnswer,
    NoStatement,
    NotBelievable,
    OrderToPay,
    PaidNotice,
    RefundFound,
    RefundStanding,
    RefundTerms,
    RefundTold,
    RefundToSend,
    Scene,
    Standing,
)
from payments.matching.channel_file import OK, FileRow

_STANDINGS = {
    "WAIT_BUYER_PAY": Standing.WAITING,
    "TRADE_SUCCESS": Standing.PAID,
    "TRADE_FINISHED": Standing.PAID,
    "TRADE_CLOSED": Standing.CLOSED,
}
_PAID = ("TRADE_SUCCESS", "TRADE_FINISHED")
_UNHEARD = "ACQ.TRADE_NOT_EXIST"


class Alipay:
    """The channel of one agreement."""

    method = "alipay"
    can_be_asked = True
    tells_days = True
    # Source: Alipay open platform, alipay.trade.refund: within a year, as often as its amount allows.
    refunds: RefundTerms | None = RefundTerms(
        most=0, within=timedelta(days=365), later=frozenset({"ACQ.SELLER_BALANCE_NOT_ENOUGH", "isp.unknow-error"})
    )

    def is_available(self) -> bool:
        """Keys are configured, or the simulator runs."""
        return alipay_keys.are_there()

    def begin(self, order: OrderToPay) -> Begun:
        """Its page for this order; Alipay hears of it when the payer gets there."""
        address = _client(order.created_at).page(
            out_trade_no=order.out_trade_no,
            subject=order.subject,
            amount_fen=order.amount_fen,
            expires_at=order.expires_at,
            notify_url=order.notify_url,
            return_url=order.return_url,
            is_phone=order.payer.scene != Scene.DESKTOP,
        )
        return Begun(address=address)

    def read_notice(self, incoming: Incoming, *, at: datetime) -> PaidNotice | RefundTold | None:
        """What the notice says; the signature is looked at before anything else is read."""
        fields = _client(at).read_notice(dict(parse_qsl(incoming.body, keep_blank_values=True)))
        # A partial refund is told of with the state of a paid trade.
        if "gmt_refund" in fields:
            return _refund_told(fields, incoming.body)
        if fields.get("trade_status") not in _PAID:
            return None
        names = ("notify_id", "out_trade_no", "trade_no")
        if not all(0 < len(fields.get(name, "")) <= 64 for name in names):
            raise NotBelievable("bad-format")
        return PaidNotice(
            notice_id=fields["notify_id"],
            nonce="",
            out_trade_no=fields["out_trade_no"],
            provider_no=fields["trade_no"],
            amount_fen=_fen(fields),
            body=incoming.body,
            signature=fields["sign"],
        )

    def find(self, out_trade_no: str, *, at: datetime) -> Found:
        """As its query says; it knows nothing of a trade whose payer never came."""
        try:
            said = _client(at).find(out_trade_no)
        except Declined as declined:
            if declined.code == _UNHEARD:
                return Found(Standing.UNKNOWN)
            raise
        if said.get("out_trade_no") != out_trade_no:
            raise NoAnswer("the answer is about another trade")
        standing = _STANDINGS.get(str(said.get("trade_status")), Standing.UNKNOWN)
        # Given back whole, a paid trade reads as closed: only one that was never paid has no day of payment.
        if standing == Standing.CLOSED and said.get("send_pay_date"):
            standing = Standing.RETURNED
        said = {name: value for name, value in said.items() if not name.startswith("buyer_")}
        amount_fen = _fen(said) if standing == Standing.PAID else 0
        return Found(standing, amount_fen, str(said.get("trade_no", "")), json.dumps(said, sort_keys=True))

    def close(self, out_trade_no: str, *, at: datetime) -> bool:
        """Closed at Alipay, where it knows the trade."""
        try:
            _client(at).close(out_trade_no)
        except Declined as declined:
            if declined.code in ("ACQ.TRADE_STATUS_ERROR", "ACQ.REASON_TRADE_STATUS_INVALID"):
                return False
            if declined.code != _UNHEARD:
                raise
        return True

    def refund(self, asked: RefundToSend, *, at: datetime) -> RefundFound:
        """Its answer names the sum of all refunds of the trade: what became of this one is asked at once."""
        _client(at).refund(
            trade_no=asked.provider_no,
            out_request_no=asked.out_refund_no,
            amount_fen=asked.amount_fen,
            reason=asked.reason,
        )
        found = self.find_refund(asked, at=at)
        return RefundFound(RefundStanding.PROCESSING) if found.standing == RefundStanding.UNKNOWN else found

    def find_refund(self, asked: RefundToSend, *, at: datetime) -> RefundFound:
        """As its query says, which names no number of the refund: ours is the only one."""
        try:
            said = _client(at).find_refund(trade_no=asked.provider_no, out_request_no=asked.out_refund_no)
        except Declined as declined:
            if declined.code == _UNHEARD:
                return RefundFound(RefundStanding.UNKNOWN)
            raise
        if said.get("refund_status") != "REFUND_SUCCESS":
            return RefundFound(RefundStanding.UNKNOWN)
        if (said.get("trade_no"), said.get("out_request_no")) != (asked.provider_no, asked.out_refund_no):
            raise NoAnswer("the answer is about another refund")
        return RefundFound(
            RefundStanding.DONE, _fen(said, "refund_amount"), asked.provider_no, "", json.dumps(said, sort_keys=True)
        )

    def day_rows(self, day: date, *, at: datetime) -> list[FileRow]:
        """Its file of trades; there on the next day. What it lists has moved."""
        try:
            rows = _client(at).day_file(day)
        except Declined as fault:
            if fault.code == "isp.bill_not_exist":
                raise NoStatement(fault.code, str(fault)) from fault
            raise
        return [
            FileRow(
                serial=row.out_trade_no,
                account_no="",
                amount_fen=row.amount_fen,
                kind="R" if row.out_request_no else "P",
                at=datetime.fromisoformat(row.at).replace(tzinfo=BEIJING),
                status=OK,
                provider_no=row.trade_no,
            )
            for row in rows
        ]

    def answer(self, *, is_taken: bool) -> tuple[str, str]:
        """The one word that it waits for."""
        return "text/plain", "success" if is_taken else "failure"


def _client(at: datetime) -> AlipayClient:
    moment = at.timestamp()
    return AlipayClient(alipay_keys.agreement(), clock=lambda: moment)


def _refund_told(fields: Mapping[str, str], body: str) -> RefundTold | None:
    """Its notice names the sum of all refunds of the trade, not this one's: that is asked."""
    if not fields.get("out_biz_no"):
        return None
    if not all(0 < len(fields.get(name, "")) <= 64 for name in ("notify_id", "out_biz_no", "trade_no")):
        raise NotBelievable("bad-format")
    return RefundTold(
        notice_id=fields["notify_id"],
        nonce="",
        out_refund_no=fields["out_biz_no"],
        found=RefundFound(RefundStanding.DONE, 0, fields["trade_no"], "", body),
        signature=fields["sign"],
    )


def _fen(said: Mapping[str, str], name: str = "total_amount") -> int:
    try:
        return fen_from_yuan(said[name])
    except (KeyError, NotMoney, AttributeError) as error:
        raise NotBelievable("bad-format") from error
