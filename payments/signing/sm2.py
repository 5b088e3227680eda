"""
Pure: SM2 signatures with SM3 (GM/T 0003, GM/T 0004), in DER, with the default signer id 1234567812345678.

The arithmetic is GmSSL's, by `gmssl-pyx`. Where that package is missing nothing is signed or believed: `IS_OFFERED`.
"""

from __future__ import annotations

import contextlib
from types import ModuleType

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

gmssl: ModuleType | None = None
with contextlib.suppress(ImportError):
    import gmssl_pyx

    gmssl = gmssl_pyx

IS_OFFERED = gmssl is not None
# y² = x³ + ax + b over p, of order n: the recommended curve of GM/T 0003.5.
_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93


def is_point(public: str) -> bool:
    """Whether 128 hexadecimal digits are a point of the curve."""
    try:
        raw = bytes.fromhex(public)
    except ValueError:
        return False
    x, y = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    return len(raw) == 64 and x < _P and y < _P and (y * y - (x * x * x + _A * x + _B)) % _P == 0


def new_pair() -> tuple[str, str]:
    """A fresh pair as (private and public, public) in hexadecimal: signing needs both halves."""
    public, private = _library().sm2_key_generate()
    return private.hex() + public.hex(), public.hex()


def sign(text: bytes, private: str) -> bytes:
    """The signature in DER; `private` as `new_pair` gives it."""
    raw = bytes.fromhex(private)
    signature: bytes = _library().sm2_sign(raw[:32], raw[32:], text)
    return signature


def is_signature(raw: bytes) -> bool:
    """
    Whether these bytes have the shape of a signature: in DER a sequence of two positive integers below the order.

    What has not is refused here: GmSSL writes a line to the process's stderr for whatever it cannot read.
    """
    try:
        r, s = decode_dss_signature(raw)
    except ValueError:
        return False
    return 0 < r < _N and 0 < s < _N


def is_signed(text: bytes, signature: bytes, public: str) -> bool:
    """Whether the owner of the public key signed exactly this text."""
    return is_signature(signature) and bool(_library().sm2_verify(bytes.fromhex(public), text, signature))


def _library() -> ModuleType:
    if gmssl is None:
        raise RuntimeError("SM2 needs the package gmssl-pyx.")
    return gmssl
