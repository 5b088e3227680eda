"""
Which client certificate a request came with, as the proxy in front says, and nobody else.

TLS ends at the proxy. It checks the certificate and always sets `X-Client-Certificate-SHA256`, to nothing where there
is none. Whatever reaches us from another address under that name is a forgery and is taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

HEADER = "HTTP_X_CLIENT_CERTIFICATE_SHA256"
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def without_forged_certificates(application: Application, trusted: Sequence[str]) -> Application:
    """The application, with the header believed from these addresses only; it must stand outermost."""

    def checked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "*" not in trusted and environ.get("REMOTE_ADDR", "") not in trusted:
            environ.pop(HEADER, None)
        return application(environ, start_response)

    return checked
