"""A merchant's client that nobody here wrote runs its whole cycle against the simulated WeChat Pay."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from wechatpayv3 import WeChatPay as Client
from wechatpayv3 import WeChatPayType

from payments.signing import rsa_sha256, wechat_v3
from payments.simulators.wechat_pay.book import Merchant
from payments.simulators.wechat_pay.gateway import WeChatPay
from payments.simulators.wechat_pay.platform import CERTIFICATE, Platform
from payments.simulators.wechat_pay.server import WeChatPayServer

MCHID, APP, API_KEY, SERIAL = "1900000109", "wxd678efh567hg6787", "k" * 32, "5157F09EFDC096DE15EBE81A47057A72"
PRIVATE, PUBLIC = rsa_sha256.new_key_pair()


class Inbox:
    """A merchant's address for notices: keeps what comes, answers as told."""

    def __init__(self) -> None:
        inbox = self
        self.got: list[tuple[dict[str, str], str]] = []
        self.answers: list[int] = []
        self.came = threading.Condition()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with inbox.came:
                    inbox.got.append((dict(self.headers.items()), body.decode()))
                    status = inbox.answers.pop(0) if inbox.answers else 204
                    inbox.came.notify_all()
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/notice/"

    def wait(self, count: int) -> list[tuple[dict[str, str], str]]:
        """The first `count` notices."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.got) >= count, timeout=20)
        return self.got


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    one = Inbox()
    yield one
    one.http.shutdown()
    one.http.server_close()


@pytest.fixture
def server() -> Iterator[WeChatPayServer]:
    merchant = Merchant(MCHID, frozenset({APP}), SERIAL, PUBLIC, API_KEY)
    platform = Platform.new(at=datetime.now(UTC))
    one = WeChatPayServer(lambda url: WeChatPay(merchants={MCHID: merchant}, platform=platform, base=url))
    one.start()
    yield one
    one.stop()


def client(server: WeChatPayServer, monkeypatch: pytest.MonkeyPatch, *, kind: Any, by: str = "public-key") -> Client:
    """The package's client, pointed at the simulator."""
    platform = server.wechat.platform
    keys = {"public_key": platform.public_pem, "public_key_id": platform.public_key_id}
    if by == CERTIFICATE:
        # Without the public key it asks for certificates while it is made: point it at us first.
        real = requests.get
        monkeypatch.setattr(
            requests, "get", lambda url, **more: real(url.replace("https://api.mch.weixin.qq.com", server.url), **more)
        )
        keys = {}
    one = Client(
        wechatpay_type=kind, mchid=MCHID, private_key=PRIVATE, cert_serial_no=SERIAL, appid=APP, apiv3_key=API_KEY,
        notify_url="https://example.test/unused", **keys,
    )  # fmt: skip
    one._core._gate_way = server.url
    return one


