"""Notices of the simulated WeChat Pay: signed, sealed, repeated on the schedule until the merchant takes them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from payments.signing import wechat_v3
from payments.simulators.repeating import Misbehaviour, post, repeat

SCHEDULE_S = (0, 15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600)
"""the first at once, then how long after the one before; at most fifteen repeats"""


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
        repeat(self.behaviour, SCHEDULE_S, lambda: self.send(address, notice_id, event, body) in (200, 204))
        return notice_id

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
        status = post(address, body.encode(), headers)[0]
        self.sent.append(Sent(notice_id, event, status, body, headers))
        return status


__all__ = ["SCHEDULE_S", "Misbehaviour", "Notifier", "Sent"]
