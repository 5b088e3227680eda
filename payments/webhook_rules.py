"""
Pure: where webhooks may go, and when one that failed is sent again.

Whoever names an address makes this house call it, so only addresses of the public internet are called: none that the
registries of RFC 6890 keep for private, local or special use, none that carries an IPv4 address inside an IPv6 one.
The waits between tries are those that the Standard Webhooks specification (deliverability and reliability) proposes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 500
LONGEST_WAIT_S = 24 * 3600
LONGEST_REST_S = 300
# Public by their registries or not, these lead elsewhere: translated and tunnelled addresses, relays, examples.
_NEVER: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "192.88.99.0/24",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_PUBLIC_IPV6 = ip_network("2000::/3")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")


class UnusableUrl(Exception):
    """The text is no address that webhooks are sent to; `why` is one of form, https, port, private."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes: `host` as it stands in the certificate, `path` with its query."""

    host: str
    port: int
    path: str
    is_tls: bool

    @property
    def host_header(self) -> str:
        """The value of the Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.is_tls else 80) else f"{name}:{self.port}"


def may_reach(address: Address, *, near: Sequence[Network] = ()) -> bool:
    """Whether webhooks go to an address: a public one, or one of the networks that were named (`near`)."""
    if any(address.version == network.version and address in network for network in near):
        return True
    if isinstance(address, IPv6Address) and (address not in _PUBLIC_IPV6 or address.scope_id):
        return False
    return (
        address.is_global
        and not address.is_private
        and not address.is_multicast
        and not address.is_reserved
        and not any(address.version == network.version and address in network for network in _NEVER)
    )


def read_url(url: str, *, ports: Sequence[int], may_be_plain: bool, near: Sequence[Network] = ()) -> Target:
    """
    Take an address apart; ASCII only, no user, no fragment, one of `ports`.

    :raises UnusableUrl: it is none that webhooks are sent to
    """
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\^`{|}'):
        raise UnusableUrl("form")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UnusableUrl("form") from error
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or "@" in parts.netloc or "#" in url or not host:
        raise UnusableUrl("form")
    if parts.scheme == "http" and not may_be_plain:
        raise UnusableUrl("https")
    is_tls = parts.scheme == "https"
    target = Target(host, port or (443 if is_tls else 80), (parts.path or "/") + _query(parts.query), is_tls)
    if target.port not in ports:
        raise UnusableUrl("port")
    try:
        literal: Address | None = ip_address(host)
    except ValueError:
        literal = None
    if literal is None and not _HOST.fullmatch(host):
        raise UnusableUrl("form")
    if literal is not None and not may_reach(literal, near=near):
        raise UnusableUrl("private")
    return target


def _query(query: str) -> str:
    return f"?{query}" if query else ""


def wait_s(attempts: int, *, schedule: Sequence[int], jitter: float, draw: float) -> float | None:
    """
    Seconds until the next try after so many that failed (from 1 on); None when there is none.

    `draw` is random in [0, 1): up to `jitter` of the wait is added, so that what failed together does not return
    together.
    """
    if attempts > len(schedule):
        return None
    return schedule[attempts - 1] * (1 + jitter * draw)


def rest_s(failures: int) -> int:
    """Seconds for which an endpoint is left alone after so many failures in a row: 1, 2, 4 … five minutes."""
    return int(min(2 ** min(failures - 1, 20), LONGEST_REST_S))


def asked_wait_s(retry_after: str, *, at: datetime) -> float:
    """Seconds that a Retry-After header (RFC 9110, 10.2.3) asks for, one day at most; 0 where it says nothing."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), LONGEST_WAIT_S))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((aware - at).total_seconds(), 0.0), LONGEST_WAIT_S)
