"""
Pure: the code on a receipt: its facts in clear, and an Ed25519 signature over every character before it.

    https://HOST/verify/DYX1.<key>.<number>.<fen>.<YYYYMMDD>.<account>.<method>.<issuer>.<signature>/

It is an address, so that any telephone's camera opens it, and it is complete, so that whoever holds the public key
needs nobody's network. The account shows its last four characters; the issuer is UTF-8 in base64url, the signature 64
bytes in base64url, both without padding (RFC 4648, section 5; RFC 8032). The host is signed with the rest: a copy that
leads elsewhere is refused.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORMAT = "DYX1"
LONGEST = 600

_FORM = re.compile(
    r"(?P<signed>https?://[\x21-\x7e]+?/"
    r"DYX1\.(?P<key_id>[0-9a-f]{8})\.(?P<receipt_no>[0-9]{18,27})\.(?P<amount_fen>[1-9][0-9]{0,14})"
    r"\.(?P<paid_on>[0-9]{8})\.(?P<account>x+[0-9A-Za-z]{4})\.(?P<method>[a-z]{2,16})\.(?P<issuer>[A-Za-z0-9_-]+))"
    r"\.(?P<signature>[A-Za-z0-9_-]{86})/"
)


@dataclass(frozen=True, slots=True)
class ReceiptFacts:
    """What a receipt's code says; `account` as `mask_account` shows it, `paid_on` in the billing time zone."""

    key_id: str
    receipt_no: str
    amount_fen: int
    paid_on: date
    account: str
    method: str
    issuer: str


@dataclass(frozen=True, slots=True)
class ReceiptCode:
    """A code taken apart: what it says, the bytes that were signed, the signature."""

    facts: ReceiptFacts
    signed: bytes
    signature: bytes


def mask_account(account_no: str) -> str:
    """Such as xxxxxx0003: the last four alone."""
    return "x" * max(1, len(account_no) - 4) + account_no[-4:]


def new_key_pair() -> tuple[str, str]:
    """A private and a public key, 32 bytes each in base64url."""
    private = Ed25519PrivateKey.generate()
    return _text(private.private_bytes_raw()), _text(private.public_key().public_bytes_raw())


def key_id_of(public_key: str) -> str:
    """The name of a key: eight hexadecimal digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(_bytes(public_key)).hexdigest()[:8]


def write_code(facts: ReceiptFacts, *, address: str, private_key: str) -> str:
    """The code, beneath an address that ends in a stroke."""
    body = ".".join(
        (
            f"{address}{FORMAT}",
            facts.key_id,
            facts.receipt_no,
            str(facts.amount_fen),
            f"{facts.paid_on:%Y%m%d}",
            facts.account,
            facts.method,
            _text(facts.issuer.encode()),
        )
    )
    signature = Ed25519PrivateKey.from_private_bytes(_bytes(private_key)).sign(body.encode("ascii"))
    return f"{body}.{_text(signature)}/"


def read_code(text: str) -> ReceiptCode | None:
    """The parts of a code; None where the text is none, or could be written in another way."""
    found = _FORM.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        return None
    try:
        signature = _bytes(found["signature"])
        facts = ReceiptFacts(
            key_id=found["key_id"],
            receipt_no=found["receipt_no"],
            amount_fen=int(found["amount_fen"]),
            paid_on=datetime.strptime(f"{found['paid_on']}+0000", "%Y%m%d%z").date(),
            account=found["account"],
            method=found["method"],
            issuer=_bytes(found["issuer"]).decode(),
        )
    except ValueError:
        return None
    # Base64 leaves four bits of the last character unused: one signature, one way to write it.
    return ReceiptCode(facts, found["signed"].encode(), signature) if _text(signature) == found["signature"] else None


def is_signed(code: ReceiptCode, public_key: str) -> bool:
    """Whether the owner of the public key signed exactly this."""
    try:
        Ed25519PublicKey.from_public_bytes(_bytes(public_key)).verify(code.signature, code.signed)
    except InvalidSignature:
        return False
    return True


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
