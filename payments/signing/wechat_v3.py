"""
Pure: how WeChat Pay's API v3 signs requests, replies and what its app is called with, and how it seals a notice.

A request is signed over five lines (method, path with query as sent, Unix seconds, nonce, body), a reply or notice over
three (Unix seconds, nonce, body), what the app is called with over four; every line ends with a line feed. A notice's
resource is AES-256-GCM under the 32 bytes of the merchant's APIv3 key. Source: WeChat Pay API v3, "签名生成",
"签名验证", "证书和回调报文解密".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from payments.signing import rsa_sha256

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW_S = 300
"""how far the time of a reply or notice may lie from ours"""

_ITEM = re.compile(r'(mchid|nonce_str|signature|timestamp|serial_no)="([^"]*)"')
_NAMES = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}


class NotSealed(ValueError):
    """The text was not sealed with this key, nonce and associated data."""


def request_text(method: str, target: str, timestamp: str, nonce: str, body: str) -> str:
    """What is signed of a request; `target` is the path with its query as sent, without the host."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n{body}\n"


def reply_text(timestamp: str, nonce: str, body: str) -> str:
    """What is signed of a reply and of a notice."""
    return f"{timestamp}\n{nonce}\n{body}\n"


def app_text(app_id: str, timestamp: str, nonce: str, package: str) -> str:
    """What is signed of the four values that WeChat's own browser is called with."""
    return f"{app_id}\n{timestamp}\n{nonce}\n{package}\n"


def authorization(
    *, mchid: str, serial: str, private_pem: str, method: str, target: str, body: str, timestamp: str, nonce: str
) -> str:
    """The `Authorization` header of a request."""
    signature = rsa_sha256.sign(request_text(method, target, timestamp, nonce, body), private_pem)
    return (
        f'{SCHEME} mchid="{mchid}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{timestamp}",serial_no="{serial}"'
    )


def read_authorization(header: str) -> dict[str, str] | None:
    """The five items of an `Authorization` header, in any order; None where it is another or malformed."""
    scheme, _space, rest = header.partition(" ")
    found = dict(_ITEM.findall(rest))
    items = rest.split(",")
    if scheme != SCHEME or set(found) != _NAMES or len(items) != len(_NAMES):
        return None
    return found if all(_ITEM.fullmatch(item.strip()) for item in items) else None


def is_reply_signed(headers: Mapping[str, str], body: str, public_pem: str) -> bool:
    """Whether the reply or notice with these headers (names in lower case) was signed with the key; time apart."""
    if headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
        return False
    text = reply_text(headers.get("wechatpay-timestamp", ""), headers.get("wechatpay-nonce", ""), body)
    return rsa_sha256.is_signed(text, headers.get("wechatpay-signature", ""), public_pem)


def seal(text: str, *, key: str, nonce: str, associated: str) -> str:
    """The base64 of the sealed text with its tag; `key` has 32 bytes, `nonce` 12 characters."""
    return base64.b64encode(AESGCM(key.encode()).encrypt(nonce.encode(), text.encode(), associated.encode())).decode()


def unseal(sealed: str, *, key: str, nonce: str, associated: str) -> str:
    """
    The text of a sealed resource.

    :raises NotSealed: another key, nonce or associated data, or a changed byte
    """
    try:
        raw = base64.b64decode(sealed, validate=True)
        return AESGCM(key.encode()).decrypt(nonce.encode(), raw, associated.encode()).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise NotSealed from error
