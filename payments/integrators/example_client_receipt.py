"""
Is this receipt genuine? Without a network, with the public keys kept beside it.

    once:  curl https://HOST/verify/keys.json > keys.json
    then:  python example_client_receipt.py keys.json 'https://HOST/verify/DYX1.…/'

The second argument is what the receipt's QR code says. Ends with 0 and prints the facts where the signature holds, with
1 and the reason where it does not. That a payment was taken back later, only the page behind the code knows.
Needs `pip install cryptography`.
"""

import base64
import json
import re
import sys
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NAMES = ("key_id", "receipt_no", "amount_fen", "paid_on", "account", "method", "issuer")
CODE = re.compile(
    r"https?://[!-~]+?/DYX1\.([0-9a-f]{8})\.([0-9]{18,27})\.([1-9][0-9]{0,14})\.([0-9]{8})\.(x+[0-9A-Za-z]{4})"
    r"\.([a-z]{2,16})\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]{86}/"
)


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def facts_of(code: str, published: dict) -> dict:
    """The facts of a genuine receipt; ValueError says why it is none."""
    found = CODE.fullmatch(code)
    if not found:
        raise ValueError("not a receipt code, or not all of it")
    facts = dict(zip(NAMES, found.groups(), strict=True))
    key = next((one for one in published["keys"] if one["key_id"] == facts["key_id"]), None)
    if key is None:
        raise ValueError("signed by a key that is not in keys.json: fetch it again, then do not trust it")
    if key["withdrawn_at"]:
        raise ValueError("signed by a key that was withdrawn")
    signed, _, signature = code.removesuffix("/").rpartition(".")
    raw = decoded(signature)
    # One signature, one way to write it: base64 does not use the last four bits.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != signature:
        raise ValueError("altered")
    try:
        Ed25519PublicKey.from_public_bytes(decoded(key["public_key"])).verify(raw, signed.encode())
    except InvalidSignature:
        raise ValueError("altered") from None
    day = datetime.strptime(facts["paid_on"], "%Y%m%d").strftime("%Y-%m-%d")  # noqa: DTZ007
    issuer = decoded(facts["issuer"]).decode()
    return {**facts, "amount_fen": int(facts["amount_fen"]), "paid_on": day, "issuer": issuer}


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        PUBLISHED = json.load(file)
    try:
        print(json.dumps(facts_of("".join(sys.argv[2].split()), PUBLISHED), ensure_ascii=False))
    except ValueError as reason:
        print(reason, file=sys.stderr)
        sys.exit(1)
