"""
Which client certificate a request came with, as the proxy in front says, and nobody else.

TLS ends at the proxy. It has the client prove that it holds the certificate's key, and always sets both headers, to
nothing where there is none: `X-Client-Certificate`, the certificate itself (nginx: `$ssl_client_escaped_cert`), from
which the SHA-256 is reckoned here, or `X-Client-Certificate-SHA256` where a proxy can reckon it (nginx knows SHA-1
alone). Whatever reaches us from another address under these names is a forgery and is taken off.
"""

from __future__ import annotations

import binascii
import hashlib
import ssl
from collections.abc import Callable, Collection, Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import unquote

HEADER = "HTTP_X_CLIENT_CERTIFICATE_SHA256"
CERTIFICATE_HEADER = "HTTP_X_CLIENT_CERTIFICATE"
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def without_forged_certificates(application: Application, trusted: Sequence[str]) -> Application:
    """
    The application, with the headers believed from these proxies only; it must stand outermost.

    `trusted`: addresses, networks such as 10.0.0.0/24, or "*" for everybody, as the web server reads TRUSTED_PROXIES.
    """
    networks, names = [], set()
    for one in trusted:
        try:
            networks.append(ip_network(one))
        except ValueError:
            names.add(one)
    believes_all = "*" in names

    def checked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        certificate = environ.pop(CERTIFICATE_HEADER, "")
        if not believes_all and not _is_in(environ.get("REMOTE_ADDR", ""), networks, names):
            environ.pop(HEADER, None)
        elif certificate:
            environ[HEADER] = fingerprint_of(certificate)
        return application(environ, start_response)

    return checked


def fingerprint_of(certificate: str) -> str:
    """SHA-256 of a certificate in PEM, escaped as in an address; empty where it is none."""
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(unquote(certificate))).hexdigest()
    except (ValueError, binascii.Error):
        return ""


def _is_in(address: str, networks: Sequence[Any], names: Collection[str]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return address in names
    return any(found in network for network in networks)