@pytest.mark.parametrize("by", ["public-key", CERTIFICATE])
class TestTheWholeCycle:
    def test_order_notice_query_refund_and_bill(
        self, server: WeChatPayServer, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, by: str
    ) -> None:
        wechat = server.wechat
        wechat.platform.notices_by = by
        wx = client(server, monkeypatch, kind=WeChatPayType.NATIVE, by=by)
        number = uuid.uuid4().hex

        code, said = wx.pay("电费 0012345678", number, {"total": 18_640, "currency": "CNY"}, notify_url=inbox.url)
        assert code == 200, said
        token = json.loads(said)["code_url"].rpartition("pr=")[2]
        assert json.loads(wx.query(out_trade_no=number)[1])["trade_state"] == "NOTPAY"

        wechat.pay(token, openid="o-payer")

        headers, body = inbox.wait(1)[0]
        told = wx.callback(headers, body)
        assert told["event_type"] == "TRANSACTION.SUCCESS"
        assert (told["resource"]["amount"]["total"], told["resource"]["out_trade_no"]) == (18_640, number)
        found = json.loads(wx.query(out_trade_no=number)[1])
        assert (found["trade_state"], found["payer"]["openid"]) == ("SUCCESS", "o-payer")
        assert json.loads(wx.query(transaction_id=found["transaction_id"])[1])["out_trade_no"] == number
        assert wx.close(number)[0] == 400

        code, said = wx.refund(
            "R1", {"refund": 640, "total": 18_640, "currency": "CNY"}, out_trade_no=number, notify_url=inbox.url
        )
        assert (code, json.loads(said)["status"]) == (200, "PROCESSING")
        back = wx.callback(*inbox.wait(2)[1])
        assert (back["event_type"], back["resource"]["amount"]["refund"]) == ("REFUND.SUCCESS", 640)
        assert json.loads(wx.query_refund("R1")[1])["status"] == "SUCCESS"

        day = wechat.now().date().isoformat()
        assert wx.trade_bill(day)[0] == 400, "a day's bill is not there on the day itself"
        real = time.time
        wechat.clock = lambda: real() + 2 * 86_400
        monkeypatch.setattr(time, "time", lambda: real() + 2 * 86_400)
        code, said = wx.trade_bill(day)
        assert code == 200, said
        where = json.loads(said)
        code, sent = wx.download_bill(where["download_url"])
        raw = gzip.decompress(sent)
        assert hashlib.sha1(raw).hexdigest() == where["hash_value"]
        rows = raw.decode().split("\r\n")
        assert len(rows) == 6
        assert rows[4] == "`2,`186.40,`6.40,`0.00,`1.08,`186.40,`6.40"


class TestOtherWays:
    def test_a_telephone_and_the_app_itself(self, server: WeChatPayServer, monkeypatch: pytest.MonkeyPatch) -> None:
        h5 = client(server, monkeypatch, kind=WeChatPayType.H5)
        scene = {"payer_client_ip": "203.0.113.9", "h5_info": {"type": "Wap"}}
        said = json.loads(h5.pay("电费", uuid.uuid4().hex, {"total": 100}, scene_info=scene)[1])
        with urllib.request.urlopen(said["h5_url"]) as page:
            assert "1.00 元" in page.read().decode()
        jsapi = client(server, monkeypatch, kind=WeChatPayType.JSAPI)
        code, said = jsapi.pay("电费", uuid.uuid4().hex, {"total": 100}, payer={"openid": "o1"})
        assert code == 200
        assert json.loads(said)["prepay_id"].startswith("wx")
        assert jsapi.pay("电费", uuid.uuid4().hex, {"total": 100}, payer={"other": "o1"})[0] == 400


class TestNotices:
    def test_are_repeated_under_their_id_until_they_are_taken(self, server: WeChatPayServer, inbox: Inbox) -> None:
        inbox.answers = [500, 401, 204]
        server.behave({"pace": 0.001, "times": 3})
        wx = client(server, pytest.MonkeyPatch(), kind=WeChatPayType.NATIVE)
        said = wx.pay("电费", uuid.uuid4().hex, {"total": 100}, notify_url=inbox.url)[1]

        server.wechat.pay(json.loads(said)["code_url"].rpartition("pr=")[2])

        got = inbox.wait(5)
        assert len({json.loads(body)["id"] for _headers, body in got}) == 1
        assert len({headers["Wechatpay-Nonce"] for headers, _body in got}) == len(got)

    def test_when_corrupted_or_probed_bear_no_signature(self, server: WeChatPayServer, inbox: Inbox) -> None:
        server.behave({"corrupt": 1, "probe": 2, "pace": 0.001})
        inbox.answers = [400, 400]
        wx = client(server, pytest.MonkeyPatch(), kind=WeChatPayType.NATIVE)
        said = wx.pay("电费", uuid.uuid4().hex, {"total": 100}, notify_url=inbox.url)[1]

        server.wechat.pay(json.loads(said)["code_url"].rpartition("pr=")[2])

        platform = server.wechat.platform
        signed = [
            wechat_v3.is_reply_signed(
                {name.lower(): value for name, value in headers.items()}, body, platform.public_pem
            )
            for headers, body in inbox.wait(3)
        ]
        assert signed == [False, False, True]


