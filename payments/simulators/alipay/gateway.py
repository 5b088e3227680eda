"""
The gateway: precreate, page and wap pay, query, close, refund, refund query, a day's file; every reply signed.

Source of the shapes: Alipay open platform, `alipay.trade.*` and `alipay.data.dataservice.bill.downloadurl.query`.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from payments.signing import rsa2, rsa_sha256
from payments.simulators.alipay.book import BEIJING, Merchant, Refund, Trade, day_file, moment, yuan
from payments.simulators.repeating import Misbehaviour, post, repeat

SCHEDULE_S = (0, 240, 600, 600, 3600, 7200, 21_600, 54_000)
"""the first notice at once, then how long after the one before"""
CLOCK_WINDOW = timedelta(days=1)
"""how far a request's time may lie from ours; senders differ in the time zone they write"""
FILE_LASTS_S = 30
REFUND_WITHIN = timedelta(days=365)
_NUMBER = re.compile(r"[0-9A-Za-z_]{1,64}")
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
PAGES: dict[str, tuple[str, ...]] = {
    "alipay.trade.page.pay": ("FAST_INSTANT_TRADE_PAY",),
    "alipay.trade.wap.pay": ("QUICK_WAP_WAY", "QUICK_WAP_PAY"),
}
"""pages a payer's browser is sent to, and the products they are asked for with"""
_COMMON = ("app_id", "method", "charset", "sign_type", "timestamp", "version", "sign", "biz_content")


class HangUp(Exception):
    """Close the connection without a word."""


class Refused(Exception):
    """Answered with `code` and `sub_code` in Alipay's form."""

    def __init__(self, sub_code: str, message: str, code: str = "40004") -> None:
        super().__init__(sub_code)
        self.code, self.sub_code, self.message = code, sub_code, message


@dataclass
class Moods:
    """How the gateway misbehaves; counts go down with every use."""

    hang_up_before: int = 0
    hang_up_after: int = 0
    fail: list[str] = field(default_factory=list)
    """sub-codes of the next answers"""
    delay_s: float = 0.0
    forge_replies: int = 0


@dataclass(frozen=True)
class Sent:
    """One try of a notice and how it was answered."""

    notify_id: str
    status: int
    answer: bytes
    fields: dict[str, str]


