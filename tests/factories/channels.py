"""A connected bank and its signed requests, for tests."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from payments.operations import channel_clients
from payments.operations.channel_clients import EVERYWHERE, Contract
from payments.signing import request_signature as signing
from tests.factories.world import World

BASE = "/api/v1/channel"


@dataclass(frozen=True)
class Bank:
    """A client with one key, and what it sends."""

    code: str
    key_id: str
    algorithm: str
    private: str

    def headers(
        self, method: str, target: str, body: bytes, *, at: float | None = None, nonce: str = ""
    ) -> dict[str, str]:
        """The signed Authorization header of a request."""
        timestamp = int(timezone.now().timestamp() if at is None else at)
        nonce = nonce or secrets.token_hex(16)
        text = signing.text_to_sign(method=method, target=target, timestamp=timestamp, nonce=nonce, body=body)
        header = signing.SignedHeader(
            self.algorithm, self.code, self.key_id, nonce, timestamp, signing.sign(self.algorithm, text, self.private)
        )
        return {"Authorization": signing.write_header(header)}

    def get(self, target: str, **how: Any) -> Any:
        """GET below /api/v1/channel."""
        more = how.pop("more", {})
        return Client(headers={**self.headers("GET", BASE + target, b"", **how), **more}).get(BASE + target)

    def post(
        self,
        target: str,
        values: Mapping[str, Any],
        *,
        key: str = "",
        more: Mapping[str, str] | None = None,
        **how: Any,
    ) -> Any:
        """POST JSON below /api/v1/channel, with an Idempotency-Key of its own unless one is given."""
        body = json.dumps(values, ensure_ascii=False).encode()
        headers = {"Idempotency-Key": key or secrets.token_hex(8), **self.headers("POST", BASE + target, body, **how)}
        return Client(headers={**headers, **(more or {})}).post(
            BASE + target, data=body, content_type="application/json"
        )

    def pay(self, account_no: str, fen: int, *, serial: str, bank_date: str, key: str = "", **more: Any) -> Any:
        """A payment."""
        values = {"channel_serial": serial, "bank_date": bank_date, "account_no": account_no, "amount_fen": fen, **more}
        return self.post("/payments", values, key=key)

    def reverse(self, serial: str, *, bank_date: str, reversal_serial: str = "", key: str = "") -> Any:
        """Take a payment back."""
        values = {"reversal_serial": reversal_serial or f"R{serial}", "bank_date": bank_date, "reason": "超时"}
        return self.post(f"/payments/{serial}/reversals", values, key=key)


def connect_bank(
    world: World, code: str = "icbc", *, algorithm: str = signing.HMAC_SHA256, at: datetime | None = None, **agreed: Any
) -> Bank:
    """A sandbox bank for the whole province, with a key made here."""
    at = at or world.at
    contract = Contract(
        **{
            "name": f"{code} 银行",
            "kind": "bank",
            "networks": EVERYWHERE,
            "area_ids": [world.province_id],
            "days_apart": 7,
            **agreed,
        }
    )
    channel_clients.open_client(
        code=code, contract=contract, is_sandbox=True, by_id=world.administrator_id, within=None, at=at
    )
    made = channel_clients.add_key(
        code=code, algorithm=algorithm, public_key="", reason="", by_id=world.administrator_id, within=None, at=at
    )
    return Bank(code, made.key_id, algorithm, made.private)


def today() -> str:
    """The accounting day of a bank without a cut-off."""
    return timezone.localdate().isoformat()
