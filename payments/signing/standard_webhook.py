"""
Pure: signatures of webhooks by the Standard Webhooks specification (symmetric scheme, `v1`).

What is signed is `id.timestamp.body`; a receiver that knows one of two live secrets finds its signature among those in
the header, which are set apart by spaces.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret(random: bytes) -> str:
    """A secret as it is handed over; `random`: 24 to 64 bytes."""
    return PREFIX + base64.b64encode(random).decode()


def sign(secrets: Sequence[str], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header `webhook-signature`, one signature for each secret; `timestamp` in Unix seconds."""
    text = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_signature(secret, text)}" for secret in secrets)


def _signature(secret: str, text: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
