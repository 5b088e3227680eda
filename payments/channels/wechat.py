"""WeChat Pay: a code to scan at a desktop, its payment page on a telephone, its own window inside WeChat."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from payments.channels import wechat_keys
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
from payments.channels.wechat_client import BillRow, WeChatClient
from payments.matching.channel_file import OK, FileRow

_STANDINGS = {
    "NOTPAY": Standing.WAITING,
    "USERPAYING": Standing.WAITING,
    "SUCCESS": Standing.PAID,
    "REFUND": Standing.RETURNED,
    "CLOSED": Standing.CLOSED,
    "REVOKED": Standing.CLOSED,
    "PAYERROR": Standing.CLOSED,
}

_REFUNDS = {
    "PROCESSING": RefundStanding.PROCESSING,
    "SUCCESS": RefundStanding.DONE,
    "CLOSED": RefundStanding.CLOSED,
    "ABNORMAL": RefundStanding.ABNORMAL,
}


class WeChatPay:
    """The channel of one agreement."""

    method = "wechat"
    can_be_asked = True
    tells_days = True
    # Source: WeChat Pay API v3, refunds: at most fifty of one payment, within a year.
    refunds: RefundTerms | None = RefundTerms(
        most=50,
        within=timedelta(days=365),
        later=frozenset({"NOT_ENOUGH", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"}),
    )

    def is_available(self) -> bool:
        """Keys are configured, or the simulator runs."""
        return wechat_keys.are_there()

    def begin(self, order: OrderToPay) -> Begun:
        """An order of the kind that fits where its payer is."""
        client, payer = _client(order.created_at), order.payer
        kind, more = "native", dict[str, Any]()
        # An openid is of one app: an order of another app for it would be refused.
        app_id = payer.app_id or client.agreement.app_id
        if payer.scene == Scene.WECHAT and payer.openid and app_id in client.agreement.app_ids:
            kind, more = "jsapi", {"payer": {"openid": payer.openid}}
        elif payer.scene == Scene.PHONE and payer.ip:
            kind, more = "h5", {"scene_info": {"payer_client_ip": payer.ip, "h5_info": {"type": "Wap"}}}
        said = client.begin(
            kind,
            out_trade_no=order.out_trade_no,
            description=order.subject,
            amount_fen=order.amount_fen,
            expires_at=order.expires_at,
            notify_url=order.notify_url,
            more=more,
            app_id=app_id if kind == "jsapi" else "",
        )
        if kind == "jsapi":
            return Begun(app=client.call_of_app(_named(said, "prepay_id"), app_id=app_id))
        if kind == "h5":
            return Begun(address=f"{_named(said, 'h5_url')}&{_back_to(order.return_url)}")
        return Begun(code=_named(said, "code_url"))

    def read_notice(self, incoming: Incoming, *, at: datetime) -> PaidNotice | RefundTold | None:
        """What the notice says; signature and time are looked at before anything else is read."""
        client = _client(at)
        notice = client.read_notice(incoming.headers, incoming.body)
        paid, event, own = notice["resource"], str(notice.get("event_type")), client.agreement
        if event.startswith("REFUND."):
            return self._refund_told(notice, incoming)
        if event != "TRANSACTION.SUCCESS":
            return None
        if paid.get("appid") not in own.app_ids or paid.get("mchid") != own.mchid:
            raise NotBelievable("wrong-merchant")
        lower = {name.lower(): value for name, value in incoming.headers.items()}
        return PaidNotice(
            notice_id=_text(notice, "id"),
            # The time and nonce change with every repeat of a notice; the same signed bytes come twice from nobody.
            nonce=f"wx:{_text(lower, 'wechatpay-nonce')}",
            out_trade_no=_text(paid, "out_trade_no"),
            provider_no=_text(paid, "transaction_id"),
            amount_fen=_paid_fen(paid),
            body=incoming.body,
            signature=lower["wechatpay-signature"],
        )

    def _refund_told(self, notice: Any, incoming: Incoming) -> RefundTold:
        said = notice["resource"]
        standing = _REFUNDS.get(str(said.get("refund_status")) if isinstance(said, dict) else "")
        if standing is None:
            raise NotBelievable("bad-format")
        if said.get("mchid") != wechat_keys.agreement().mchid:
            raise NotBelievable("wrong-merchant")
        lower = {name.lower(): value for name, value in incoming.headers.items()}
        return RefundTold(
            notice_id=_text(notice, "id"),
            nonce=f"wx:{_text(lower, 'wechatpay-nonce')}",
            out_refund_no=_text(said, "out_refund_no"),
            found=RefundFound(
                standing,
                _paid_fen(said, "refund"),
                _text(said, "transaction_id"),
                _text(said, "refund_id"),
                incoming.body,
            ),
            signature=lower["wechatpay-signature"],
        )

    def find(self, out_trade_no: str, *, at: datetime) -> Found:
        """As its query says."""
        try:
            said = _client(at).find(out_trade_no)
        except Declined as declined:
            if declined.code in ("ORDER_NOT_EXIST", "ORDERNOTEXIST"):
                return Found(Standing.UNKNOWN)
            raise
        own = wechat_keys.agreement()
        if (said.get("out_trade_no"), said.get("mchid")) != (out_trade_no, own.mchid):
            raise NoAnswer("the answer is about another order")
        standing = _STANDINGS.get(str(said.get("trade_state")), Standing.UNKNOWN)
        # Who paid stays with WeChat Pay: nothing here needs it.
        said = {name: value for name, value in said.items() if name != "payer"}
        amount_fen = _paid_fen(said) if standing == Standing.PAID else 0
        body = json.dumps(said, ensure_ascii=False, sort_keys=True)
        return Found(standing, amount_fen, str(said.get("transaction_id", "")), body)

    def close(self, out_trade_no: str, *, at: datetime) -> bool:
        """Closed at WeChat Pay, where it knows the order."""
        try:
            _client(at).close(out_trade_no)
        except Declined as declined:
            if declined.code == "ORDERPAID":
                return False
            if declined.code not in ("ORDER_NOT_EXIST", "ORDERNOTEXIST", "ORDER_CLOSED"):
                raise
        return True

    def refund(self, asked: RefundToSend, *, at: datetime) -> RefundFound:
        """By WeChat Pay's own number of the payment; it answers before the money has moved."""
        said = _client(at).refund(
            transaction_id=asked.provider_no,
            out_refund_no=asked.out_refund_no,
            amount_fen=asked.amount_fen,
            total_fen=asked.total_fen,
            reason=asked.reason,
            notify_url=asked.notify_url,
        )
        return _refund_in(said, asked)

    def find_refund(self, asked: RefundToSend, *, at: datetime) -> RefundFound:
        """As its query says."""
        try:
            return _refund_in(_client(at).find_refund(asked.out_refund_no), asked)
        except Declined as declined:
            if declined.code in ("RESOURCE_NOT_EXISTS", "RESOURCE_NOT_EXIST"):
                return RefundFound(RefundStanding.UNKNOWN)
            raise

    def day_rows(self, day: date, *, at: datetime) -> list[FileRow]:
        """Its trade bill; there from ten o'clock of the next day."""
        try:
            return [_in_file(row) for row in _client(at).day_bill(day)]
        except Declined as fault:
            if fault.code == "NO_STATEMENT_EXIST":
                raise NoStatement(fault.code, str(fault)) from fault
            raise

    def answer(self, *, is_taken: bool) -> tuple[str, str]:
        """As its protocol has it."""
        said = {"code": "SUCCESS"} if is_taken else {"code": "FAIL", "message": "not believable"}
        return "application/json", json.dumps(said)


