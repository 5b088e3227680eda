"""
Payments that arrive while processes die: a bank that repeats until it is answered, WeChat Pay on its whole schedule.

Everything is sent over HTTP to the town's own web server; what a sender was told is kept and compared with the books.
"""

from __future__ import annotations

import http.client
import json
import random
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.embedded import places
from config.embedded.run import web_command
from config.embedded.supervise import Program
from payments.signing import request_signature, rsa_sha256
from payments.simulators.wechat_pay.book import Merchant, Order
from payments.simulators.wechat_pay.gateway import WeChatPay
from payments.simulators.wechat_pay.platform import Platform
from payments.simulators.wechat_pay.server import WeChatPayServer
from tests.chaos.town import Town

FEN = 1_234
SENDERS = 8
PATIENCE_S = 10
# Three seconds of the schedule's day: 24 h 4 min in 26 s, so that sixteen tries outlast a restart.
PACE = 0.0003
MCHID, APP, API_KEY, SERIAL = "1900000109", "wx-simulated", "k" * 32, "5157F09EFDC096DE15EBE81A47057A72"


class Till:
    """A town that takes payments; `play` sends them all, `check` asks the books."""

    def __init__(self, town: Town, *, bank_payments: int, orders: int) -> None:
        self.town, self.bank_payments, self.orders = town, bank_payments, orders
        self.port = places.free_port()
        self.told: dict[str, str] = {}
        """serial to the receipt's number that the bank was answered with"""
        self.answers = 0
        self._lock = threading.Lock()
        merchant_private, merchant_public = rsa_sha256.new_key_pair()
        merchant = Merchant(MCHID, frozenset({APP}), SERIAL, merchant_public, API_KEY)
        platform = Platform.new(at=datetime.now(UTC))
        self.wechat = WeChatPayServer(lambda url: WeChatPay(merchants={MCHID: merchant}, platform=platform, base=url))
        town.environment |= {
            "WECHAT_PAY_GATEWAY": self.wechat.url,
            "WECHAT_PAY_MCHID": MCHID,
            "WECHAT_PAY_SERIAL": SERIAL,
            "WECHAT_PAY_PRIVATE_KEY": merchant_private,
            "WECHAT_PAY_API_V3_KEY": API_KEY,
            "WECHAT_PAY_PUBLIC_KEY_ID": platform.public_key_id,
            "WECHAT_PAY_PUBLIC_KEY": platform.public_pem,
            "WECHAT_PAY_APP_ID": APP,
        }

    def open(self, folder: Path) -> None:
        """The web server beside the town's worker, a bank with its key, orders at WeChat Pay."""
        url = f"http://127.0.0.1:{self.port}"
        web = Program(
            web_command("127.0.0.1", self.port), self.town.environment, folder / "web.log", health_url=f"{url}/health/"
        )
        self.town.services["web"] = web
        self.town.supervisor.start("web", web)
        self.wechat.start()
        self.wechat.wechat.notifier.behaviour.pace = PACE
        bank, self.accounts = json.loads(self.town.call(f"connect({self.orders}, {FEN})").strip().splitlines()[-1])
        self.code, self.key_id, self.secret = bank
        now = datetime.now(UTC)
        for number in range(self.orders):
            name = order_name(number)
            self.wechat.wechat.orders[MCHID, name] = Order(
                kind="native", app_id=APP, mchid=MCHID, out_trade_no=name, description="电费", amount_fen=FEN,
                notify_url=f"{url}/pay/wechat/notice/", attach="", created_at=now,
                expires_at=now + timedelta(hours=2), token=f"t{number:031d}",
            )  # fmt: skip

    def close(self) -> None:
        """WeChat Pay hangs up."""
        self.wechat.stop()

    def play(self, after: Callable[[], bool]) -> None:
        """Everything is sent by eight senders in random order while `after` is called, until it says no more."""
        todo = [*range(self.bank_payments), *(-1 - number for number in range(self.orders))]
        random.Random(6).shuffle(todo)
        with ThreadPoolExecutor(SENDERS) as pool:
            sent = [pool.submit(self._send, number) for number in todo]
            goes_on = True
            while not all(one.done() for one in sent):
                self.town.supervisor.check()
                goes_on = goes_on and after()
                time.sleep(0.02)
            for one in sent:
                one.result()

    def _send(self, number: int) -> None:
        if number < 0:
            self.wechat.wechat.pay(f"t{-1 - number:031d}")
            # As many payers as the house can serve: a provider does not wait for us.
            time.sleep(0.01)
            return
        serial, body = f"S{number}", self._body(number)
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            status, text = self._request("POST", "/api/v1/channel/payments", body, f"key-{number}")
            if status == 201:
                with self._lock:
                    assert (
                        self.told.setdefault(serial, json.loads(text)["receipt_no"]) == json.loads(text)["receipt_no"]
                    )
                break
            # 409: the first try is still under way; 5xx and 0: no answer, so the same request again.
            assert status in (0, 409, 429, 500, 502, 503), (status, text)
            time.sleep(random.uniform(0.05, 0.3))
        else:
            raise AssertionError(f"{serial} was not answered in 240 s")
        if number % 5 == 0:
            # Some banks repeat what was answered already.
            status, text = self._request("POST", "/api/v1/channel/payments", body, f"again-{number}")
            assert status in (0, 500, 502, 503) or json.loads(text)["receipt_no"] == self.told[serial], (status, text)

    def _body(self, number: int) -> bytes:
        at = datetime.now(UTC) + timedelta(hours=8)
        values = {
            "channel_serial": f"S{number}",
            "bank_date": at.date().isoformat(),
            "account_no": self.accounts[number % len(self.accounts)],
            "amount_fen": FEN,
        }
        return json.dumps(values).encode()

    def _request(self, method: str, target: str, body: bytes, key: str) -> tuple[int, str]:
        timestamp, nonce = int(time.time()), secrets.token_hex(16)
        text = request_signature.text_to_sign(method=method, target=target, timestamp=timestamp, nonce=nonce, body=body)
        signature = request_signature.sign(request_signature.HMAC_SHA256, text, self.secret)
        header = request_signature.SignedHeader(
            request_signature.HMAC_SHA256, self.code, self.key_id, nonce, timestamp, signature
        )
        headers = {
            "Authorization": request_signature.write_header(header),
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, target, body=body, headers=headers)
            answer = connection.getresponse()
            self.answers += 1
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def is_told(self) -> bool:
        """Whether every order of WeChat Pay is paid here, by notice or by question."""
        return bool(self.town.ask("SELECT count(*) = 0 FROM payments_order WHERE state <> 'paid'")[0])

    def check(self) -> None:
        """Everything is booked exactly once, for what was sent, and the ledger is sound."""
        banks, bank_fen, wechats, wechat_fen = self.town.ask(
            "SELECT count(*) FILTER (WHERE channel = %s), sum(amount_fen) FILTER (WHERE channel = %s),"
            " count(*) FILTER (WHERE channel = 'wechat'), sum(amount_fen) FILTER (WHERE channel = 'wechat')"
            " FROM payments_payment",
            self.code, self.code,
        )  # fmt: skip
        assert (banks, bank_fen) == (self.bank_payments, self.bank_payments * FEN)
        assert (wechats, wechat_fen) == (self.orders, self.orders * FEN)
        assert len(self.told) == self.bank_payments
        moved, documents = self.town.ask(
            "SELECT sum(amount_fen)::bigint, count(DISTINCT document_id) FROM cis_ledger_transfer WHERE kind = 3"
        )
        assert (moved, documents) == ((banks + wechats) * FEN, banks + wechats)
        wrong = self.town.ask(
            "SELECT count(*) FROM unnest(%s::text[], %s::text[]) AS told (serial, receipt) WHERE NOT EXISTS ("
            " SELECT 1 FROM payments_payment p WHERE p.channel = %s AND p.serial = told.serial"
            " AND to_char(p.business_date, 'YYYYMMDD') || lpad(p.id::text, 10, '0') = told.receipt)",
            list(self.told), list(self.told.values()), self.code,
        )[0]  # fmt: skip
        assert wrong == 0, f"{wrong} receipts were told that are not in the books"
        found = json.loads(self.town.run("manage.py", "verify_ledger", "--json"))
        assert not found["faults"]


def order_name(number: int) -> str:
    """Our number of an order."""
    return f"W{number:023d}"
