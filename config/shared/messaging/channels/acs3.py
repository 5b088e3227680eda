"""
Signatures of Aliyun's third request format (ACS3-HMAC-SHA256).

Source: Alibaba Cloud, "V3 request structure and signature"; its published example is a test.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"


def query_of(parameters: Mapping[str, str]) -> str:
    """The canonical query: sorted by name, everything but unreserved characters percent-encoded."""
    return "&".join(f"{_encode(name)}={_encode(parameters[name])}" for name in sorted(parameters))


def canonical_request(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> str:
    """What is signed, before its digest; `headers` are those that take part."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    listed = "".join(f"{name}:{lower[name]}\n" for name in sorted(lower))
    digest = hashlib.sha256(body).hexdigest()
    return f"{method}\n{path}\n{query}\n{listed}\n{_names(headers)}\n{digest}"


def authorization(
    *, key_id: str, secret: str, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> str:
    """The `Authorization` header of a request."""
    digest = hashlib.sha256(canonical_request(method, path, query, headers, body).encode()).hexdigest()
    signature = hmac.new(secret.encode(), f"{ALGORITHM}\n{digest}".encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={key_id},SignedHeaders={_names(headers)},Signature={signature}"


def _names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(name.lower() for name in headers))


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")
