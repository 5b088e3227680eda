"""The simulated Alipay: a foreign client's whole cycle runs against it, and our own client's."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from alipay import AliPay

from payments.channels.alipay_client import Agreement, AlipayClient, _detail_of, read_file, response_of
from payments.channels.base import BillRefused, Declined, NoAnswer, NotBelievable
from payments.signing import rsa2, rsa_sha256
from payments.simulators.alipay.book import Merchant, day_file
from payments.simulators.alipay.gateway import Alipay
from payments.simulators.alipay.server import AlipayServer

APP, SELLER = "2021000000000001", "2088101122136241"
PRIVATE, PUBLIC = rsa2.new_key_pair()
THEIR_PRIVATE, THEIR_PUBLIC = rsa2.new_key_pair()


class Inbox:
    """A merchant's address for notices: keeps what comes, answers as told."""

    def __init__(self) -> None:
        inbox = self
        self.got: list[dict[str, str]] = []
        self.answers: list[bytes] = []
        self.came = threading.Condition()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                with inbox.came:
                    inbox.got.append(dict(parse_qsl(body)))
                    answer = inbox.answers.pop(0) if inbox.answers else b"success"
                    inbox.came.notify_all()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/notice/"

    def wait(self, count: int) -> list[dict[str, str]]:
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
def server() -> Iterator[AlipayServer]:
    merchants = {APP: Merchant(APP, SELLER, PUBLIC)}
    one = AlipayServer(lambda url: Alipay(merchants=merchants, private_pem=THEIR_PRIVATE, base=url))
    one.start()
    yield one
    one.stop()


def ours(server: AlipayServer) -> AlipayClient:
    return AlipayClient(Agreement(APP, SELLER, PRIVATE, THEIR_PUBLIC, server.gateway), clock=time.time)


def order(number: str, *, fen: int = 18_640) -> dict[str, Any]:
    expires = datetime.now(UTC) + timedelta(minutes=15)
    return {"out_trade_no": number, "subject": "电费/0012345678", "amount_fen": fen, "expires_at": expires}


def token_of(code: str) -> str:
    return code.rpartition("/bax")[2]


