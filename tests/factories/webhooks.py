"""A client's receiver on a socket of this process, and an endpoint that leads to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from payments.models import WebhookMessage
from payments.models.webhooks import OFFERED_KINDS
from payments.operations import webhooks
from payments.operations.webhooks import MadeEndpoint
from tests.factories.world import World


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed_by(self, secret: str) -> bool:
        """Checked as a receiver would, from the specification alone."""
        text = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        ours = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        return ours in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """What came in; `answers` is asked for the status and headers of each answer."""

    port: int
    received: list[Received] = field(default_factory=list)
    answers: Callable[[Received], tuple[int, dict[str, str]]] = lambda _request: (204, {})
    names: list[str | None] = field(default_factory=list)
    """the server names that callers asked for by TLS"""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def types(self) -> list[str]:
        return [one.event["type"] for one in self.received]


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that answers 204 until it is told otherwise."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            made.received.append(request)
            status, headers = made.answers(request)
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    made = Receiver(server.server_port)
    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: made.names.append(name)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def endpoint(
    world: World, url: str, *, code: str = "icbc", kinds: tuple[str, ...] = OFFERED_KINDS, at: datetime | None = None
) -> MadeEndpoint:
    """An endpoint of a client, made by the administrator."""
    return webhooks.add_endpoint(
        code=code, url=url, kinds=kinds, by_id=world.administrator_id, within=None, at=at or world.at
    )


def told(world: World, code: str, *, at: datetime) -> int:
    """An endpoint with a message that arrived, one that was given up and one that is tried again tomorrow; its id."""
    made = endpoint(world, f"https://hooks.{code}.example/events", code=code, at=at)
    states: tuple[dict[str, Any], ...] = (
        {"state": "delivered", "due_at": None, "ended_at": at, "status": 204},
        {"state": "dead", "due_at": None, "ended_at": at, "failure": "name-unknown"},
        {"due_at": at + timedelta(days=1), "failure": "status", "status": 500},
    )
    for state in states:
        sent = webhooks.send_test(code=code, endpoint_id=made.endpoint_id, within=None, at=at)
        WebhookMessage.objects.filter(pk=sent).update(**state)
    return made.endpoint_id