def ask(server: WeChatPayServer, body: dict[str, Any], **changed: str) -> tuple[int, str]:
    """A Native order, signed by us, with something of the signature or header changed."""
    text = changed.pop("sent", json.dumps(body))
    said = {"method": "POST", "target": "/v3/pay/transactions/native", "timestamp": str(int(time.time())),
            "nonce": uuid.uuid4().hex, "body": text, "mchid": MCHID, "serial": SERIAL, **changed}  # fmt: skip
    header = wechat_v3.authorization(private_pem=PRIVATE, **said)
    answer = requests.post(
        f"{server.url}/v3/pay/transactions/native",
        data=json.dumps(body).encode(),
        headers={"Authorization": header, "Accept": "application/json", "Content-Type": "application/json"},
        timeout=10,
    )
    return answer.status_code, answer.json().get("code", "")


ORDER: dict[str, Any] = {
    "appid": APP, "mchid": MCHID, "description": "电费", "out_trade_no": "20261122000001",
    "notify_url": "https://example.test/notice/", "amount": {"total": 100, "currency": "CNY"},
}  # fmt: skip


class TestWhatItRefuses:
    def test_signatures_that_are_not_of_this_request(self, server: WeChatPayServer) -> None:
        assert ask(server, ORDER)[0] == 200
        for changed in (
            {"method": "PUT"},
            {"target": "/v3/pay/transactions/h5"},
            {"timestamp": str(int(time.time()) - 301)},
            {"sent": json.dumps(ORDER) + " "},
            {"mchid": "1900000110"},
            {"serial": "00"},
        ):
            assert ask(server, ORDER, **changed) == (401, "SIGN_ERROR"), changed
        nonce = uuid.uuid4().hex
        assert ask(server, ORDER, nonce=nonce)[0] == 200
        assert ask(server, ORDER, nonce=nonce) == (401, "SIGN_ERROR")

    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"appid": "wx0000000000000000"}, "APPID_MCHID_NOT_MATCH"),
            ({"out_trade_no": "W" * 33}, "PARAM_ERROR"),
            ({"out_trade_no": "short"}, "PARAM_ERROR"),
            ({"amount": {"total": "100"}}, "PARAM_ERROR"),
            ({"amount": {"total": 1.5}}, "PARAM_ERROR"),
            ({"amount": {"total": 0}}, "PARAM_ERROR"),
            ({"amount": {"total": 100, "currency": "USD"}}, "PARAM_ERROR"),
            ({"notify_url": "https://example.test/notice/?a=1"}, "PARAM_ERROR"),
            ({"description": "电" * 43}, "PARAM_ERROR"),
            ({"time_expire": "2026-11-22T10:00:00"}, "PARAM_ERROR"),
        ],
    )
    def test_fields_that_cannot_be_so(self, server: WeChatPayServer, changed: dict[str, Any], code: str) -> None:
        assert ask(server, {**ORDER, **changed}) == (400, code)

    def test_a_number_used_for_something_else(self, server: WeChatPayServer) -> None:
        assert ask(server, ORDER)[0] == 200
        assert ask(server, {**ORDER, "amount": {"total": 101}}) == (403, "OUT_TRADE_NO_USED")

    def test_refunds_of_more_than_was_paid_and_of_more_than_fifty_parts(
        self, server: WeChatPayServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wx = client(server, monkeypatch, kind=WeChatPayType.NATIVE)
        number = uuid.uuid4().hex
        said = json.loads(wx.pay("电费", number, {"total": 100})[1])
        amount = {"refund": 1, "total": 100, "currency": "CNY"}
        assert wx.refund("R0", amount, out_trade_no=number)[0] == 400
        server.wechat.notifier.behaviour.lose = 1
        server.wechat.pay(said["code_url"].rpartition("pr=")[2])

        assert wx.refund("R-x", {**amount, "refund": 101}, out_trade_no=number)[0] == 403
        assert all(wx.refund(f"R{one}", amount, out_trade_no=number)[0] == 200 for one in range(50))
        assert wx.refund("R7", amount, out_trade_no=number)[0] == 200
        assert wx.refund("R7", {**amount, "refund": 2}, out_trade_no=number)[0] == 400
        assert wx.refund("R50", amount, out_trade_no=number)[0] == 400
        assert server.wechat.orders[MCHID, number].refunded_fen == 50
