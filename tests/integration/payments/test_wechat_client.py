"""Our own client against the same simulated WeChat Pay: whole cycles, and what it does not believe."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payments.channels.base import BillRefused, Declined, NoAnswer, NotBelievable
from payments.channels.wechat_client import Agreement, WeChatClient, read_bill
from payments.signing import rsa_sha256, wechat_v3
from payments.simulators.wechat_pay.platform import CERTIFICATE
from payments.simulators.wechat_pay.server import WeChatPayServer
from tests.integration.payments.test_wechat_simulator import API_KEY, APP, MCHID, PRIVATE, SERIAL, Inbox, inbox, server

__all__ = ["inbox", "server"]


def agreement(server: WeChatPayServer, by: str = "public-key") -> Agreement:
    platform = server.wechat.platform
    theirs: dict[str, Any] = {"public_key_id": platform.public_key_id, "public_pem": platform.public_pem}
    if by == CERTIFICATE:
        theirs = {"certificates": {platform.serial: platform.certificate_pem}}
    return Agreement(
        app_id=APP, mchid=MCHID, serial=SERIAL, private_pem=PRIVATE, api_key=API_KEY, gateway=server.url, **theirs
    )


def wx(server: WeChatPayServer, by: str = "public-key") -> WeChatClient:
    return WeChatClient(agreement(server, by), clock=time.time)


def begin(client: WeChatClient, notify_url: str, *, fen: int = 18_640, number: str = "", kind: str = "native") -> Any:
    number = number or uuid.uuid4().hex
    more: dict[str, Any] = {"jsapi": {"payer": {"openid": "o1"}}}.get(kind, {})
    said = client.begin(
        kind, out_trade_no=number, description="电费 0012345678", amount_fen=fen, notify_url=notify_url,
        expires_at=datetime.now(UTC) + timedelta(minutes=15), more=more,
    )  # fmt: skip
    return number, said


def token(said: dict[str, str]) -> str:
    return said["code_url"].rpartition("pr=")[2]


@pytest.mark.parametrize("by", ["public-key", CERTIFICATE])
class TestTheWholeCycle:
    def test_order_notice_query_refund_and_bill(self, server: WeChatPayServer, inbox: Inbox, by: str) -> None:
        wechat, client = server.wechat, wx(server, by)
        wechat.platform.notices_by = by
        number, said = begin(client, inbox.url)
        assert client.find(number)["trade_state"] == "NOTPAY"

        wechat.pay(token(said))

        headers, body = inbox.wait(1)[0]
        notice = client.read_notice(headers, body)
        assert (notice["resource"]["out_trade_no"], notice["resource"]["amount"]["total"]) == (number, 18_640)
        assert client.find(number)["trade_state"] == "SUCCESS"
        with pytest.raises(Declined) as paid:
            client.close(number)
        assert paid.value.code == "ORDERPAID"
        back = {
            "out_refund_no": "R1",
            "amount_fen": 640,
            "total_fen": 18_640,
            "reason": "多收",
            "notify_url": inbox.url,
        }
        assert client.refund(out_trade_no=number, **back)["status"] == "PROCESSING"  # type: ignore[arg-type]
        assert client.refund(out_trade_no=number, **back)["status"] == "SUCCESS"  # type: ignore[arg-type]
        assert client.read_notice(*inbox.wait(2)[1])["event_type"] == "REFUND.SUCCESS"
        assert client.find_refund("R1")["status"] == "SUCCESS"

        day, real = wechat.now().date(), time.time
        wechat.clock = client.clock = lambda: real() + 2 * 86_400
        rows = client.day_bill(day)
        assert [(row.out_trade_no, row.out_refund_no, row.amount_fen, row.fee_fen) for row in rows] == [
            (number, "", 18_640, 112), (number, "R1", -640, -4)
        ]  # fmt: skip


class TestAnOrderNobodyPaid:
    def test_is_closed_and_cannot_be_paid(self, server: WeChatPayServer, inbox: Inbox) -> None:
        client = wx(server)
        number, said = begin(client, inbox.url)

        client.close(number)

        assert client.find(number)["trade_state"] == "CLOSED"
        with pytest.raises(Exception, match="ORDER_CLOSED"):
            server.wechat.pay(token(said))
        with pytest.raises(Declined) as unknown:
            client.find("0" * 20)
        assert unknown.value.code == "ORDER_NOT_EXIST"

    def test_in_wechat_itself_is_called_with_a_signature_of_ours(self, server: WeChatPayServer, inbox: Inbox) -> None:
        client = wx(server)
        _number, said = begin(client, inbox.url, kind="jsapi")

        call = client.call_of_app(said["prepay_id"])

        text = wechat_v3.app_text(APP, call["timeStamp"], call["nonceStr"], call["package"])
        public = server.wechat.merchants[MCHID].public_pem
        assert rsa_sha256.is_signed(text, call["paySign"], public)
        assert call["package"] == f"prepay_id={said['prepay_id']}"


class TestWhatIsNotBelieved:
    def test_a_reply_signed_by_another(self, server: WeChatPayServer, inbox: Inbox) -> None:
        server.behave({"forge_replies": 1})
        with pytest.raises(NoAnswer):
            begin(wx(server), inbox.url)

    @pytest.mark.parametrize("mood", [{"hang_up_before": 1}, {"hang_up_after": 1}, {"fail": [(500, "SYSTEM_ERROR")]}])
    def test_silence_says_nothing_and_asking_again_makes_no_second_order(
        self, server: WeChatPayServer, inbox: Inbox, mood: dict[str, Any]
    ) -> None:
        server.behave(mood)
        number = uuid.uuid4().hex

        with pytest.raises(NoAnswer):
            begin(wx(server), inbox.url, number=number)
        begin(wx(server), inbox.url, number=number)

        assert len(server.wechat.orders) == 1

    def test_a_notice_with_any_bit_changed_another_time_or_an_unknown_key(
        self, server: WeChatPayServer, inbox: Inbox
    ) -> None:
        client = wx(server)
        _number, said = begin(client, inbox.url)
        server.wechat.pay(token(said))
        headers, body = inbox.wait(1)[0]
        client.read_notice(headers, body)

        raw = body.encode()
        for place in range(len(raw)):
            for bit in (1, 32):
                changed = bytearray(raw)
                changed[place] ^= bit
                with pytest.raises(NotBelievable):
                    client.read_notice(headers, changed.decode("utf-8", "replace"))
        for name in ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial"):
            value = headers[name]
            for place in range(0, len(value), 7):
                other = "0" if value[place] != "0" else "1"
                with pytest.raises(NotBelievable):
                    client.read_notice({**headers, name: value[:place] + other + value[place + 1 :]}, body)
            with pytest.raises(NotBelievable):
                client.read_notice({one: text for one, text in headers.items() if one != name}, body)
        stamp = int(headers["Wechatpay-Timestamp"])

        def at(moment: float) -> WeChatClient:
            return WeChatClient(agreement(server), clock=lambda: moment)

        for apart in (-299, 299):
            at(stamp + apart).read_notice(headers, body)
        for apart in (-301, 301):
            with pytest.raises(NotBelievable, match="out-of-time"):
                at(stamp + apart).read_notice(headers, body)

    def test_a_notice_for_another_merchants_key(self, server: WeChatPayServer, inbox: Inbox) -> None:
        client = wx(server)
        _number, said = begin(client, inbox.url)
        server.wechat.pay(token(said))
        headers, body = inbox.wait(1)[0]
        other = Agreement(**{**vars(client.agreement), "api_key": "x" * 32})

        with pytest.raises(NotBelievable, match="wrong-merchant"):
            WeChatClient(other, clock=time.time).read_notice(headers, body)


class TestABill:
    HEAD = "交易时间,微信订单号,商户订单号,交易状态,商户退款单号,退款状态,手续费,订单金额,申请退款金额,将来的列"
    SUM = "总交易单数,手续费总金额,订单总金额,申请退款总金额"
    PAID = "`2026-11-22 10:00:00,`42,`W1,`SUCCESS,`0,`,`0.01,`1.00,`0.00,`x"

    def bill(self, *lines: str, total: str) -> list[Any]:
        return read_bill("\r\n".join([self.HEAD, *lines, self.SUM, total]) + "\r\n")

    def test_is_read_by_the_names_of_its_columns(self) -> None:
        (row,) = self.bill(self.PAID, total="`1,`0.01,`1.00,`0.00")
        assert (row.out_trade_no, row.amount_fen, row.fee_fen) == ("W1", 100, 1)

    @pytest.mark.parametrize("total", ["`2,`0.01,`1.00,`0.00", "`1,`0.01,`1.01,`0.00", "`1,`0.02,`1.00,`0.00", "`1"])
    def test_that_does_not_add_up_is_refused_whole(self, total: str) -> None:
        with pytest.raises(BillRefused):
            self.bill(self.PAID, total=total)

    @pytest.mark.parametrize("line", [PAID.replace("1.00", "1.001"), PAID.replace("1.00", "1e2"), PAID[:-3], ""])
    def test_with_a_line_that_cannot_be_read_is_refused_whole(self, line: str) -> None:
        with pytest.raises(BillRefused):
            self.bill(line, total="`1,`0.01,`1.00,`0.00")

    def test_of_another_digest_is_refused(self, server: WeChatPayServer, inbox: Inbox) -> None:
        client = wx(server)
        _number, said = begin(client, inbox.url)
        server.wechat.pay(token(said))
        day, real = server.wechat.now().date(), time.time
        server.wechat.clock = client.clock = lambda: real() + 2 * 86_400
        whole = client._ask
        client._ask = lambda *asked, **more: {**whole(*asked, **more), "hash_value": "0" * 40}  # type: ignore[method-assign]

        with pytest.raises(BillRefused, match="digest"):
            client.day_bill(day)
        assert json.loads(inbox.wait(1)[0][1])["id"]