def _in_file(row: BillRow) -> FileRow:
    # A refund under way has left our account there, as it has here; one that failed has not.
    has_moved = row.state in ("SUCCESS", "PROCESSING")
    return FileRow(
        serial=row.out_trade_no,
        account_no="",
        amount_fen=row.amount_fen,
        kind="R" if row.out_refund_no else "P",
        at=datetime.fromisoformat(row.at).replace(tzinfo=BEIJING),
        status=OK if has_moved else row.state,
        provider_no=row.transaction_id,
    )


def _client(at: datetime) -> WeChatClient:
    moment = at.timestamp()
    return WeChatClient(wechat_keys.agreement(), clock=lambda: moment)


def _named(said: Any, name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise NoAnswer(f"the answer has no {name}")
    return value


def _back_to(address: str) -> str:
    return urlencode({"redirect_url": address})


def _text(said: Any, name: str) -> str:
    value = said.get(name) if isinstance(said, dict) else None
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise NotBelievable("bad-format")
    return value


def _refund_in(said: dict[str, Any], asked: RefundToSend) -> RefundFound:
    if said.get("out_refund_no") != asked.out_refund_no:
        raise NoAnswer("the answer is about another refund")
    standing = _REFUNDS.get(str(said.get("status")))
    if standing is None:
        raise NotBelievable("bad-format")
    # Where the payer gets it stays with WeChat Pay: nothing here needs it.
    said = {name: value for name, value in said.items() if name != "user_received_account"}
    body = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return RefundFound(
        standing, _paid_fen(said, "refund"), _text(said, "transaction_id"), _text(said, "refund_id"), body
    )


def _paid_fen(said: Any, name: str = "total") -> int:
    amount = said.get("amount") if isinstance(said, dict) else None
    total = amount.get(name) if isinstance(amount, dict) else None
    if amount is None or not isinstance(total, int) or isinstance(total, bool):
        raise NotBelievable("bad-format")
    if amount.get("currency", "CNY") != "CNY":
        raise NotBelievable("bad-format")
    return total
