"""
The simulated WeChat Pay behind a socket: the gateway at its root, what a payer does under `/user/`.

`GET /user/?code_url=…` (or `prepay_id=…`, with `redirect_url=…` as H5 has it) shows the order to its payer, `POST` pays
it. `POST /behaviour/` makes it misbehave.
"""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Callable
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from payments.simulators.wechat_pay.book import Order, yuan
from payments.simulators.wechat_pay.checks import Refused
from payments.simulators.wechat_pay.gateway import HangUp, Moods, Reply, WeChatPay
from payments.simulators.wechat_pay.notices import Misbehaviour

MOST_BYTES = 1_000_000


class WeChatPayServer:
    """Serves in threads of its own; port 0 takes a free one. `make` is given the address it listens at."""

    def __init__(self, make: Callable[[str], WeChatPay], *, port: int = 0) -> None:
        server = self

        class Handler(_Handler):
            outside = server

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.wechat = make(self.url)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def start(self) -> None:
        """Serve until `stop`."""
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def stop(self) -> None:
        """Serve no longer."""
        self.http.shutdown()
        self.http.server_close()

    def behave(self, said: dict[str, Any]) -> None:
        """Take over how gateway and notices misbehave; what is not named stays."""
        for target, kind in ((self.wechat.moods, Moods), (self.wechat.notifier.behaviour, Misbehaviour)):
            for one in fields(kind):
                if one.name in said:
                    setattr(target, one.name, said[one.name])


class _Handler(BaseHTTPRequestHandler):
    outside: WeChatPayServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def _serve(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST_BYTES))
        parts = urlsplit(self.path)
        if parts.path == "/user/":
            self._user(parts.query, body)
        elif parts.path == "/health/":
            self._say(Reply(200, b"{}", {"Content-Type": "application/json"}))
        elif parts.path == "/behaviour/" and self.command == "POST":
            self.outside.behave(json.loads(body))
            self._say(Reply(200, b"{}", {"Content-Type": "application/json"}))
        elif parts.path == "/reset/" and self.command == "POST":
            self.outside.wechat.reset()
            self._say(Reply(200, b"{}", {"Content-Type": "application/json"}))
        else:
            try:
                self._say(self.outside.wechat.answer(self.command, self.path, dict(self.headers.items()), body))
            except HangUp:
                self.close_connection = True

    do_GET = do_POST = _serve

    def _user(self, query: str, body: bytes) -> None:
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        asked |= {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        token = asked.get("prepay_id", "").removeprefix("wx") or asked.get("code_url", "").rpartition("pr=")[2]
        back = asked.get("redirect_url", "")
        wechat = self.outside.wechat
        try:
            order = wechat.pay(token) if self.command == "POST" else wechat.order_of(token)
        except Refused as refused:
            self._page(refused.status, "不能支付", f"<p>{html.escape(refused.message)}</p>")
            return
        if order is None:
            self._page(404, "没有这个订单", "<p>二维码或链接已经失效。</p>")
        elif self.command == "POST" and urlsplit(back).scheme in ("http", "https"):
            self._say(Reply(303, b"", {"Location": back}))
        else:
            self._page(200, "微信支付（模拟）", _shown(order, back))

    def _page(self, status: int, title: str, inside: str) -> None:
        text = (
            '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{title}</title><body><h1>{title}</h1>{inside}"
            "<p>这是模拟器，不会动用真实资金。Simulator: no real money moves.</p></body></html>"
        )
        self._say(Reply(status, text.encode(), {"Content-Type": "text/html; charset=utf-8"}))

    def _say(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Addresses hold numbers of orders: nothing is written down."""


def _shown(order: Order, back: str) -> str:
    what = f"<p>{html.escape(order.description)}</p><p><strong>{yuan(order.amount_fen)} 元</strong></p>"
    if order.state != "NOTPAY":
        return f"{what}<p>已支付。</p>"
    action = f"/user/?prepay_id=wx{order.token}&redirect_url={quote(back, safe='')}"
    button = f"确认支付 {yuan(order.amount_fen)} 元"
    return f'{what}<form method="post" action="{html.escape(action)}"><button>{button}</button></form>'
