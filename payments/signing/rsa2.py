"""
Pure: RSA2 signatures over sorted fields, as Chinese wallets use them (SHA256withRSA, PKCS#1 v1.5, base64).

What is signed of a notice: every field but `sign` and `sign_type` that is not empty, sorted by name, as `name=value`
joined by `&`, values as they are (not URL-encoded), in UTF-8; of a request to the open gateway `sign_type` as well.
Source: Alipay open platform, "自行实现签名" and "异步通知验签".
"""

from __future__ import annotations

from collections.abc import Mapping

from payments.signing import rsa_sha256
from payments.signing.rsa_sha256 import new_key_pair

__all__ = ["is_request_signed", "is_signed", "new_key_pair", "sign", "sign_request", "text_to_sign"]

_LEFT_OUT = frozenset({"sign", "sign_type"})


def text_to_sign(fields: Mapping[str, str]) -> str:
    """The one text that stands for these fields."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in _LEFT_OUT and fields[name])


def sign(fields: Mapping[str, str], private_pem: str) -> str:
    """The signature of the fields by the owner of the private key."""
    return rsa_sha256.sign(text_to_sign(fields), private_pem)


def is_signed(fields: Mapping[str, str], signature: str, public_pem: str) -> bool:
    """Whether the owner of the public key signed exactly these fields."""
    return rsa_sha256.is_signed(text_to_sign(fields), signature, public_pem)


def _request_text(fields: Mapping[str, str]) -> str:
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "sign" and fields[name])


def sign_request(fields: Mapping[str, str], private_pem: str) -> str:
    """The signature of a request to the open gateway."""
    return rsa_sha256.sign(_request_text(fields), private_pem)


def is_request_signed(fields: Mapping[str, str], signature: str, public_pem: str) -> bool:
    """Whether the owner of the public key signed exactly this request."""
    return rsa_sha256.is_signed(_request_text(fields), signature, public_pem)
