"""
Speaks WeChat Pay's API v3: signs what it asks, believes only what is signed, and reads a day's bill.

Every call has a time limit and is made once; who calls decides whether to ask again. Of an answer that did not come
nothing is known: ask `find` for the order before anything else.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from config.shared.money import NotMoney, fen_from_yuan
from payments.channels.base import BillRefused, Declined, NoAnswer, NotBelievable
from payments.signing import rsa_sha256, wechat_v3

TIMEOUT_S = 5.0
MOST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class Agreement:
    """What was agreed with WeChat Pay: who we are, our key, theirs."""

    app_id: str
    mchid: str
    serial: str
    private_pem: str
    api_key: str
    public_key_id: str = ""
    public_pem: str = ""
    certificates: Mapping[str, str] = field(default_factory=dict)
    """platform certificates (PEM) by serial, for merchants that still have them"""
    gateway: str = "https://api.mch.weixin.qq.com"
    mini_app_id: str = ""
    """the mini program's, bound to the same merchant; empty where there is none"""

    @property
    def app_ids(self) -> frozenset[str]:
        """Every app of ours that may begin an order."""
        return frozenset({self.app_id, self.mini_app_id}) - {""}

    def public_key(self, serial: str) -> str | None:
        """WeChat Pay's key of a serial; None where none was agreed, which asks nobody for it."""
        if serial and serial == self.public_key_id:
            return self.public_pem
        pem = self.certificates.get(serial.upper())
        if pem is None:
            return None
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass(frozen=True)
class BillRow:
    """One line of a day's bill; a refund has its number and what went back, a payment what came in."""

    at: str
    transaction_id: str
    out_trade_no: str
    out_refund_no: str
    amount_fen: int
    fee_fen: int
    state: str