class TestAForeignClient:
    def test_runs_its_whole_cycle(self, server: AlipayServer, inbox: Inbox) -> None:
        client = AliPay(
            appid=APP, app_notify_url=inbox.url, app_private_key_string=PRIVATE, alipay_public_key_string=THEIR_PUBLIC
        )
        client._gateway = server.gateway
        number = uuid.uuid4().hex

        code = client.api_alipay_trade_precreate("电费/0012345678", number, "186.40")["qr_code"]
        assert client.api_alipay_trade_query(out_trade_no=number)["sub_code"] == "ACQ.TRADE_NOT_EXIST"
        server.alipay.pay(token_of(code))

        (told, *_rest) = inbox.wait(1)
        signature = told.pop("sign")
        assert client.verify(told, signature)
        assert (told["out_trade_no"], told["total_amount"]) == (number, "186.40")
        found = client.api_alipay_trade_query(out_trade_no=number)
        assert (found["trade_status"], found["total_amount"]) == ("TRADE_SUCCESS", "186.40")
        assert client.api_alipay_trade_close(out_trade_no=number)["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
        for change in ("Y", "N"):
            back = client.api_alipay_trade_refund("6.40", out_trade_no=number, out_request_no="R1")
            assert (back["fund_change"], back["refund_fee"]) == (change, "6.40")
        over = client.api_alipay_trade_refund("180.01", out_trade_no=number, out_request_no="R2")
        assert over["sub_code"] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
        asked = client.api_alipay_trade_fastpay_refund_query("R1", out_trade_no=number)
        assert asked["refund_amount"] == "6.40"

    def test_sends_a_browser_to_a_page_where_it_pays(self, server: AlipayServer, inbox: Inbox) -> None:
        client = AliPay(
            appid=APP, app_notify_url=inbox.url, app_private_key_string=PRIVATE, alipay_public_key_string=THEIR_PUBLIC
        )
        query = client.api_alipay_trade_wap_pay("电费", uuid.uuid4().hex, "1.00")

        with urllib.request.urlopen(f"{server.gateway}?{query}") as page:
            assert "1.00 元" in page.read().decode()
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{server.gateway}?{query.replace('1.00', '0.01')}")


class TestOurClient:
    def test_runs_its_whole_cycle(self, server: AlipayServer, inbox: Inbox) -> None:
        client, alipay = ours(server), server.alipay
        number = uuid.uuid4().hex

        code = client.code(**order(number), notify_url=inbox.url)
        with pytest.raises(Declined, match="TRADE_NOT_EXIST"):
            client.find(number)
        alipay.pay(token_of(code))

        notice = client.read_notice(inbox.wait(1)[0])
        assert (notice["out_trade_no"], notice["total_amount"]) == (number, "186.40")
        assert client.find(number)["trade_status"] == "TRADE_SUCCESS"
        with pytest.raises(Declined, match="TRADE_STATUS_ERROR"):
            client.close(number)
        refund = {"out_trade_no": number, "out_request_no": "R1", "amount_fen": 640, "reason": "多收"}
        assert [client.refund(**refund)["fund_change"] for _time in range(2)] == ["Y", "N"]  # type: ignore[arg-type]
        assert client.find_refund(out_trade_no=number, out_request_no="R1")["refund_status"] == "REFUND_SUCCESS"
        assert "refund_status" not in client.find_refund(out_trade_no=number, out_request_no="R2")

        day = alipay.now().date()
        with pytest.raises(Declined, match="bill_not_exist"):
            client.day_file(day)
        alipay.clock = client.clock = lambda: time.time() + 2 * 86_400
        rows = client.day_file(day)
        assert [(row.out_trade_no, row.out_request_no, row.amount_fen, row.fee_fen) for row in rows] == [
            (number, "", 18_640, 112), (number, "R1", -640, 0)
        ]  # fmt: skip

    @pytest.mark.parametrize("is_phone", [True, False])
    def test_sends_a_browser_to_a_page_that_leads_back(
        self, server: AlipayServer, inbox: Inbox, is_phone: bool
    ) -> None:
        number = uuid.uuid4().hex
        address = ours(server).page(
            **order(number), notify_url=inbox.url, return_url="http://example.test/orders/", is_phone=is_phone
        )

        page = requests.get(address, timeout=10)
        action = page.text.partition('action="')[2].partition('"')[0]
        back = requests.post(f"{server.url}{action}", timeout=10, allow_redirects=False)

        assert urlsplit(back.headers["Location"]).path == "/orders/"
        assert inbox.wait(1)[0]["out_trade_no"] == number

    def test_a_trade_closed_in_time_cannot_be_paid(self, server: AlipayServer, inbox: Inbox) -> None:
        client, number = ours(server), uuid.uuid4().hex
        code = client.code(**order(number), notify_url=inbox.url)
        server.alipay.trade_of(token_of(code))

        client.close(number)

        with pytest.raises(Exception, match="TRADE_HAS_CLOSE"):
            server.alipay.pay(token_of(code))

    @pytest.mark.parametrize(
        "mood", [{"hang_up_before": 1}, {"hang_up_after": 1}, {"forge_replies": 1}, {"fail": ["aop.unknow-error"]}]
    )
    def test_silence_and_forgery_say_nothing_and_asking_again_is_no_second_trade(
        self, server: AlipayServer, inbox: Inbox, mood: dict[str, Any]
    ) -> None:
        server.behave(mood)
        number = uuid.uuid4().hex

        with pytest.raises(NoAnswer):
            ours(server).code(**order(number), notify_url=inbox.url)
        ours(server).code(**order(number), notify_url=inbox.url)

        assert len(server.alipay.trades) == 1

    def test_reads_a_reply_as_it_came(self) -> None:
        inside = '{"code":"10000","url":"https:\\/\\/a.b","note":"{}\\"}"}'
        text = f'{{"alipay_trade_query_response":{inside},"sign":"abc="}}'

        assert response_of(text, "alipay.trade.query") == (inside, "abc=")
        for broken in ("{}", text.replace("trade_query", "trade_close"), text[:-3], text.replace('"abc="', "1")):
            with pytest.raises(NoAnswer):
                response_of(broken, "alipay.trade.query")


class TestNotices:
    def test_come_again_under_their_id_until_answered_success(self, server: AlipayServer, inbox: Inbox) -> None:
        inbox.answers = [b"fail", b"<html>", b"success"]
        server.behave({"pace": 0.0001, "times": 2})
        code = ours(server).code(**order(uuid.uuid4().hex), notify_url=inbox.url)

        server.alipay.pay(token_of(code))

        assert len({notice["notify_id"] for notice in inbox.wait(4)}) == 1

    def test_are_believed_only_as_they_were_signed_and_for_us(self, server: AlipayServer, inbox: Inbox) -> None:
        client = ours(server)
        code = client.code(**order(uuid.uuid4().hex), notify_url=inbox.url)
        server.alipay.pay(token_of(code))
        notice = inbox.wait(1)[0]
        client.read_notice(notice)

        for name, value in notice.items():
            for changed in (value[:-1] + ("1" if value[-1] != "1" else "2"), "", value + " "):
                if name != "sign" or changed != value + " ":
                    with pytest.raises(NotBelievable):
                        client.read_notice({**notice, name: changed})
        with pytest.raises(NotBelievable):
            client.read_notice({**notice, "more": "1"})
        other = AlipayClient(Agreement(APP, "2088000000000009", PRIVATE, THEIR_PUBLIC, server.gateway), clock=time.time)
        with pytest.raises(NotBelievable, match="wrong-merchant"):
            other.read_notice(notice)


class TestWhatItRefuses:
    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"app_id": "2021000000000002"}, "isv.invalid-app-id"),
            ({"sign": "AAAA"}, "isv.invalid-signature"),
            ({"timestamp": "2020-01-01 00:00:00"}, "isv.invalid-timestamp"),
            ({"method": "alipay.trade.unheard"}, "isv.invalid-method"),
            ({"biz_content": '{"out_trade_no":"A","subject":"x","total_amount":"1.001"}'}, "ACQ.INVALID_PARAMETER"),
            ({"biz_content": '{"out_trade_no":"A-1","subject":"x","total_amount":"1.00"}'}, "ACQ.INVALID_PARAMETER"),
            ({"biz_content": '{"out_trade_no":"A","subject":"x","total_amount":"0.00"}'}, "ACQ.INVALID_PARAMETER"),
        ],
    )
    def test_requests_that_cannot_be_so(self, server: AlipayServer, changed: dict[str, str], code: str) -> None:
        client = ours(server)
        asked = {"out_trade_no": "A", "subject": "x", "total_amount": "1.00"}
        fields = {**client._signed("alipay.trade.precreate", asked), **changed}
        if "sign" not in changed:
            fields["sign"] = rsa2.sign_request(fields, PRIVATE)

        answer = requests.post(server.gateway, data=fields, timeout=10).json()

        said = next(value for name, value in answer.items() if name.endswith("_response"))
        assert said["sub_code"] == code

    def test_a_number_used_for_something_else(self, server: AlipayServer, inbox: Inbox) -> None:
        client = ours(server)
        client.code(**order("A1"), notify_url=inbox.url)
        with pytest.raises(Declined, match="CONTEXT_INCONSISTENT"):
            client.code(**order("A1", fen=1), notify_url=inbox.url)


