"""
What comes back from providers: signed calls that say what became of a message.

A call carries `X-Timestamp` (seconds), `X-Nonce` and `X-Signature`, the hexadecimal HMAC-SHA256 of
`timestamp, nonce, body`, each ended by a line feed, under the secret of the channel. Aliyun pushes its reports
unsigned: the gateway before us, which only the provider can reach, signs them. Reports may come twice, late, out of
order, or before our own call has come back.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import json
import logging
import re
import uuid
from datetime import datetime
from email.message import EmailMessage
from email.message import Message as MailMessage

from django.conf import settings
from django.db import transaction

from config.shared.errors import BadInput, Refused
from config.shared.messaging import delivery
from config.shared.models import Message, ReceiptNonce

log = logging.getLogger(__name__)

WINDOW_S = 300
MOST_BYTES = 1_000_000
_VERP = re.compile(r"bounces\+([0-9a-f]{32})@")


class NotSigned(Refused):
    """The call is not signed by the provider, too old, or was taken before."""

    code = "not-signed"
    status = 401


class NotAReport(BadInput):
    """The body is not what the provider sends."""

    code = "not-a-report"
    status = 400


def check_signature(*, secret: str, timestamp: str, nonce: str, signature: str, body: bytes, at: datetime) -> None:
    """
    Let a provider's call in once.

    :raises NotSigned: the signature is wrong, the time is more than five minutes off, or the nonce was used
    """
    if not secret or not timestamp.isdecimal() or not 8 <= len(nonce) <= 64:
        raise NotSigned("unsigned")
    expected = signature_of(secret=secret, timestamp=timestamp, nonce=nonce, body=body)
    if not hmac.compare_digest(expected, signature.lower()):
        raise NotSigned("wrong signature")
    if abs(at.timestamp() - int(timestamp)) > WINDOW_S:
        raise NotSigned("too old")
    taken = ReceiptNonce.objects.bulk_create([ReceiptNonce(nonce=nonce, taken_at=at)], ignore_conflicts=True)
    if ReceiptNonce.objects.filter(nonce=nonce, taken_at=taken[0].taken_at).count() != 1:
        raise NotSigned("used before")


def signature_of(*, secret: str, timestamp: str, nonce: str, body: bytes) -> str:
    """The signature of a call."""
    signed = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def take_sms_reports(body: bytes, *, at: datetime) -> int:
    """
    Take a list of Aliyun's SmsReport; gives how many spoke of messages of ours. Repeated, nothing changes.

    :raises NotAReport: the body is not such a list
    """
    try:
        reports = json.loads(body)
        if not isinstance(reports, list) or not reports:
            raise TypeError("no list")
        told = [
            (uuid.UUID(one["out_id"]), bool(one["success"]), str(one["err_code"]), str(one["biz_id"]))
            for one in reports
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAReport("not a list of SmsReport") from error
    return sum(
        _take(uid, channel="sms", is_delivered=success, code=code, provider_id=biz_id, at=at)
        for uid, success, code, biz_id in sorted(told)
    )


def take_bounce(body: bytes, *, at: datetime) -> int:
    """
    Take a delivery status notification (RFC 3464) that came back to the envelope's sender; gives 1 if it is ours.

    :raises NotAReport: the body is no such notification
    """
    mail = email.message_from_bytes(body, policy=email.policy.default)
    named = _VERP.search(str(mail.get("To", "")))
    status = next((part for part in mail.walk() if part.get_content_type() == "message/delivery-status"), None)
    if named is None or status is None or mail.get_content_type() != "multipart/report":
        raise NotAReport("not a delivery status notification")
    actions = [(str(block.get("Action", "")).lower(), str(block.get("Status", ""))) for block in _blocks(status)]
    action, code = next(((action, code) for action, code in actions if action), ("", ""))
    uid = uuid.UUID(named[1])
    if action == "failed":
        return _take(uid, channel="email", is_delivered=False, code=code or "bounced", provider_id="", at=at)
    if action == "delivered":
        return _take(uid, channel="email", is_delivered=True, code=code, provider_id="", at=at)
    # Delayed, relayed, expanded: it is still on its way.
    return Message.objects.filter(uid=uid, channel="email").count()


def _blocks(status: EmailMessage | MailMessage) -> list[MailMessage]:
    payload = status.get_payload()
    return [block for block in payload if isinstance(block, MailMessage)] if isinstance(payload, list) else []


def _take(uid: uuid.UUID, *, channel: str, is_delivered: bool, code: str, provider_id: str, at: datetime) -> int:
    with transaction.atomic():
        message = Message.objects.select_for_update().filter(uid=uid, channel=channel).first()
        if message is None:
            log.warning("report of a message that is not ours", extra={"channel": channel})
            return 0
        if message.state in (Message.State.DELIVERED, Message.State.READ):
            return 1
        if provider_id and not message.provider_id:
            message.provider_id = provider_id[:64]
        if is_delivered:
            message.sent_at, message.delivered_at = message.sent_at or at, at
            delivery.end(message, Message.State.DELIVERED, now=at)
        elif message.state != Message.State.FAILED:
            delivery.end(message, Message.State.FAILED, now=at, failure=code or "undelivered")
    return 1


def secret_of(channel: str) -> str:
    """What the calls of a channel's provider are signed with."""
    return str(settings.RECEIPT_SECRETS.get(channel, ""))
