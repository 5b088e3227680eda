"""Pure: SHA256withRSA over a text (PKCS#1 v1.5, base64), the signature that Chinese wallets have in common."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


# Loading a private key proves its primes, which costs far more than a signature.
@lru_cache(maxsize=64)
def _private(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("an RSA private key is needed")
    return key


@lru_cache(maxsize=256)
def _public(pem: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("an RSA public key is needed")
    return key


def sign(text: str, private_pem: str) -> str:
    """The signature of a text by the owner of the private key."""
    return base64.b64encode(_private(private_pem).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def is_signed(text: str, signature: str, public_pem: str) -> bool:
    """Whether the owner of the public key signed exactly this text."""
    key = _public(public_pem)
    try:
        raw = base64.b64decode(signature, validate=True)
        # Another writing of the same bytes is another signature than the one that was made.
        if base64.b64encode(raw).decode() != signature:
            return False
        key.verify(raw, text.encode(), padding.PKCS1v15(), hashes.SHA256())
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
