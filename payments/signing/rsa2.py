"""
Pure: RSA2 signatures over sorted fields, as Chinese wallets use them (SHA256withRSA, PKCS#1 v1.5, base64).

What is signed: every field but `sign` and `sign_type` that is not empty, sorted by name, as `name=value` joined by `&`,
values as they are (not URL-encoded), in UTF-8. Source: Alipay open platform, asynchronous notice verification.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_LEFT_OUT = frozenset({"sign", "sign_type"})


def text_to_sign(fields: Mapping[str, str]) -> str:
    """The one text that stands for these fields."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in _LEFT_OUT and fields[name])


def sign(fields: Mapping[str, str], private_pem: str) -> str:
    """The signature of the fields by the owner of the private key."""
    key = serialization.load_pem_private_key(private_pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("an RSA private key is needed")
    signature = key.sign(text_to_sign(fields).encode(), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def is_signed(fields: Mapping[str, str], signature: str, public_pem: str) -> bool:
    """Whether the owner of the public key signed exactly these fields."""
    key = serialization.load_pem_public_key(public_pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("an RSA public key is needed")
    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, text_to_sign(fields).encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def new_key_pair() -> tuple[str, str]:
    """A fresh 2048-bit pair as (private PEM, public PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
