"""
Speaks Alipay's open gateway: signs what it asks, believes only what is signed, and reads a day's file.

A reply is checked over the very text it came with: who parses it first and writes it again has lost the signature.
Every call has a time limit and is made once; of an answer that did not come nothing is known: ask `find` first.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import requests

from config.shared.money import NotMoney, fen_from_yuan, yuan_from_fen
from payments.channels.base import BEIJING, BillRefused, Declined, NoAnswer, NotBelievable
from payments.signing import rsa2, rsa_sha256

TIMEOUT_S = 5.0
MOST_BYTES = 512 * 1024 * 1024
UNKNOWN = "isp.unknow-error"
"""its word for an answer that says nothing; spelt so by Alipay"""


@dataclass(frozen=True)
class Agreement:
    """What was agreed with Alipay: our application and key, theirs, and whose account the money goes to."""

    app_id: str
    seller_id: str
    private_pem: str
    public_pem: str
    gateway: str = "https://openapi.alipay.com/gateway.do"


@dataclass(frozen=True)
class FileRow:
    """One line of a day's file; a refund has its number and a negative amount."""

    at: str
    trade_no: str
    out_trade_no: str
    out_request_no: str
    amount_fen: int
    fee_fen: int


class AlipayClient:
    """One agreement; `clock` gives the time that requests are signed with."""

    def __init__(self, agreement: Agreement, *, clock: Callable[[], float]) -> None:
        self.agreement, self.clock = agreement, clock

    # --- Trades ------------------------------------------------------------------------------

    def page(
        self,
        *,
        out_trade_no: str,
        subject: str,
        amount_fen: int,
        expires_at: datetime,
        notify_url: str,
        return_url: str,
        is_phone: bool,
    ) -> str:
        """The address that a payer's browser is sent to; nothing is asked of Alipay yet."""
        method, product = (
            ("alipay.trade.wap.pay", "QUICK_WAP_WAY")
            if is_phone
            else ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY")
        )
        asked = self._order(out_trade_no, subject, amount_fen, expires_at) | {"product_code": product}
        fields = self._signed(method, asked, notify_url=notify_url, return_url=return_url)
        return f"{self.agreement.gateway}?{urlencode(fields)}"

    def code(self, *, out_trade_no: str, subject: str, amount_fen: int, expires_at: datetime, notify_url: str) -> str:
        """
        What a code to scan holds.

        :raises NoAnswer, Declined: see there
        """
        asked = self._order(out_trade_no, subject, amount_fen, expires_at)
        return str(self._ask("alipay.trade.precreate", asked, notify_url=notify_url)["qr_code"])

    def _order(self, out_trade_no: str, subject: str, amount_fen: int, expires_at: datetime) -> dict[str, str]:
        return {
            "out_trade_no": out_trade_no,
            "subject": subject[:256],
            "total_amount": yuan_from_fen(amount_fen),
            "time_expire": expires_at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        }

    def find(self, out_trade_no: str) -> dict[str, Any]:
        """What Alipay knows of a trade; `Declined` with ACQ.TRADE_NOT_EXIST until its payer has seen it."""
        return self._ask("alipay.trade.query", {"out_trade_no": out_trade_no})

    def close(self, out_trade_no: str) -> None:
        """Nobody can pay the trade any more; `Declined` with ACQ.TRADE_STATUS_ERROR where somebody has."""
        self._ask("alipay.trade.close", {"out_trade_no": out_trade_no})

    def refund(
        self, *, out_request_no: str, amount_fen: int, reason: str, out_trade_no: str = "", trade_no: str = ""
    ) -> dict[str, Any]:
        """
        Give back a part of a trade, named by our number or Alipay's.

        The same `out_request_no` again is the same refund (`fund_change` N).
        """
        asked = {
            **({"trade_no": trade_no} if trade_no else {"out_trade_no": out_trade_no}),
            "out_request_no": out_request_no,
            "refund_amount": yuan_from_fen(amount_fen),
            "refund_reason": reason[:256],
        }
        return self._ask("alipay.trade.refund", asked)

    def find_refund(self, *, out_request_no: str, out_trade_no: str = "", trade_no: str = "") -> dict[str, Any]:
        """What became of a refund; without `refund_status` nothing has."""
        which = {"trade_no": trade_no} if trade_no else {"out_trade_no": out_trade_no}
        asked = {**which, "out_request_no": out_request_no}
        return self._ask("alipay.trade.fastpay.refund.query", asked)

    # --- Notices -----------------------------------------------------------------------------

    def read_notice(self, fields: Mapping[str, str]) -> dict[str, str]:
        """
        The fields of a notice, once signature, application and seller are right.

        It has no time window: who keeps its `notify_id` takes it once.

        :raises NotBelievable: it must not be booked
        """
        own = self.agreement
        if fields.get("sign_type") != "RSA2" or not rsa2.is_signed(fields, fields.get("sign", ""), own.public_pem):
            raise NotBelievable("bad-signature")
        if fields.get("app_id") != own.app_id or fields.get("seller_id") != own.seller_id:
            raise NotBelievable("wrong-merchant")
        return dict(fields)

    # --- A day's file ------------------------------------------------------------------------

    def day_file(self, day: date) -> list[FileRow]:
        """
        The trades of a day, there on the next.

        :raises BillRefused: the file cannot be read, or its sums say otherwise than its lines
        :raises NoAnswer, Declined: see there; isp.bill_not_exist where nothing was traded
        """
        said = self._ask(
            "alipay.data.dataservice.bill.downloadurl.query", {"bill_type": "trade", "bill_date": day.isoformat()}
        )
        try:
            answer = requests.get(said["bill_download_url"], timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            raise NoAnswer(type(error).__name__) from error
        if answer.status_code != 200:
            raise NoAnswer(f"the file's address answers {answer.status_code}")
        return read_file(_detail_of(answer.content))

    # --- On the line -------------------------------------------------------------------------

    def _signed(self, method: str, asked: Mapping[str, Any], **addresses: str) -> dict[str, str]:
        own = self.agreement
        fields = {
            "app_id": own.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": datetime.fromtimestamp(self.clock(), UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            "biz_content": json.dumps(asked, ensure_ascii=False, separators=(",", ":")),
            **{name: address for name, address in addresses.items() if address},
        }
        return {**fields, "sign": rsa2.sign_request(fields, own.private_pem)}

    def _ask(self, method: str, asked: Mapping[str, Any], **addresses: str) -> dict[str, Any]:
        fields = self._signed(method, asked, **addresses)
        try:
            answer = requests.post(
                f"{self.agreement.gateway}?charset=utf-8", data=fields, timeout=TIMEOUT_S, allow_redirects=False
            )
        except requests.RequestException as error:
            raise NoAnswer(type(error).__name__) from error
        answer.encoding = "utf-8"
        text, signature = response_of(answer.text, method)
        if not rsa_sha256.is_signed(text, signature, self.agreement.public_pem):
            raise NoAnswer("the reply is not signed by Alipay")
        read: dict[str, Any] = json.loads(text)
        if read.get("code") == "10000":
            return read
        if read.get("code") == "20000" or read.get("sub_code") in (UNKNOWN, "ACQ.SYSTEM_ERROR"):
            raise NoAnswer(str(read.get("sub_code", "")))
        raise Declined(str(read.get("sub_code", "")), str(read.get("sub_msg", "")))


def response_of(text: str, method: str) -> tuple[str, str]:
    """
    The text of a reply that was signed, byte for byte, and its signature.

    :raises NoAnswer: it is no reply to this method
    """
    name = f'"{method.replace(".", "_")}_response":'
    at = text.find(name)
    if at < 0:
        raise NoAnswer("no reply of the method that was asked")
    start = at + len(name)
    try:
        read, length = json.JSONDecoder().raw_decode(text[start:])
        signature = json.loads(text)["sign"]
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnswer("the reply is no JSON with a signature") from error
    if not isinstance(read, dict) or not isinstance(signature, str):
        raise NoAnswer("the reply is no JSON with a signature")
    return text[start : start + length], signature


def _detail_of(packed: bytes) -> str:
    """The text of the lines' file inside the zip; the other is a summary by shops."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            inside = [one for one in archive.infolist() if "汇总" not in _name(one)]
            if len(inside) != 1 or inside[0].file_size > MOST_BYTES:
                raise BillRefused("the zip holds no single file of lines")
            return archive.read(inside[0]).decode("gb18030")
    except (zipfile.BadZipFile, UnicodeDecodeError, OSError) as error:
        raise BillRefused("the file cannot be unpacked") from error


def _name(entry: zipfile.ZipInfo) -> str:
    """Names are GB 18030 where the zip does not say that they are UTF-8."""
    if entry.flag_bits & 0x800:
        return entry.filename
    return entry.filename.encode("cp437", "replace").decode("gb18030", "replace")


def read_file(text: str) -> list[FileRow]:
    """
    The lines of a day's file, columns by their names; refused whole unless they add up to its sums.

    :raises BillRefused: a column is missing, an amount is none, or counts and sums differ
    """
    plain = [line for line in text.splitlines() if line.strip()]
    lines = list(csv.reader(line for line in plain if not line.startswith("#")))
    if not lines:
        raise BillRefused("the file has no columns")
    try:
        named = [dict(zip(lines[0], (one.strip() for one in line), strict=True)) for line in lines[1:]]
        rows = [_row(one) for one in named]
        said = tuple(_stated(plain, word) for word in ("#交易合计：", "#退款合计："))
    except (KeyError, ValueError, IndexError, NotMoney) as error:
        raise BillRefused(f"the file cannot be read: {error}") from error
    paid = [row.amount_fen for row in rows if not row.out_request_no]
    back = [-row.amount_fen for row in rows if row.out_request_no]
    if said != ((len(paid), sum(paid)), (len(back), sum(back))):
        raise BillRefused(f"the lines come to {sum(paid)} and {sum(back)} fen, the sums say {said}")
    return rows


def _stated(lines: list[str], word: str) -> tuple[int, int]:
    """Count and fen of a line such as `#交易合计：2笔，商家实收共3.00元，…`."""
    line = next(one for one in lines if one.startswith(word)) if any(one.startswith(word) for one in lines) else ""
    count, _word, rest = line.removeprefix(word).partition("笔")
    return int(count), fen_from_yuan(rest.partition("共")[2].partition("元")[0])


def _row(named: Mapping[str, str]) -> FileRow:
    is_refund = named["业务类型"] == "退款"
    return FileRow(
        at=named["完成时间"],
        trade_no=named["支付宝交易号"],
        out_trade_no=named["商户订单号"],
        out_request_no=named["退款批次号/请求号"] if is_refund else "",
        amount_fen=fen_from_yuan(named["订单金额（元）"]),
        fee_fen=-fen_from_yuan(named["服务费（元）"]),
    )