class TestAFile:
    def text(self, server: AlipayServer) -> str:
        client = ours(server)
        code = client.code(**order("A1", fen=100), notify_url="")
        server.alipay.pay(token_of(code))
        from_book = server.alipay.now().date()
        return self.unpacked(server, from_book)

    def unpacked(self, server: AlipayServer, day: date) -> str:
        packed = day_file(server.alipay.trades.values(), day, SELLER)
        assert packed is not None
        return _detail_of(packed)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("交易合计：1笔", "交易合计：2笔"),
            ("商家实收共1.00", "商家实收共1.01"),
            ("退款合计", "合计"),
            ("1.00,", "1.0x,"),
        ],
    )
    def test_that_does_not_add_up_is_refused_whole(self, server: AlipayServer, old: str, new: str) -> None:
        text = self.text(server)
        assert [row.amount_fen for row in read_file(text)] == [100]
        assert old in text

        with pytest.raises(BillRefused):
            read_file(text.replace(old, new))


class TestSignatures:
    def test_of_a_reply_are_over_its_text(self) -> None:
        assert rsa_sha256.is_signed("a", rsa_sha256.sign("a", PRIVATE), PUBLIC)
        assert not rsa_sha256.is_signed("b", rsa_sha256.sign("a", PRIVATE), PUBLIC)
        assert not rsa_sha256.is_signed("a", "not base64", PUBLIC)
