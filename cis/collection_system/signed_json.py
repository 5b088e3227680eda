"""
Commands as signed JSON over HTTP: POST commands/, GET commands/<number>/, POST commands/<number>/withdraw/.

The published interface of a collection system's master station is not ours to know (it differs by maker); this is a
plain contract that a gateway in front of it can speak. Every request carries `X-Client`, `X-Timestamp` (seconds),
`X-Nonce` and `X-Signature`: the hexadecimal HMAC-SHA256 of method, path, timestamp, nonce and body, each but the last
ended by a line feed, under the secret agreed. Answers are `{"command_no", "state", "code", "at"}`.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from cis.collection_system.base import Answer, CollectionSystem, Order, Outcome

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 8
_MOST_BYTES = 64 * 1024
_SAID = {one.value: one for one in Outcome if one not in (Outcome.UNKNOWN, Outcome.LATER)}


class SignedJson(CollectionSystem):
    """See the module."""

    def send(self, order: Order, *, at: datetime) -> Answer:
        """POST commands/"""
        body = {
            "command_no": order.number,
            "kind": order.kind,
            "meter_no": order.meter_no,
            "ordered_at": _clock(order.ordered_at),
            "not_after": _clock(order.not_after),
            "balance_fen": order.balance_fen,
        }
        return _call("POST", "commands/", body, number=order.number, at=at)

    def ask(self, number: str, *, at: datetime) -> Answer:
        """GET commands/<number>/"""
        return _call("GET", f"commands/{quote(number)}/", None, number=number, at=at)

    def withdraw(self, number: str, *, at: datetime) -> Answer:
        """POST commands/<number>/withdraw/"""
        return _call("POST", f"commands/{quote(number)}/withdraw/", {"command_no": number}, number=number, at=at)


def signature(*, secret: str, method: str, path: str, timestamp: str, nonce: str, body: bytes) -> str:
    """What a request is signed with."""
    return hmac.new(
        secret.encode(), f"{method}\n{path}\n{timestamp}\n{nonce}\n".encode() + body, hashlib.sha256
    ).hexdigest()


def _call(method: str, target: str, said: dict[str, Any] | None, *, number: str, at: datetime) -> Answer:
    if not (settings.COLLECTION_SYSTEM_URL and settings.COLLECTION_SYSTEM_SECRET):
        return Answer(Outcome.LATER, "not-configured")
    base = urlsplit(settings.COLLECTION_SYSTEM_URL)
    path = f"{base.path.rstrip('/')}/{target}"
    body = b"" if said is None else json.dumps(said, ensure_ascii=False).encode()
    stamp, nonce = str(int(at.timestamp())), uuid.uuid4().hex
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Client": settings.COLLECTION_SYSTEM_CLIENT,
        "X-Timestamp": stamp,
        "X-Nonce": nonce,
        "X-Signature": signature(
            secret=settings.COLLECTION_SYSTEM_SECRET, method=method, path=path, timestamp=stamp, nonce=nonce, body=body
        ),
    }
    kind = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection
    connection = kind(base.hostname or "", base.port, timeout=CONNECT_TIMEOUT_S)
    try:
        try:
            connection.connect()
        except OSError as error:
            return Answer(Outcome.LATER, type(error).__name__)
        connection.sock.settimeout(READ_TIMEOUT_S)
        # From the first byte on it may have been taken.
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return _read(answer.status, answer.read(_MOST_BYTES), number)
    except (TimeoutError, OSError, http.client.HTTPException) as error:
        return Answer(Outcome.UNKNOWN, type(error).__name__)
    finally:
        connection.close()


def _read(status: int, raw: bytes, number: str) -> Answer:
    try:
        body = json.loads(raw)
    except ValueError:
        return Answer(Outcome.UNKNOWN, f"http-{status}")
    if not isinstance(body, dict):
        return Answer(Outcome.UNKNOWN, f"http-{status}")
    code = str(body.get("code", ""))[:80]
    if status == 404 and body.get("state") == Outcome.NOT_FOUND:
        return Answer(Outcome.NOT_FOUND, code)
    if status in (401, 403, 429):
        # Keys, clock, throttling: nothing was taken and somebody mends it.
        return Answer(Outcome.LATER, code or f"http-{status}")
    if status == 400:
        return Answer(Outcome.REFUSED, code or "http-400")
    outcome = _SAID.get(str(body.get("state", "")))
    if status != 200 or outcome is None or body.get("command_no") != number:
        return Answer(Outcome.UNKNOWN, code or f"http-{status}")
    try:
        at = datetime.fromisoformat(str(body.get("at") or "")).astimezone(UTC)
    except ValueError:
        at = None
    return Answer(outcome, code, at)


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
