"""Notices of the simulated WeChat Pay: signed, sealed, repeated on the schedule until the merchant takes them."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from payments.signing import wechat_v3

SCHEDULE_S = (0, 15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600)
"""the first at once, then how long after the one before; at most fifteen repeats"""
PATIENCE_S = 5


@dataclass
class Misbehaviour:
    """How notices go wrong; counts go down with every notice."""

    lose: int = 0
    """never sent, whatever the schedule says"""
    times: int = 1
    """sent so often even where the first is taken"""
    corrupt: int = 0
    """one character of the body changed after signing"""
    stale_s: int = 0
    """signed with a time so long ago"""
    delay_s: float = 0.0
    pace: float = 1.0
    """what the schedule is multiplied with"""
    probe: int = 0
    """first a notice whose signature is one of its test texts"""


@dataclass
class Sent:
    """One try and how it was answered; status 0 where nobody answered."""

    notice_id: str
    event: str
    status: int
    body: str
    headers: dict[str, str]


@dataclass
class Notifier:
    """Sends in threads of its own; `sent` is what went out, in order."""

    sign: Callable[[str], tuple[str, str]]
    """the signature of a text and the serial of the key that made it"""
    behaviour: Misbehaviour = field(default_factory=Misbehaviour)
    sent: list[Sent] = field(default_factory=list)

    def announce(self, *, address: str, event: str, resource: dict[str, Any], kind: str, key: str, now: str) -> str:
        """Begin to tell a merchant; gives the notice's id, which stays the same however often it is sent."""
        notice_id = str(uuid.uuid4())
        nonce = uuid.uuid4().hex[:12]
        sealed = wechat_v3.seal(json.dumps(resource, ensure_ascii=False), key=key, nonce=nonce, associated=kind)
        body = json.dumps(
            {
                "id": notice_id,
                "create_time": now,
                "resource_type": "encrypt-resource",
                "event_type": event,
                "summary": "支付成功" if event == "TRANSACTION.SUCCESS" else "退款结果",
                "resource": {
                    "original_type": kind,
                    "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": sealed,
                    "associated_data": kind,
                    "nonce": nonce,
                },
            },
            ensure_ascii=False,
        )
        if self.behaviour.lose > 0:
            self.behaviour.lose -= 1
            return notice_id
        threading.Thread(target=self._deliver, args=(address, notice_id, event, body), daemon=True).start()
        return notice_id

    def _deliver(self, address: str, notice_id: str, event: str, body: str) -> None:
        doing = self.behaviour
        time.sleep(doing.delay_s)
        taken = 0
        for wait_s in SCHEDULE_S:
            time.sleep(wait_s * doing.pace if taken == 0 else 0)
            taken += self.send(address, notice_id, event, body) in (200, 204)
            if taken >= doing.times:
                return

    def send(self, address: str, notice_id: str, event: str, body: str) -> int:
        """One try; the status it was answered with."""
        doing = self.behaviour
        stamp, nonce = str(int(time.time()) - doing.stale_s), uuid.uuid4().hex
        signature, serial = self.sign(wechat_v3.reply_text(stamp, nonce, body))
        if doing.probe > 0:
            doing.probe -= 1
            signature = "WECHATPAY/SIGNTEST/" + signature[19:]
        if doing.corrupt > 0:
            doing.corrupt -= 1
            body = body.replace("支付成功", "支付成攻", 1)
        headers = {
            "Content-Type": "application/json",
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": signature,
            "Wechatpay-Signature-Type": wechat_v3.SCHEME,
            "Wechatpay-Serial": serial,
            "Request-ID": uuid.uuid4().hex,
        }
        status = _post(address, body.encode(), headers)
        self.sent.append(Sent(notice_id, event, status, body, headers))
        return status


def _post(address: str, body: bytes, headers: dict[str, str]) -> int:
    where = urlsplit(address)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.hostname or "", where.port, timeout=PATIENCE_S)
    try:
        connection.request("POST", where.path, body=body, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


__all__ = ["SCHEDULE_S", "Misbehaviour", "Notifier", "Sent"]
