"""What the simulated WeChat Pay keeps: merchants, orders, refunds, and the files of a day."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

BEIJING = timezone(timedelta(hours=8))
FEE_PER_10_000 = 60
"""what it keeps of a payment, in ten-thousandths"""


@dataclass(frozen=True)
class Merchant:
    """Who may ask; the keys as agreed on the merchant platform."""

    mchid: str
    app_ids: frozenset[str]
    serial: str
    public_pem: str
    api_key: str
    """the 32 characters of the APIv3 key"""


@dataclass
class Refund:
    """So much of an order goes back."""

    out_refund_no: str
    refund_id: str
    amount_fen: int
    reason: str
    created_at: datetime
    notify_url: str = ""
    state: str = "SUCCESS"


@dataclass
class Order:
    """An order and what became of it."""

    kind: str
    app_id: str
    mchid: str
    out_trade_no: str
    description: str
    amount_fen: int
    notify_url: str
    attach: str
    created_at: datetime
    expires_at: datetime
    token: str
    openid: str = ""
    asked: str = ""
    """the request's body, to know the same request again"""
    state: str = "NOTPAY"
    transaction_id: str = ""
    paid_at: datetime | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def refunded_fen(self) -> int:
        """What went back, or is on its way."""
        return sum(refund.amount_fen for refund in self.refunds.values())

    def as_transaction(self) -> dict[str, Any]:
        """As a query and a notice show it."""
        shown: dict[str, Any] = {
            "appid": self.app_id,
            "mchid": self.mchid,
            "out_trade_no": self.out_trade_no,
            "trade_state": self.state,
            "trade_state_desc": _STATES[self.state],
            "amount": {"total": self.amount_fen, "currency": "CNY"},
            "attach": self.attach,
        }
        if self.paid_at is not None:
            shown |= {
                "transaction_id": self.transaction_id,
                "trade_type": {"h5": "MWEB"}.get(self.kind, self.kind.upper()),
                "bank_type": "OTHERS",
                "success_time": self.paid_at.isoformat(timespec="seconds"),
                "payer": {"openid": self.openid},
            }
            shown["amount"] |= {"payer_total": self.amount_fen, "payer_currency": "CNY"}
        return shown

    def refund_as_shown(self, refund: Refund) -> dict[str, Any]:
        """As the refund's answer, query and notice show it."""
        return {
            "refund_id": refund.refund_id,
            "out_refund_no": refund.out_refund_no,
            "transaction_id": self.transaction_id,
            "out_trade_no": self.out_trade_no,
            "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱",
            "create_time": refund.created_at.isoformat(timespec="seconds"),
            "success_time": refund.created_at.isoformat(timespec="seconds"),
            "status": refund.state,
            "funds_account": "AVAILABLE",
            "amount": {
                "total": self.amount_fen,
                "refund": refund.amount_fen,
                "payer_total": self.amount_fen,
                "payer_refund": refund.amount_fen,
                "settlement_refund": refund.amount_fen,
                "settlement_total": self.amount_fen,
                "discount_refund": 0,
                "currency": "CNY",
            },
        }


_STATES = {"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "REFUND": "转入退款", "CLOSED": "订单已关闭"}

_DETAIL = (
    "交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识", "交易类型",
    "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额", "微信退款单号", "商户退款单号", "退款金额",
    "充值券退款金额", "退款类型", "退款状态", "商品名称", "商户数据包", "手续费", "费率", "订单金额", "申请退款金额",
    "费率备注",
)  # fmt: skip
_SUMMARY = (
    "总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额", "申请退款总金额",
)  # fmt: skip


def yuan(fen: int) -> str:
    """As a bill writes money."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def trade_bill(orders: Iterable[Order], day: date, kind: str) -> str:
    """The bill of a day: `kind` is ALL, SUCCESS or REFUND; every field after a backtick, yuan as text."""
    lines: list[tuple[datetime, list[str]]] = []
    paid = back = fees = 0
    for order in orders:
        if kind != "REFUND" and order.paid_at is not None and order.paid_at.astimezone(BEIJING).date() == day:
            fee = (order.amount_fen * FEE_PER_10_000 + 5_000) // 10_000
            paid, fees = paid + order.amount_fen, fees + fee
            lines.append((order.paid_at, _detail(order, order.paid_at, "SUCCESS", None, fee)))
        if kind == "SUCCESS":
            continue
        for refund in order.refunds.values():
            if refund.created_at.astimezone(BEIJING).date() == day:
                fee = -((refund.amount_fen * FEE_PER_10_000 + 5_000) // 10_000)
                back, fees = back + refund.amount_fen, fees + fee
                lines.append((refund.created_at, _detail(order, refund.created_at, "REFUND", refund, fee)))
    rows = [row for _at, row in sorted(lines, key=lambda line: line[0])]
    summary = [str(len(rows)), yuan(paid), yuan(back), "0.00", yuan(fees), yuan(paid), yuan(back)]
    text = [",".join(_DETAIL), *(_line(row) for row in rows), ",".join(_SUMMARY), _line(summary)]
    return "\r\n".join(text) + "\r\n"


def _detail(order: Order, at: datetime, state: str, refund: Refund | None, fee: int) -> list[str]:
    total = 0 if refund else order.amount_fen
    return [
        at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"), order.app_id, order.mchid, "0", "", order.transaction_id,
        order.out_trade_no, order.openid, order.kind.upper(), state, "OTHERS", "CNY", yuan(total), "0.00",
        refund.refund_id if refund else "0", refund.out_refund_no if refund else "0",
        yuan(refund.amount_fen if refund else 0), "0.00", "ORIGINAL" if refund else "", refund.state if refund else "",
        order.description.replace(",", " "), order.attach, yuan(fee), "0.60%",
        yuan(0 if refund else order.amount_fen),
        yuan(refund.amount_fen if refund else 0), "",
    ]  # fmt: skip


def _line(fields: list[str]) -> str:
    return ",".join(f"`{one}" for one in fields)


@dataclass(frozen=True)
class BillFile:
    """A file to download: its bytes as sent and the SHA-1 of what is in them."""

    sent: bytes
    sha1: str

    @classmethod
    def of(cls, text: str, *, zipped: bool) -> BillFile:
        """The file of a text."""
        raw = text.encode()
        return cls(gzip.compress(raw) if zipped else raw, hashlib.sha1(raw, usedforsecurity=False).hexdigest())
