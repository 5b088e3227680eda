"""
Pure: signed requests of connected clients: what is signed, the header that carries it, the three algorithms.

What is signed are five lines, each ended by a line feed: method; path with query, as sent; seconds since 1970; nonce;
body, as sent. The header is
`Authorization: DAYINGXIAO-<ALG> client="…",key="…",nonce="…",timestamp="…",signature="…"`, its items in any order, the
signature in base64. Modelled on the requests of WeChat Pay v3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from payments.signing import sm2

SCHEME = "DAYINGXIAO-"
RSA2048_SHA256, HMAC_SHA256, SM2_SM3 = "RSA2048-SHA256", "HMAC-SHA256", "SM2-SM3"
ALGORITHMS = (RSA2048_SHA256, HMAC_SHA256, SM2_SM3)
TIME_WINDOW_S = 300
LONGEST_HEADER, LONGEST_TARGET = 2048, 1024
# A signature of more bits does not fit the header.
LARGEST_RSA_KEY = 4096

_HEADER = re.compile(r'DAYINGXIAO-([A-Z0-9-]{1,20}) ((?:[a-z]{1,16}="[^"\\]{1,1024}",?){5})')
_ITEM = re.compile(r'([a-z]{1,16})="([^"\\]{1,1024})"')
_SHAPES = {
    "client": re.compile(r"[a-z0-9][a-z0-9-]{1,15}"),
    "key": re.compile(r"[A-Za-z0-9_]{4,32}"),
    "nonce": re.compile(r"[A-Za-z0-9_-]{16,64}"),
    "timestamp": re.compile(r"[1-9][0-9]{8,10}"),
    "signature": re.compile(r"[A-Za-z0-9+/]{40,1000}={0,2}"),
}


class UnreadableHeader(ValueError):
    """The header does not have the agreed shape."""


class UnusableKey(ValueError):
    """Not a key of its algorithm, or one too weak to be believed."""


@dataclass(frozen=True, slots=True)
class SignedHeader:
    """What the header says; nothing of it is believed yet."""

    algorithm: str
    client: str
    key: str
    nonce: str
    timestamp: int
    signature: str


def text_to_sign(*, method: str, target: str, timestamp: int, nonce: str, body: bytes) -> bytes:
    """The five lines that stand for a request."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def read_header(text: str) -> SignedHeader:
    """
    The parts of an Authorization header.

    :raises UnreadableHeader: it is missing, too long, has other items, one twice, or one of another shape
    """
    found = _HEADER.fullmatch(text) if len(text) <= LONGEST_HEADER else None
    if found is None or found[1] not in ALGORITHMS:
        raise UnreadableHeader("not a signed request")
    items = _ITEM.findall(found[2])
    values = dict(items)
    # Rebuilt, so that nothing stands between the items or behind them.
    if values.keys() != _SHAPES.keys() or ",".join(f'{name}="{value}"' for name, value in items) != found[2]:
        raise UnreadableHeader("five items, each once, separated by commas")
    for name, shape in _SHAPES.items():
        if not shape.fullmatch(values[name]):
            raise UnreadableHeader(name)
    return SignedHeader(
        found[1], values["client"], values["key"], values["nonce"], int(values["timestamp"]), values["signature"]
    )


def write_header(header: SignedHeader) -> str:
    """The header as a client sends it."""
    return (
        f'{SCHEME}{header.algorithm} client="{header.client}",key="{header.key}",nonce="{header.nonce}",'
        f'timestamp="{header.timestamp}",signature="{header.signature}"'
    )


def is_in_time(timestamp: int, *, now: float) -> bool:
    """Whether the time of signing is within 300 seconds of ours, either way."""
    return abs(now - timestamp) <= TIME_WINDOW_S


def is_offered(algorithm: str) -> bool:
    """Whether this installation can check the algorithm."""
    return algorithm in (RSA2048_SHA256, HMAC_SHA256) or (algorithm == SM2_SM3 and sm2.IS_OFFERED)


def check_public_key(algorithm: str, public_key: str) -> str:
    """
    The key as it is stored: PEM of an RSA key of 2048 to 4096 bits, or 128 lower-case hexadecimal digits for SM2.

    :raises UnusableKey: it is none
    """
    if algorithm == SM2_SM3:
        point = "".join(public_key.split()).lower()
        point = point[2:] if len(point) == 130 and point.startswith("04") else point
        if not sm2.is_point(point):
            raise UnusableKey("128 hexadecimal digits of a point of the SM2 curve")
        return point
    if algorithm != RSA2048_SHA256:
        raise UnusableKey("this algorithm has no public key")
    try:
        key = serialization.load_pem_public_key(public_key.strip().encode())
    except (ValueError, TypeError) as error:
        raise UnusableKey("not a public key in PEM") from error
    if not isinstance(key, rsa.RSAPublicKey) or not 2048 <= key.key_size <= LARGEST_RSA_KEY:
        raise UnusableKey("an RSA key of 2048 to 4096 bits")
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def digest_of(algorithm: str, public_key: str) -> str:
    """
    SHA-256 of a public key as `check_public_key` gives it, in hexadecimal, so that two people can compare it.

    Of an RSA key its SubjectPublicKeyInfo in DER is taken (`openssl pkey -pubin -outform DER | sha256sum`), of SM2 the
    64 bytes of the point.
    """
    if algorithm == SM2_SM3:
        return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()
    key = serialization.load_pem_public_key(public_key.encode())
    raw = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(raw).hexdigest()


def new_key(algorithm: str, *, random: bytes) -> tuple[str, str]:
    """
    A fresh key as (what the client keeps to itself, what we keep); `random`: 32 bytes, the secret of HMAC-SHA256.

    :raises UnusableKey: the algorithm is not offered here
    """
    if algorithm == HMAC_SHA256:
        secret = base64.urlsafe_b64encode(random).decode()
        return secret, secret
    if algorithm == SM2_SM3 and sm2.IS_OFFERED:
        return sm2.new_pair()
    if algorithm != RSA2048_SHA256:
        raise UnusableKey(algorithm)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def sign(algorithm: str, text: bytes, private: str) -> str:
    """
    The signature of a text in base64, for clients and simulators.

    :raises UnusableKey: not a private key of the algorithm
    """
    if algorithm == HMAC_SHA256:
        return base64.b64encode(hmac.new(private.encode(), text, hashlib.sha256).digest()).decode()
    if algorithm == SM2_SM3 and sm2.IS_OFFERED:
        return base64.b64encode(sm2.sign(text, private)).decode()
    key = serialization.load_pem_private_key(private.encode(), password=None)
    if algorithm != RSA2048_SHA256 or not isinstance(key, rsa.RSAPrivateKey):
        raise UnusableKey(algorithm)
    return base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()


def is_signed(algorithm: str, text: bytes, signature: str, *, kept: str) -> bool:
    """Whether the owner of the key that we keep (public key or shared secret) signed exactly this text."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    if base64.b64encode(raw).decode() != signature:
        # Another writing of the same bytes is another header than the one that was made.
        return False
    if algorithm == HMAC_SHA256:
        return hmac.compare_digest(raw, hmac.new(kept.encode(), text, hashlib.sha256).digest())
    if algorithm == SM2_SM3:
        return sm2.IS_OFFERED and sm2.is_signed(text, raw, kept)
    key = serialization.load_pem_public_key(kept.encode())
    if algorithm != RSA2048_SHA256 or not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(raw, text, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
