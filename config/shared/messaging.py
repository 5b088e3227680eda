"""
Messages to people: written in the caller's transaction, sent by the channel of the settings.

This house starts with one channel, the simulator: it keeps the message, sealed, for the demonstration's message
page. Providers (SMS, WeChat) join as further entries of `CHANNELS`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from config.shared.models import OutgoingMessage


def _keep(_message: OutgoingMessage) -> None:
    """The simulator: the row itself is the delivery."""


CHANNELS: dict[str, Callable[[OutgoingMessage], None]] = {"simulator": _keep}


def send_message(*, dedupe_key: str, template: str, recipient: str, body: str, at: datetime) -> int:
    """Send one message once: a repeated `dedupe_key` is the same message. Gives its id."""
    message, is_new = OutgoingMessage.objects.get_or_create(
        dedupe_key=dedupe_key,
        defaults={
            "channel": "simulator",
            "template": template,
            "recipient": recipient,
            "body": body,
            "created_at": at,
        },
    )
    if is_new:
        CHANNELS[message.channel](message)
        message.sent_at = at
        message.save(update_fields=["sent_at"])
    return message.pk