class Alipay:
    """`answer` takes the fields of one request; `pay` is what the payer does."""

    def __init__(
        self, *, merchants: Mapping[str, Merchant], private_pem: str, base: str, clock: Callable[[], float] = time.time
    ) -> None:
        self.merchants, self.base, self.clock = dict(merchants), base, clock
        self.moods, self.behaviour = Moods(), Misbehaviour()
        self.trades: dict[tuple[str, str], Trade] = {}
        self.sent: list[Sent] = []
        self._private_pem = private_pem
        self._files: dict[str, tuple[bytes, float]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def reset(self) -> None:
        """Nothing was ever traded, and it behaves."""
        with self._lock:
            self.moods, self.behaviour = Moods(), Misbehaviour()
            self.trades.clear()
            self.sent.clear()
            self._files.clear()

    def now(self) -> datetime:
        """Its own time, Beijing."""
        return datetime.fromtimestamp(self.clock(), UTC).astimezone(BEIJING)

    def answer(self, fields: Mapping[str, str]) -> str:
        """
        The JSON text that answers a request; signed over exactly the text of its response.

        :raises HangUp: it was told to say nothing
        """
        moods = self.moods
        time.sleep(moods.delay_s)
        if moods.hang_up_before > 0:
            moods.hang_up_before -= 1
            raise HangUp
        method = fields.get("method", "")
        try:
            with self._lock:
                merchant, asked = self._caller(fields)
                if moods.fail:
                    raise Refused(moods.fail.pop(0), "系统繁忙", code="20000")
                said = {"code": "10000", "msg": "Success", **self._act(method, merchant, asked, fields)}
        except Refused as refused:
            said = {
                "code": refused.code,
                "msg": "Business Failed" if refused.code == "40004" else "Invalid Arguments",
                "sub_code": refused.sub_code,
                "sub_msg": refused.message,
            }
        if moods.hang_up_after > 0:
            moods.hang_up_after -= 1
            raise HangUp
        # Its own JSON escapes what PHP escapes: who reads it again before checking loses the signature.
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
        signature = rsa_sha256.sign(text, self._private_pem)
        if moods.forge_replies > 0:
            moods.forge_replies -= 1
            signature = rsa_sha256.sign(text + " ", self._private_pem)
        return f'{{"{method.replace(".", "_")}_response":{text},"sign":"{signature}"}}'

    # --- Who asks ----------------------------------------------------------------------------

    def _caller(self, fields: Mapping[str, str]) -> tuple[Merchant, dict[str, Any]]:
        for name in _COMMON:
            if not fields.get(name):
                raise Refused(f"isv.missing-{name.replace('_', '-')}", f"缺少 {name}", code="40001")
        merchant = self.merchants.get(fields["app_id"])
        if merchant is None:
            raise Refused("isv.invalid-app-id", "无效的 AppID", code="40002")
        if fields["sign_type"] != "RSA2" or not rsa2.is_request_signed(fields, fields["sign"], merchant.public_pem):
            raise Refused("isv.invalid-signature", "验签出错", code="40002")
        try:
            at = datetime.strptime(fields["timestamp"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
            asked = json.loads(fields["biz_content"])
        except ValueError as error:
            raise Refused("isv.invalid-parameter", "timestamp 或 biz_content 不合法", code="40002") from error
        if abs(self.now() - at) > CLOCK_WINDOW:
            raise Refused("isv.invalid-timestamp", "时间戳不合法", code="40002")
        if fields["charset"].lower() != "utf-8" or fields["version"] != "1.0" or not isinstance(asked, dict):
            raise Refused("isv.invalid-parameter", "charset、version 或 biz_content 不合法", code="40002")
        return merchant, asked

    def _act(self, method: str, merchant: Merchant, asked: dict[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
        match method:
            case "alipay.trade.precreate":
                trade = self._begin(merchant, asked, fields)
                return {"out_trade_no": trade.out_trade_no, "qr_code": f"https://qr.alipay.com/bax{trade.token}"}
            case "alipay.trade.query":
                return self._shown(self._own(merchant, asked))
            case "alipay.trade.close":
                return self._close(self._own(merchant, asked))
            case "alipay.trade.refund":
                return self._refund(self._own(merchant, asked), asked)
            case "alipay.trade.fastpay.refund.query":
                return self._refund_of(self._own(merchant, asked), asked)
            case "alipay.data.dataservice.bill.downloadurl.query":
                return self._file_of(merchant, asked)
        raise Refused("isv.invalid-method", "不存在的方法名", code="40002")

    # --- Trades ------------------------------------------------------------------------------

    def show(self, fields: Mapping[str, str]) -> Trade:
        """
        What a payer's browser is sent here with (`alipay.trade.page.pay`, `.wap.pay`): the trade to show.

        :raises Refused: it is not signed, or cannot be paid
        """
        with self._lock:
            merchant, asked = self._caller(fields)
            if fields["method"] not in PAGES:
                raise Refused("isv.invalid-method", "不存在的方法名", code="40002")
            if asked.get("product_code") not in PAGES[fields["method"]]:
                raise Refused("ACQ.INVALID_PARAMETER", "product_code 不合法")
            return self._begin(merchant, asked, fields)

    def _begin(self, merchant: Merchant, asked: dict[str, Any], fields: Mapping[str, str]) -> Trade:
        number, subject = _text(asked, "out_trade_no", _NUMBER), _text(asked, "subject")
        fen = _fen(asked, "total_amount")
        expires = self.now() + timedelta(days=15)
        if "time_expire" in asked:
            try:
                expires = datetime.strptime(asked["time_expire"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
            except (TypeError, ValueError) as error:
                raise Refused("ACQ.INVALID_PARAMETER", "time_expire 不合法") from error
        for name in ("notify_url", "return_url"):
            if fields.get(name) and urlsplit(fields[name]).scheme not in ("http", "https"):
                raise Refused("isv.invalid-parameter", f"{name} 不合法", code="40002")
        before = self.trades.get((merchant.app_id, number))
        if before is not None:
            self._expire(before)
            if before.state in ("TRADE_SUCCESS", "TRADE_FINISHED"):
                raise Refused("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
            if before.state == "TRADE_CLOSED":
                raise Refused("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
            if (before.amount_fen, before.subject) != (fen, subject):
                raise Refused("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
            return before
        if expires <= self.now():
            raise Refused("ACQ.INVALID_PARAMETER", "time_expire 已过")
        trade = Trade(
            merchant.app_id, merchant.seller_id, number, subject, fen, fields.get("notify_url", ""),
            fields.get("return_url", ""), uuid.uuid4().hex, self.now(), expires,
        )  # fmt: skip
        self.trades[merchant.app_id, number] = trade
        return trade

    def _own(self, merchant: Merchant, asked: Mapping[str, Any]) -> Trade:
        by_number = str(asked.get("out_trade_no") or "")
        for trade in self.trades.values():
            is_it = trade.out_trade_no == by_number if by_number else trade.trade_no == asked.get("trade_no") != ""
            # A trade begins to exist for a query when its payer has seen it; a code alone is none yet.
            if trade.app_id == merchant.app_id and is_it and trade.trade_no:
                self._expire(trade)
                return trade
        raise Refused("ACQ.TRADE_NOT_EXIST", "交易不存在")

    def _expire(self, trade: Trade) -> None:
        if trade.state == "WAIT_BUYER_PAY" and self.now() >= trade.expires_at:
            trade.state = "TRADE_CLOSED"

    def _shown(self, trade: Trade) -> dict[str, Any]:
        said = {
            "trade_no": trade.trade_no,
            "out_trade_no": trade.out_trade_no,
            "trade_status": trade.state,
            "total_amount": yuan(trade.amount_fen),
            "buyer_logon_id": "156******00",
        }
        if trade.paid_at is not None:
            said |= {"send_pay_date": moment(trade.paid_at), "buyer_user_id": trade.buyer_id}
        return said

    def _close(self, trade: Trade) -> dict[str, Any]:
        if trade.state != "WAIT_BUYER_PAY":
            raise Refused("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
        trade.state = "TRADE_CLOSED"
        return {"trade_no": trade.trade_no, "out_trade_no": trade.out_trade_no}

    def _refund(self, trade: Trade, asked: Mapping[str, Any]) -> dict[str, Any]:
        fen = _fen(asked, "refund_amount")
        number = _text(asked, "out_request_no") if "out_request_no" in asked else trade.out_trade_no
        if trade.paid_at is None or trade.state == "WAIT_BUYER_PAY":
            raise Refused("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
        before = trade.refunds.get(number)
        is_new = before is None
        if before is not None and before.amount_fen != fen:
            raise Refused("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "同一退款请求号金额不同")
        if is_new:
            if self.now() - trade.paid_at > REFUND_WITHIN:
                raise Refused("ACQ.TRADE_HAS_FINISHED", "交易已结束，不能退款")
            if trade.refunded_fen + fen > trade.amount_fen:
                raise Refused("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限")
            trade.refunds[number] = Refund(number, fen, str(asked.get("refund_reason", "")), self.now())
            if trade.refunded_fen == trade.amount_fen:
                trade.state = "TRADE_CLOSED"
            if trade.notify_url:
                told = self._told(trade, trade.refunds[number])
                repeat(self.behaviour, SCHEDULE_S, lambda: self._send(trade, told))
        return {
            "trade_no": trade.trade_no,
            "out_trade_no": trade.out_trade_no,
            "fund_change": "Y" if is_new else "N",
            "refund_fee": yuan(trade.refunded_fen),
        }

    def _refund_of(self, trade: Trade, asked: Mapping[str, Any]) -> dict[str, Any]:
        refund = trade.refunds.get(_text(asked, "out_request_no"))
        said = {"trade_no": trade.trade_no, "out_trade_no": trade.out_trade_no}
        if refund is None:
            return said
        return {
            **said,
            "out_request_no": refund.out_request_no,
            "refund_amount": yuan(refund.amount_fen),
            "total_amount": yuan(trade.amount_fen),
            "refund_status": "REFUND_SUCCESS",
        }

    # --- A day's file ------------------------------------------------------------------------

    def _file_of(self, merchant: Merchant, asked: Mapping[str, Any]) -> dict[str, Any]:
        if asked.get("bill_type") != "trade":
            raise Refused("isp.bill_not_exist", "账单不存在")
        try:
            day = date.fromisoformat(str(asked.get("bill_date")))
        except ValueError as error:
            raise Refused("isv.invalid-bill-date", "账单日期不合法") from error
        own = [trade for trade in self.trades.values() if trade.app_id == merchant.app_id]
        packed = day_file(own, day, merchant.seller_id) if day < self.now().date() else None
        if packed is None:
            raise Refused("isp.bill_not_exist", "账单不存在")
        token = uuid.uuid4().hex
        self._files[token] = packed, self.clock()
        return {"bill_download_url": f"{self.base}/download?token={token}"}

    def file(self, token: str) -> bytes | None:
        """A file while its address lasts."""
        packed, at = self._files.get(token, (b"", 0.0))
        return packed if packed and self.clock() - at <= FILE_LASTS_S else None

    # --- The payer ---------------------------------------------------------------------------

    def trade_of(self, token: str) -> Trade | None:
        """The trade that a code or page names; who opens it makes it exist."""
        with self._lock:
            trade = next((trade for trade in self.trades.values() if trade.token == token), None)
            if trade is not None and not trade.trade_no:
                trade.trade_no = f"{self.now():%Y%m%d}2200{next(self._numbers):016d}"
            return trade

    def pay(self, token: str, *, buyer_id: str = "2088000000000001") -> Trade:
        """
        The payer pays; again, it changes nothing.

        :raises Refused: there is no such trade, or it is closed
        """
        with self._lock:
            trade = self.trade_of(token)
            if trade is None:
                raise Refused("ACQ.TRADE_NOT_EXIST", "交易不存在")
            self._expire(trade)
            if trade.state == "TRADE_CLOSED":
                raise Refused("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
            if trade.state == "WAIT_BUYER_PAY":
                trade.state, trade.paid_at, trade.buyer_id = "TRADE_SUCCESS", self.now(), buyer_id
                trade.notify_id = uuid.uuid4().hex
                if trade.notify_url:
                    repeat(self.behaviour, SCHEDULE_S, lambda: self.tell(trade))
        return trade

    def tell(self, trade: Trade) -> bool:
        """One try of a trade's notice; whether the merchant answered `success`."""
        return self._send(trade, self._told(trade))

    def _told(self, trade: Trade, refund: Refund | None = None) -> dict[str, str]:
        """What is told of a paid trade, or of a refund of it: with the sum of all of its refunds, as the real one."""
        fields = {
            "notify_type": "trade_status_sync",
            "notify_id": uuid.uuid4().hex if refund else trade.notify_id,
            "app_id": trade.app_id,
            "charset": "utf-8",
            "version": "1.0",
            "sign_type": "RSA2",
            "trade_no": trade.trade_no,
            "out_trade_no": trade.out_trade_no,
            "seller_id": trade.seller_id,
            "buyer_id": trade.buyer_id,
            "trade_status": trade.state,
            "total_amount": yuan(trade.amount_fen),
            "receipt_amount": yuan(trade.amount_fen),
            "subject": trade.subject,
            "gmt_create": moment(trade.created_at),
            "gmt_payment": moment(trade.paid_at or trade.created_at),
        }
        if refund is not None:
            fields |= {
                "gmt_refund": moment(refund.at),
                "refund_fee": yuan(trade.refunded_fen),
                "out_biz_no": refund.out_request_no,
            }
        return fields

    def _send(self, trade: Trade, told: Mapping[str, str]) -> bool:
        doing = self.behaviour
        fields = {**told, "notify_time": moment(self.now() - timedelta(seconds=doing.stale_s))}
        fields["sign"] = rsa2.sign(fields, self._private_pem)
        if doing.corrupt > 0:
            doing.corrupt -= 1
            fields["total_amount"] = yuan(trade.amount_fen + 1)
        status, answer = post(
            trade.notify_url, urlencode(fields).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
        )
        self.sent.append(Sent(fields["notify_id"], status, answer, fields))
        return status == 200 and answer == b"success"


def _text(asked: Mapping[str, Any], name: str, pattern: re.Pattern[str] | None = None) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value or len(value) > 256:
        raise Refused("ACQ.INVALID_PARAMETER", f"{name} 不合法")
    if pattern is not None and not pattern.fullmatch(value):
        raise Refused("ACQ.INVALID_PARAMETER", f"{name} 不合法")
    return value


def _fen(asked: Mapping[str, Any], name: str) -> int:
    """An amount in yuan as text or number, at most two decimals, more than nothing."""
    text = str(asked.get(name, ""))
    if isinstance(asked.get(name), bool) or not _AMOUNT.fullmatch(text):
        raise Refused("ACQ.INVALID_PARAMETER", f"{name} 不合法")
    whole, _point, part = text.partition(".")
    fen = int(whole) * 100 + int(part.ljust(2, "0") or 0)
    if fen <= 0:
        raise Refused("ACQ.INVALID_PARAMETER", f"{name} 不合法")
    return fen
