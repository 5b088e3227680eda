"""
The gateway: order, query, close, refund, bills, platform certificates; every reply signed, every request checked.

Source of the shapes: WeChat Pay API v3 for direct merchants (JSAPI, Native, H5, APP; refunds; bills; certificates).
"""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from payments.signing import rsa_sha256, wechat_v3
from payments.simulators.wechat_pay.book import BEIJING, BillFile, Merchant, Order, Refund, trade_bill
from payments.simulators.wechat_pay.checks import NUMBER, REFUND_NUMBER, Asked, Refused, wrong
from payments.simulators.wechat_pay.notices import Misbehaviour, Notifier
from payments.simulators.wechat_pay.platform import Platform

KINDS = ("jsapi", "native", "h5", "app")
MOST_REFUNDS = 50
ORDER_LASTS = timedelta(days=7)
REFUND_WITHIN = timedelta(days=365)
BILL_FROM_HOUR = 10
"""a day's bill is there from this hour of the next day, Beijing time"""
ADDRESS_LASTS_S = 300


class HangUp(Exception):
    """Close the connection without a word."""


@dataclass(frozen=True)
class Reply:
    """Status, body and headers of an answer."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass
class Moods:
    """How the gateway misbehaves; counts go down with every use."""

    hang_up_before: int = 0
    """without having done what was asked"""
    hang_up_after: int = 0
    """done, and nobody is told"""
    fail: list[tuple[int, str]] = field(default_factory=list)
    """statuses and codes of the next answers"""
    delay_s: float = 0.0
    forge_replies: int = 0
    """sign the next replies with a key that is not its own"""
    refunds_end: str = "SUCCESS"


class WeChatPay:
    """`answer` takes one HTTP request; `pay` is what the payer does; `notifier` tells the merchant."""

    def __init__(
        self,
        *,
        merchants: Mapping[str, Merchant],
        platform: Platform,
        base: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.merchants, self.platform, self.base, self.clock = dict(merchants), platform, base, clock
        self.moods = Moods()
        self.orders: dict[tuple[str, str], Order] = {}
        self.notifier = Notifier(platform.sign_notice)
        self._nonces: dict[tuple[str, str], float] = {}
        self._files: dict[str, tuple[BillFile, str, float]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def reset(self) -> None:
        """No order was ever made, and it behaves."""
        with self._lock:
            self.moods, self.notifier.behaviour = Moods(), Misbehaviour()
            self.orders.clear()
            self._nonces.clear()
            self._files.clear()
            self.notifier.sent.clear()

    def now(self) -> datetime:
        """Its own time, Beijing."""
        return datetime.fromtimestamp(self.clock(), UTC).astimezone(BEIJING)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """
        Answer one request; `target` is path and query as sent, after the gateway's own address.

        :raises HangUp: it was told to say nothing
        """
        moods = self.moods
        time.sleep(moods.delay_s)
        if moods.hang_up_before > 0:
            moods.hang_up_before -= 1
            raise HangUp
        lower = {name.lower(): value for name, value in headers.items()}
        asked_serial = lower.get("wechatpay-serial", "")
        try:
            with self._lock:
                merchant = self._caller(method, target, lower, body)
                if moods.fail:
                    raise Refused(*moods.fail.pop(0), "系统繁忙，请稍后重试")
                found = self._route(method, target, merchant, body.decode())
        except Refused as refused:
            return self._signed(refused.status, refused.as_json(), asked_serial)
        if moods.hang_up_after > 0:
            moods.hang_up_after -= 1
            raise HangUp
        if isinstance(found, BillFile):
            # A file comes without WeChat's signature: its SHA-1 was told before.
            return Reply(200, found.sent, {"Content-Type": "application/octet-stream"})
        return self._signed(204 if found is None else 200, found, asked_serial)

    # --- Who asks ----------------------------------------------------------------------------

    def _caller(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Merchant:
        said = wechat_v3.read_authorization(headers.get("authorization", ""))
        if said is None:
            raise Refused(401, "SIGN_ERROR", "Authorization 不合法")
        merchant = self.merchants.get(said["mchid"])
        if merchant is None or said["serial_no"].upper() != merchant.serial.upper():
            raise Refused(401, "SIGN_ERROR", "商户号或证书序列号不正确")
        text = wechat_v3.request_text(method, target, said["timestamp"], said["nonce_str"], body.decode())
        if not rsa_sha256.is_signed(text, said["signature"], merchant.public_pem):
            raise Refused(401, "SIGN_ERROR", "签名错误，请检查签名串与私钥")
        now = self.clock()
        if not said["timestamp"].isdecimal() or abs(now - int(said["timestamp"])) > wechat_v3.WINDOW_S:
            raise Refused(401, "SIGN_ERROR", "请求时间戳已过期")
        if not 0 < len(said["nonce_str"]) <= 32:
            raise Refused(401, "SIGN_ERROR", "随机串不合法")
        self._nonces = {key: at for key, at in self._nonces.items() if now - at < 2 * wechat_v3.WINDOW_S}
        if (merchant.mchid, said["nonce_str"]) in self._nonces:
            raise Refused(401, "SIGN_ERROR", "随机串重复")
        self._nonces[merchant.mchid, said["nonce_str"]] = now
        if headers.get("accept", "") not in ("application/json", "*/*") or not headers.get("user-agent"):
            raise Refused(400, "PARAM_ERROR", "缺少 Accept 或 User-Agent")
        if method == "POST" and not headers.get("content-type", "").startswith("application/json"):
            raise Refused(400, "PARAM_ERROR", "Content-Type 必须为 application/json")
        serial = headers.get("wechatpay-serial", "")
        if serial and serial not in (self.platform.public_key_id, self.platform.serial):
            raise Refused(400, "PARAM_ERROR", "Wechatpay-Serial 不是微信支付的密钥")
        return merchant

    # --- What is asked -----------------------------------------------------------------------

    def _route(self, method: str, target: str, merchant: Merchant, body: str) -> dict[str, Any] | BillFile | None:
        parts = urlsplit(target)
        steps = [step for step in parts.path.split("/") if step]
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        match method, steps:
            case "GET", ["v3", "certificates"]:
                return {"data": [self.platform.sealed_certificate(merchant.api_key, self.now())]}
            case "POST", ["v3", "pay", "transactions", kind] if kind in KINDS:
                return self._begin(kind, merchant, body)
            case "GET", ["v3", "pay", "transactions", "out-trade-no", number]:
                return self._own(merchant, number, query).as_transaction()
            case "GET", ["v3", "pay", "transactions", "id", number]:
                return self._paid(merchant, number, query).as_transaction()
            case "POST", ["v3", "pay", "transactions", "out-trade-no", number, "close"]:
                self._close(merchant, number, Asked.parse(body))
                return None
            case "POST", ["v3", "refund", "domestic", "refunds"]:
                return self._refund(merchant, Asked.parse(body))
            case "GET", ["v3", "refund", "domestic", "refunds", number]:
                return self._refund_of(merchant, number)
            case "GET", ["v3", "bill", "tradebill"]:
                return self._bill(merchant, query)
            case "GET", ["v3", "billdownload", "file"]:
                return self._file(merchant, query)
        raise Refused(404, "RESOURCE_NOT_EXISTS", "没有这个接口")

    def _begin(self, kind: str, merchant: Merchant, body: str) -> dict[str, Any]:
        asked, now = Asked.parse(body), self.now()
        if asked.text("mchid", 32) != merchant.mchid:
            raise Refused(400, "MCH_NOT_EXISTS", "商户号与签名不符", "mchid")
        app_id = asked.text("appid", 32)
        if app_id not in merchant.app_ids:
            raise Refused(400, "APPID_MCHID_NOT_MATCH", "appid 和 mchid 不匹配", "appid")
        number = asked.text("out_trade_no", 32, pattern=NUMBER)
        amount = asked.part("amount")
        total = amount.fen("total")
        if amount.text("currency", 16, needed=False) not in ("", "CNY"):
            raise wrong("amount.currency")
        expires = asked.moment("time_expire") or now + ORDER_LASTS
        if expires < now + timedelta(minutes=1):
            raise wrong("time_expire", "失效时间距下单时间不能少于 1 分钟")
        order = Order(
            kind=kind, app_id=app_id, mchid=merchant.mchid, out_trade_no=number, amount_fen=total,
            description=asked.text("description", 127), notify_url=asked.address("notify_url"),
            attach=asked.text("attach", 128, needed=False), created_at=now, expires_at=expires, token=uuid.uuid4().hex,
            asked=body,
        )  # fmt: skip
        if kind == "jsapi":
            order.openid = asked.part("payer").text("openid", 128)
        if kind == "h5":
            scene = asked.part("scene_info")
            scene.text("payer_client_ip", 45)
            scene.part("h5_info").text("type", 32)
        order = self._kept(order, merchant)
        return self._handed_out(order)

    def _kept(self, order: Order, merchant: Merchant) -> Order:
        """The order under its number: the same asked again is the same order, another is refused."""
        before = self.orders.get((merchant.mchid, order.out_trade_no))
        if before is None:
            self.orders[merchant.mchid, order.out_trade_no] = order
            return order
        self._expire(before)
        if before.state in ("SUCCESS", "REFUND"):
            raise Refused(400, "ORDERPAID", "该订单已支付")
        if before.state == "CLOSED":
            raise Refused(400, "ORDER_CLOSED", "该订单已关闭")
        if (before.kind, before.amount_fen, before.description) != (order.kind, order.amount_fen, order.description):
            raise Refused(403, "OUT_TRADE_NO_USED", "商户订单号重复，且请求内容不同")
        return before

    def _handed_out(self, order: Order) -> dict[str, Any]:
        if order.kind == "native":
            return {"code_url": f"weixin://wxpay/bizpayurl?pr={order.token}"}
        if order.kind == "h5":
            return {"h5_url": f"{self.base}/user/?prepay_id=wx{order.token}&package=1"}
        return {"prepay_id": f"wx{order.token}"}

    def _expire(self, order: Order) -> None:
        if order.state == "NOTPAY" and self.now() >= order.expires_at:
            order.state = "CLOSED"

    def _own(self, merchant: Merchant, number: str, query: Mapping[str, str]) -> Order:
        if query.get("mchid") != merchant.mchid:
            raise wrong("mchid")
        order = self.orders.get((merchant.mchid, number))
        if order is None:
            raise Refused(404, "ORDER_NOT_EXIST", "订单不存在")
        self._expire(order)
        return order

    def _paid(self, merchant: Merchant, transaction: str, query: Mapping[str, str]) -> Order:
        if query.get("mchid") != merchant.mchid:
            raise wrong("mchid")
        for order in self.orders.values():
            if order.mchid == merchant.mchid and order.transaction_id == transaction != "":
                return order
        raise Refused(404, "ORDER_NOT_EXIST", "订单不存在")

    def _close(self, merchant: Merchant, number: str, asked: Asked) -> None:
        order = self._own(merchant, number, {"mchid": asked.text("mchid", 32)})
        if order.state in ("SUCCESS", "REFUND"):
            raise Refused(400, "ORDERPAID", "该订单已支付，不能关闭")
        order.state = "CLOSED"

    # --- Refunds -----------------------------------------------------------------------------

    def _refund(self, merchant: Merchant, asked: Asked) -> dict[str, Any]:
        number = asked.text("out_refund_no", 64, pattern=REFUND_NUMBER)
        if ("transaction_id" in asked.fields) == ("out_trade_no" in asked.fields):
            raise wrong("transaction_id", "transaction_id 与 out_trade_no 二选一")
        own = {"mchid": merchant.mchid}
        if "transaction_id" in asked.fields:
            order = self._paid(merchant, asked.text("transaction_id", 32), own)
        else:
            order = self._own(merchant, asked.text("out_trade_no", 32), own)
        amount = asked.part("amount")
        back, total = amount.fen("refund"), amount.fen("total")
        if amount.text("currency", 16) != "CNY":
            raise wrong("amount.currency")
        before = order.refunds.get(number)
        if before is not None and before.amount_fen == back and total == order.amount_fen:
            return order.refund_as_shown(before)
        if any(number in other.refunds for other in self.orders.values()):
            raise Refused(400, "INVALID_REQUEST", "退款单号重复，且内容不同")
        _check_refundable(order, back, total, self.now())
        refund = Refund(
            number, f"50{next(self._numbers):026d}", back, asked.text("reason", 80, needed=False), self.now(),
            asked.address("notify_url", needed=False), self.moods.refunds_end,
        )  # fmt: skip
        order.refunds[number] = refund
        order.state = "REFUND"
        self._tell_of_refund(merchant, order, refund)
        return {**order.refund_as_shown(refund), "status": "PROCESSING"}

    def _tell_of_refund(self, merchant: Merchant, order: Order, refund: Refund) -> None:
        if refund.notify_url and refund.state != "PROCESSING":
            shown = order.refund_as_shown(refund)
            resource = {**shown, "refund_status": shown["status"], "mchid": merchant.mchid}
            self._tell(merchant, refund.notify_url, f"REFUND.{refund.state}", resource, "refund")

    def end_refund(self, out_refund_no: str, state: str) -> None:
        """A refund that was on its way ends: SUCCESS, CLOSED or ABNORMAL; its merchant is told."""
        with self._lock:
            for order in self.orders.values():
                if out_refund_no in order.refunds:
                    refund = order.refunds[out_refund_no]
                    refund.state = state
                    self._tell_of_refund(self.merchants[order.mchid], order, refund)

    def _refund_of(self, merchant: Merchant, number: str) -> dict[str, Any]:
        for order in self.orders.values():
            if order.mchid == merchant.mchid and number in order.refunds:
                return order.refund_as_shown(order.refunds[number])
        raise Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")

    # --- Bills -------------------------------------------------------------------------------

    def _bill(self, merchant: Merchant, query: Mapping[str, str]) -> dict[str, Any]:
        try:
            day = date.fromisoformat(query.get("bill_date", ""))
        except ValueError as error:
            raise wrong("bill_date") from error
        kind, zipped = query.get("bill_type", "ALL"), query.get("tar_type", "")
        if kind not in ("ALL", "SUCCESS", "REFUND") or zipped not in ("", "GZIP"):
            raise wrong("bill_type")
        ready = datetime(day.year, day.month, day.day, BILL_FROM_HOUR, tzinfo=BEIJING) + timedelta(days=1)
        own = [order for order in self.orders.values() if order.mchid == merchant.mchid]
        text = trade_bill(own, day, kind)
        if self.now() < ready or text.count("\r\n") == 3:
            raise Refused(400, "NO_STATEMENT_EXIST", "账单文件不存在，请检查日期与出账时间")
        token, made = uuid.uuid4().hex, BillFile.of(text, zipped=bool(zipped))
        self._files[token] = (made, merchant.mchid, self.clock())
        address = f"{self.base}/v3/billdownload/file?token={token}"
        return {"hash_type": "SHA1", "hash_value": made.sha1, "download_url": address}

    def _file(self, merchant: Merchant, query: Mapping[str, str]) -> BillFile:
        made, mchid, at = self._files.get(query.get("token", ""), (None, "", 0.0))
        if made is None or mchid != merchant.mchid or self.clock() - at > ADDRESS_LASTS_S:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "下载地址已失效")
        return made

    # --- The payer ---------------------------------------------------------------------------

    def order_of(self, token: str) -> Order | None:
        """The order that a code, an address or a prepay id names."""
        return next((order for order in self.orders.values() if order.token == token), None)

    def pay(self, token: str, *, openid: str = "") -> Order:
        """
        The payer pays; again, it changes nothing.

        :raises Refused: there is no such order, or it is closed
        """
        with self._lock:
            order = self.order_of(token)
            if order is None:
                raise Refused(404, "ORDER_NOT_EXIST", "订单不存在")
            self._expire(order)
            if order.state == "CLOSED":
                raise Refused(400, "ORDER_CLOSED", "订单已关闭")
            if order.state != "NOTPAY":
                return order
            order.state, order.paid_at = "SUCCESS", self.now()
            order.openid = order.openid or openid or f"o{order.token[:27]}"
            order.transaction_id = f"42000{next(self._numbers):023d}"
            self._tell(
                self.merchants[order.mchid], order.notify_url, "TRANSACTION.SUCCESS", order.as_transaction(),
                "transaction",
            )  # fmt: skip
        return order

    def _tell(self, merchant: Merchant, address: str, event: str, resource: dict[str, Any], kind: str) -> None:
        self.notifier.announce(
            address=address,
            event=event,
            resource=resource,
            kind=kind,
            key=merchant.api_key,
            now=self.now().isoformat(timespec="seconds"),
        )

    def _signed(self, status: int, said: dict[str, Any] | None, asked_serial: str) -> Reply:
        body = "" if said is None else json.dumps(said, ensure_ascii=False)
        stamp, nonce = str(int(self.clock())), uuid.uuid4().hex
        signature, serial = self.platform.sign(wechat_v3.reply_text(stamp, nonce, body), asked_serial)
        if self.moods.forge_replies > 0:
            self.moods.forge_replies -= 1
            signature = signature[:-6] + ("AAAA==" if not signature.endswith("AAAA==") else "BBBB==")
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": signature,
            "Wechatpay-Signature-Type": wechat_v3.SCHEME,
            "Wechatpay-Serial": serial,
            "Request-ID": uuid.uuid4().hex,
        }
        return Reply(status, body.encode(), headers)


def _check_refundable(order: Order, back: int, total: int, now: datetime) -> None:
    if order.paid_at is None:
        raise Refused(400, "INVALID_REQUEST", "订单未支付，不能退款")
    if total != order.amount_fen:
        raise wrong("amount.total", "订单金额与下单时不一致")
    if now - order.paid_at > REFUND_WITHIN:
        raise Refused(400, "INVALID_REQUEST", "订单支付超过一年，不能退款")
    if order.refunded_fen + back > order.amount_fen:
        raise Refused(403, "NOT_ENOUGH", "退款金额大于可退金额")
    if len(order.refunds) >= MOST_REFUNDS:
        raise Refused(400, "INVALID_REQUEST", "同一订单最多退款 50 次")
