"""Messages in tests: what one says, and sending what waits."""

from __future__ import annotations

import json
from datetime import datetime

from config.shared.messaging import delivery
from config.shared.messaging.templates import get
from config.shared.models import Message


def parameters_of(message: Message) -> dict[str, str]:
    """What was filled into its template; a secret is there until the message is sent."""
    known: dict[str, str] = json.loads(message.parameters)
    return known


def text_of(message: Message) -> str:
    """What it says."""
    return get(message.template).render(message.language, parameters_of(message))[1]


def code_of(message: Message) -> str:
    """The one-time code of a message that is not sent yet."""
    return parameters_of(message)["code"]


def send_all(*, now: datetime, most: int = 100) -> int:
    """Work as the task does, at a moment of the test's own; gives how many were looked at."""
    looked_at = 0
    while looked_at < most and delivery.send_next(now=now):
        looked_at += 1
    return looked_at
