"""
One POST to an address that somebody else named, and never into a network that is nobody's business outside.

The name is resolved once, every address it has is checked, and the connection goes to a checked one: what the name
means a moment later changes nothing. The certificate and the Host header are the name's. Nothing is followed, the
answer's body is not read, no proxy of the environment is used, and all of it ends when its time is over.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from ipaddress import ip_address

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError

from payments.webhook_rules import Network, Target, may_reach

Resolver = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came of it. `status` is None where no answer came; `failure` is empty for what was accepted (2xx).

    Failures: name-unknown, address-refused, no-connection, tls, timed-out, no-answer, redirect, status.
    """

    status: int | None
    failure: str
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Networks that may be called although they are not public, whose certificates are believed, seconds for it all."""

    near: Sequence[Network]
    ca_file: str
    timeout_s: float


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system finds them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def post(
    target: Target, *, headers: Mapping[str, str], body: bytes, limits: Limits, resolver: Resolver = resolve
) -> Answer:
    """Send one POST; whatever goes wrong on the way is an answer too."""
    try:
        found = list(dict.fromkeys(resolver(target.host, target.port)))
    except (OSError, UnicodeError):
        return Answer(None, "name-unknown")
    try:
        allowed = bool(found) and all(may_reach(ip_address(one), near=limits.near) for one in found)
    except ValueError:
        allowed = False
    if not allowed:
        # One private address among public ones is enough: the name is played with.
        return Answer(None, "address-refused")
    return _post_to(found[0], target, headers, body, limits)


def _post_to(address: str, target: Target, headers: Mapping[str, str], body: bytes, limits: Limits) -> Answer:
    try:
        plain = socket.create_connection((address, target.port), timeout=limits.timeout_s)
    except TimeoutError:
        return Answer(None, "timed-out")
    except OSError:
        return Answer(None, "no-connection")
    over = threading.Event()
    try:
        with _ends_in_time(plain, limits.timeout_s, over):
            answer = _talk(plain, target, headers, body, limits)
        # Cut off in the middle of its head, an answer looks whole.
        return Answer(None, "timed-out") if over.is_set() else answer
    except ssl.SSLError:
        return Answer(None, "timed-out" if over.is_set() else "tls")
    except TimeoutError:
        return Answer(None, "timed-out")
    except (OSError, HTTPException, HTTPError, ValueError):
        return Answer(None, "timed-out" if over.is_set() else "no-answer")


@contextlib.contextmanager
def _ends_in_time(connected: socket.socket, timeout_s: float, over: threading.Event) -> Iterator[None]:
    """A far side that sends a byte now and then never runs into a timeout of reading: the whole has one as well."""
    held = connected.dup()  # TLS takes the first one over

    def end() -> None:
        over.set()
        with contextlib.suppress(OSError):
            held.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(timeout_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        held.close()
        connected.close()


def _talk(plain: socket.socket, target: Target, headers: Mapping[str, str], body: bytes, limits: Limits) -> Answer:
    connection = HTTPConnection(target.host, target.port, timeout=limits.timeout_s)
    try:
        connection.sock = _secured(plain, target, limits) if target.is_tls else plain
        sent = {**headers, "Host": target.host_header, "Connection": "close"}
        connection.request("POST", target.path, body=body, headers=sent, preload_content=False)
        answer = connection.getresponse()
        status, retry_after = answer.status, answer.headers.get("Retry-After", "")
        answer.close()
    finally:
        connection.close()
    if 200 <= status < 300:
        return Answer(status, "")
    return Answer(status, "redirect" if 300 <= status < 400 else "status", retry_after[:100])


def _secured(plain: socket.socket, target: Target, limits: Limits) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=limits.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context.wrap_socket(plain, server_hostname=target.host.rstrip("."))
