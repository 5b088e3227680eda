"""
The simulated providers behind their sockets: `/sms/` and `/collection/` (meters) over HTTP, mail over SMTP.

`GET /inbox/` shows what arrived, `POST /behaviour/` makes the SMS provider misbehave and `POST /collection-behaviour/`
the meter data collection system, `POST /reset/` starts afresh.
"""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from config.simulators.collection_system import MeterBehaviour, MeterCollection
from config.simulators.kept import Shelf
from config.simulators.sms import Behaviour, HangUp, Registered, SmsProvider
from config.simulators.smtp import MailServer


class Simulators:
    """The providers; `start` serves them in threads, `stop` ends them. Port 0 takes a free one."""

    def __init__(
        self,
        *,
        port: int = 0,
        mail_port: int = 0,
        keys: Mapping[str, str],
        sign_names: frozenset[str],
        templates: Mapping[str, Registered],
        house: str = "",
        report_secrets: Mapping[str, str],
        collection_clients: Mapping[str, str] | None = None,
    ) -> None:
        self.shelf = Shelf()
        self.sms = SmsProvider(
            shelf=self.shelf,
            keys=keys,
            sign_names=sign_names,
            templates=templates,
            reports_to=f"{house}/messaging/reports/sms/" if house else "",
            reports_secret=report_secrets["sms"],
        )
        self.mail = MailServer(
            mail_port,
            shelf=self.shelf,
            bounces_to=f"{house}/messaging/reports/email/" if house else "",
            bounces_secret=report_secrets["email"],
        )
        self.collection = MeterCollection(
            clients=collection_clients or {},
            receipts_to=f"{house}/collection-system/receipts/" if house else "",
            receipts_secret=report_secrets["collection"],
        )
        simulators = self

        class Handler(_Handler):
            outside = simulators

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True

    @property
    def url(self) -> str:
        """Where the HTTP side listens."""
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    @property
    def mail_port(self) -> int:
        """Where the mail server listens."""
        return int(self.mail.server_address[1])

    def start(self) -> None:
        """Serve in threads of their own."""
        for server in (self.http, self.mail):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def stop(self) -> None:
        """Serve no longer."""
        for server in (self.http, self.mail):
            server.shutdown()
            server.server_close()

    def reset(self) -> None:
        """Forget everything and behave."""
        self.shelf.clear()
        self.sms.reset()
        self.mail.reset()
        self.collection.reset()


class _Handler(BaseHTTPRequestHandler):
    outside: Simulators
    protocol_version = "HTTP/1.1"
    timeout = 30

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(size, 1_000_000))
        path, _mark, query = self.path.partition("?")
        if path == "/sms/" or path.startswith("/collection/"):
            taker, target = (self.outside.sms, self.path) if path == "/sms/" else (self.outside.collection, path)
            try:
                status, said = taker.answer(self.command, target, dict(self.headers.items()), body)
            except HangUp:
                self.close_connection = True
                return
            self._say(status, said)
        elif path == "/inbox/" and self.command == "GET":
            asked = dict(urllib.parse.parse_qsl(query))
            self._say(200, self.outside.shelf.as_json(channel=asked.get("channel", ""), to=asked.get("to", "")))
        elif path == "/health/":
            self._say(200, {"status": "ok"})
        elif path == "/reset/" and self.command == "POST":
            self.outside.reset()
            self._say(200, {})
        elif path == "/behaviour/" and self.command == "POST":
            self.outside.sms.behaviour = Behaviour(**json.loads(body))
            self._say(200, {})
        elif path == "/collection-behaviour/" and self.command == "POST":
            self.outside.collection.behaviour = MeterBehaviour(**json.loads(body))
            self._say(200, {})
        else:
            self._say(404, {"Code": "NotFound"})

    do_GET = do_POST = _serve

    def _say(self, status: int, said: Any) -> None:
        body = json.dumps(said, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Addresses hold telephone numbers: nothing is written down."""
