"""
The simulated Alipay behind a socket: `/gateway.do` for merchants and payers' browsers, `/download` for files.

`GET /user/?qr_code=…` shows a trade to its payer, `POST` pays it. `POST /behaviour/` makes it misbehave.
"""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Callable
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from payments.simulators.alipay.book import Trade, yuan
from payments.simulators.alipay.gateway import PAGES, Alipay, HangUp, Moods, Refused
from payments.simulators.repeating import Misbehaviour

MOST_BYTES = 1_000_000


class AlipayServer:
    """Serves in threads of its own; port 0 takes a free one. `make` is given the address it listens at."""

    def __init__(self, make: Callable[[str], Alipay], *, port: int = 0) -> None:
        server = self

        class Handler(_Handler):
            outside = server

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.alipay = make(self.url)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    @property
    def gateway(self) -> str:
        """The address that merchants are given."""
        return f"{self.url}/gateway.do"

    def start(self) -> None:
        """Serve until `stop`."""
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def stop(self) -> None:
        """Serve no longer."""
        self.http.shutdown()
        self.http.server_close()

    def behave(self, said: dict[str, Any]) -> None:
        """Take over how gateway and notices misbehave; what is not named stays."""
        for target, kind in ((self.alipay.moods, Moods), (self.alipay.behaviour, Misbehaviour)):
            for one in fields(kind):
                if one.name in said:
                    setattr(target, one.name, said[one.name])


class _Handler(BaseHTTPRequestHandler):
    outside: AlipayServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def _serve(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST_BYTES))
        parts = urlsplit(self.path)
        sent = {
            name: values[-1]
            for text in (parts.query, body.decode() if parts.path != "/behaviour/" else "")
            for name, values in parse_qs(text, keep_blank_values=True).items()
        }
        if parts.path == "/gateway.do":
            self._gateway(sent)
        elif parts.path == "/download":
            packed = self.outside.alipay.file(sent.get("token", ""))
            self._say(404 if packed is None else 200, packed or b"", "application/zip")
        elif parts.path == "/user/":
            self._user(sent)
        elif parts.path == "/health/":
            self._say(200, b"{}", "application/json")
        elif parts.path in ("/behaviour/", "/reset/") and self.command == "POST":
            if parts.path == "/reset/":
                self.outside.alipay.reset()
            else:
                self.outside.behave(json.loads(body))
            self._say(200, b"{}", "application/json")
        else:
            self._say(404, b"{}", "application/json")

    do_GET = do_POST = _serve

    def _gateway(self, sent: dict[str, str]) -> None:
        if sent.get("method") not in PAGES:
            try:
                self._say(200, self.outside.alipay.answer(sent).encode(), "text/html;charset=utf-8")
            except HangUp:
                self.close_connection = True
            return
        try:
            trade = self.outside.alipay.show(sent)
        except Refused as refused:
            self._page(400, "不能支付", f"<p>{html.escape(refused.message)}（{html.escape(refused.sub_code)}）</p>")
            return
        self._page(200, "支付宝（模拟）", _shown(self.outside.alipay.trade_of(trade.token) or trade))

    def _user(self, sent: dict[str, str]) -> None:
        token = sent.get("qr_code", "").rpartition("/bax")[2]
        alipay = self.outside.alipay
        try:
            trade = alipay.pay(token) if self.command == "POST" else alipay.trade_of(token)
        except Refused as refused:
            self._page(400, "不能支付", f"<p>{html.escape(refused.message)}</p>")
            return
        if trade is None:
            self._page(404, "没有这笔交易", "<p>二维码或链接已经失效。</p>")
        elif self.command == "POST" and trade.return_url:
            back = urlencode({"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no})
            self._say(303, b"", "text/plain", Location=f"{trade.return_url}?{back}")
        else:
            self._page(200, "支付宝（模拟）", _shown(trade))

    def _page(self, status: int, title: str, inside: str) -> None:
        text = (
            '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{title}</title><body><h1>{title}</h1>{inside}"
            "<p>这是模拟器，不会动用真实资金。Simulator: no real money moves.</p></body></html>"
        )
        self._say(status, text.encode(), "text/html; charset=utf-8")

    def _say(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Addresses hold numbers of trades: nothing is written down."""


def _shown(trade: Trade) -> str:
    what = f"<p>{html.escape(trade.subject)}</p><p><strong>{yuan(trade.amount_fen)} 元</strong></p>"
    if trade.state != "WAIT_BUYER_PAY":
        return f"{what}<p>已支付或已关闭。</p>"
    button = f"确认付款 {yuan(trade.amount_fen)} 元"
    action = f"/user/?qr_code=/bax{trade.token}"
    return f'{what}<form method="post" action="{action}"><button>{button}</button></form>'