class WeChatClient:
    """One agreement; `clock` gives the time that requests are signed with."""

    def __init__(self, agreement: Agreement, *, clock: Callable[[], float]) -> None:
        self.agreement, self.clock = agreement, clock

    # --- Orders ------------------------------------------------------------------------------

    def begin(
        self,
        kind: str,
        *,
        out_trade_no: str,
        description: str,
        amount_fen: int,
        expires_at: datetime,
        notify_url: str,
        more: Mapping[str, Any] | None = None,
        app_id: str = "",
    ) -> dict[str, Any]:
        """
        Make an order of a kind (native, jsapi, h5) of one of our apps; gives what its payer is led with.

        :raises NoAnswer, Declined: see there
        """
        order = {
            "appid": app_id or self.agreement.app_id,
            "mchid": self.agreement.mchid,
            "description": _cut(description, 127),
            "out_trade_no": out_trade_no,
            "time_expire": expires_at.isoformat(timespec="seconds"),
            "notify_url": notify_url,
            "amount": {"total": amount_fen, "currency": "CNY"},
        }
        return self._ask("POST", f"/v3/pay/transactions/{kind}", {**order, **(more or {})})

    def find(self, out_trade_no: str) -> dict[str, Any]:
        """What WeChat Pay knows of an order; `Declined` with ORDER_NOT_EXIST where it knows none."""
        return self._ask("GET", f"/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={self.agreement.mchid}")

    def close(self, out_trade_no: str) -> None:
        """Nobody can pay the order any more; `Declined` with ORDERPAID where somebody has."""
        self._ask("POST", f"/v3/pay/transactions/out-trade-no/{out_trade_no}/close", {"mchid": self.agreement.mchid})

    def call_of_app(self, prepay_id: str, *, app_id: str = "") -> dict[str, str]:
        """What WeChat's own browser, or a mini program, is called with to show an order of kind jsapi."""
        app_id = app_id or self.agreement.app_id
        stamp, nonce, package = str(int(self.clock())), uuid.uuid4().hex, f"prepay_id={prepay_id}"
        text = wechat_v3.app_text(app_id, stamp, nonce, package)
        return {
            "appId": app_id,
            "timeStamp": stamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": rsa_sha256.sign(text, self.agreement.private_pem),
        }

    # --- Refunds -----------------------------------------------------------------------------

    def refund(
        self,
        *,
        out_refund_no: str,
        amount_fen: int,
        total_fen: int,
        reason: str,
        notify_url: str = "",
        out_trade_no: str = "",
        transaction_id: str = "",
    ) -> dict[str, Any]:
        """
        Give back a part of an order, named by our number or WeChat Pay's; the same refund number is the same refund.

        Without `notify_url` it tells where the merchant's settings there say.
        """
        asked = {
            **({"transaction_id": transaction_id} if transaction_id else {"out_trade_no": out_trade_no}),
            "out_refund_no": out_refund_no,
            "reason": _cut(reason, 80),
            **({"notify_url": notify_url} if notify_url else {}),
            "amount": {"refund": amount_fen, "total": total_fen, "currency": "CNY"},
        }
        return self._ask("POST", "/v3/refund/domestic/refunds", asked)

    def find_refund(self, out_refund_no: str) -> dict[str, Any]:
        """What became of a refund: SUCCESS, CLOSED, PROCESSING or ABNORMAL."""
        return self._ask("GET", f"/v3/refund/domestic/refunds/{out_refund_no}")

    # --- Notices -----------------------------------------------------------------------------

    def read_notice(self, headers: Mapping[str, str], body: str) -> dict[str, Any]:
        """
        The notice with its resource opened; signature, time and key are looked at before anything is read.

        :raises NotBelievable: it is not WeChat Pay's, not of now, or sealed with another key
        """
        lower = {name.lower(): value for name, value in headers.items()}
        public = self.agreement.public_key(lower.get("wechatpay-serial", ""))
        if public is None:
            raise NotBelievable("unknown-key")
        stamp = lower.get("wechatpay-timestamp", "")
        if not stamp.isdecimal() or len(stamp) > 12:
            raise NotBelievable("bad-format")
        if abs(self.clock() - int(stamp)) > wechat_v3.WINDOW_S:
            raise NotBelievable("out-of-time")
        if not wechat_v3.is_reply_signed(lower, body, public):
            raise NotBelievable("bad-signature")
        try:
            notice = json.loads(body)
            resource = notice["resource"]
            if resource["algorithm"] != "AEAD_AES_256_GCM":
                raise NotBelievable("bad-format")
            opened = wechat_v3.unseal(
                resource["ciphertext"],
                key=self.agreement.api_key,
                nonce=resource["nonce"],
                associated=resource.get("associated_data") or "",
            )
            return {**notice, "resource": json.loads(opened)}
        except wechat_v3.NotSealed as error:
            raise NotBelievable("wrong-merchant") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotBelievable("bad-format") from error

    # --- A day's bill ------------------------------------------------------------------------

    def day_bill(self, day: date) -> list[BillRow]:
        """
        The trade bill of a day, there from ten o'clock of the next.

        :raises BillRefused: the file is not the one announced, or its summary says otherwise than its lines
        :raises NoAnswer, Declined: see there; NO_STATEMENT_EXIST where nothing was traded
        """
        query = urlencode({"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP"})
        said = self._ask("GET", f"/v3/bill/tradebill?{query}")
        parts = urlsplit(said["download_url"])
        # The address must lie at the gateway: it is asked with our signature.
        path = said["download_url"].removeprefix(self.agreement.gateway)
        if not path.startswith("/") or path.startswith("//") or path == said["download_url"]:
            raise BillRefused(f"the bill lies elsewhere: {parts.netloc}")
        sent = self._send("GET", path, "").content
        raw = _unzipped(sent)
        if hashlib.sha1(raw, usedforsecurity=False).hexdigest() != said["hash_value"]:
            raise BillRefused("the bill's digest is not the one announced")
        return read_bill(raw.decode("utf-8-sig"))

    # --- On the line -------------------------------------------------------------------------

    def _ask(self, method: str, target: str, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body = "" if said is None else json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        answer = self._send(method, target, body)
        text = answer.content.decode("utf-8", "replace")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        public = self.agreement.public_key(headers.get("wechatpay-serial", ""))
        stamp = headers.get("wechatpay-timestamp", "")
        is_now = stamp.isdecimal() and abs(self.clock() - int(stamp)) <= wechat_v3.WINDOW_S
        if public is None or not is_now or not wechat_v3.is_reply_signed(headers, text, public):
            raise NoAnswer("the reply is not signed by WeChat Pay")
        try:
            read = json.loads(text) if text else {}
        except ValueError as error:
            raise NoAnswer("the reply is no JSON") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise NoAnswer(str(read.get("code", answer.status_code)))
        if answer.status_code >= 300:
            raise Declined(str(read.get("code", "")), str(read.get("message", "")))
        return dict(read)

    def _send(self, method: str, target: str, body: str) -> requests.Response:
        own = self.agreement
        header = wechat_v3.authorization(
            mchid=own.mchid,
            serial=own.serial,
            private_pem=own.private_pem,
            method=method,
            target=target,
            body=body,
            timestamp=str(int(self.clock())),
            nonce=uuid.uuid4().hex,
        )
        headers = {"Authorization": header, "Accept": "application/json", "User-Agent": "dayingxiao"}
        if body:
            headers["Content-Type"] = "application/json"
        if own.public_key_id:
            headers["Wechatpay-Serial"] = own.public_key_id
        try:
            return requests.request(
                method, own.gateway + target, data=body.encode() or None, headers=headers, timeout=TIMEOUT_S,
                allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            raise NoAnswer(type(error).__name__) from error


def _cut(text: str, most: int) -> str:
    """At most so many bytes of UTF-8, whole characters."""
    return text.encode()[:most].decode("utf-8", "ignore")


def _unzipped(sent: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(sent)) as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BillRefused("the bill cannot be unzipped") from error
    if len(raw) > MOST_BYTES:
        raise BillRefused("the bill is larger than any bill of a day")
    return raw


def read_bill(text: str) -> list[BillRow]:
    """
    The lines of a trade bill, columns by their names; refused whole unless they add up to its summary.

    :raises BillRefused: a column is missing, an amount is none, or count and sums differ from the summary
    """
    lines = [row for row in csv.reader(io.StringIO(text)) if row]
    if len(lines) < 3:
        raise BillRefused("the bill has no summary")
    head, details, totals_head, totals = lines[0], lines[1:-2], lines[-2], lines[-1]
    try:
        rows = [_row(dict(zip(head, _bare(line), strict=True))) for line in details]
        stated = dict(zip(totals_head, _bare(totals), strict=True))
        paid = sum(row.amount_fen for row in rows if not row.out_refund_no)
        back = -sum(row.amount_fen for row in rows if row.out_refund_no)
        sums = (len(rows), paid, back, sum(row.fee_fen for row in rows))
        said = (
            int(stated["总交易单数"]),
            fen_from_yuan(stated["订单总金额"]),
            fen_from_yuan(stated["申请退款总金额"]),
            fen_from_yuan(stated["手续费总金额"]),
        )
    except (KeyError, ValueError, NotMoney) as error:
        raise BillRefused(f"the bill cannot be read: {error}") from error
    if sums != said:
        raise BillRefused(f"the bill's lines come to {sums}, its summary says {said}")
    return rows


def _bare(fields: list[str]) -> list[str]:
    return [one.removeprefix("`") for one in fields]


def _row(named: Mapping[str, str]) -> BillRow:
    is_refund = named["交易状态"] == "REFUND"
    return BillRow(
        at=named["交易时间"],
        transaction_id=named["微信订单号"],
        out_trade_no=named["商户订单号"],
        out_refund_no=named["商户退款单号"] if is_refund else "",
        amount_fen=-fen_from_yuan(named["申请退款金额"]) if is_refund else fen_from_yuan(named["订单金额"]),
        fee_fen=fen_from_yuan(named["手续费"]),
        state=named["退款状态"] if is_refund else named["交易状态"],
    )
