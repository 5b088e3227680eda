"""The simulated providers as our settings know them, and a look at what they took; only where SIMULATORS run."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from config.shared.messaging.channels import CHANNELS, sms
from config.shared.messaging.templates import LANGUAGES, TEMPLATES, Kind
from config.shared.models import Message
from config.simulators.server import Simulators
from config.simulators.sms import Registered

_TIMEOUT_S = 3


@dataclass(frozen=True)
class Arrived:
    """One message on the telephone or in the mailbox of an invented person."""

    channel: str
    masked_to: str
    subject: str
    text: str
    at: datetime


def agreed(*, port: int, mail_port: int, house: str) -> Simulators:
    """Providers with which keys, signature, templates and secrets of reports were agreed as our settings have them."""
    texts = sms.registered_templates()
    codes = {
        sms.provider_template(one.code, language)
        for one in TEMPLATES.values()
        if one.kind == Kind.CODE
        for language in LANGUAGES
    }
    return Simulators(
        port=port,
        mail_port=mail_port,
        keys={settings.SMS_ACCESS_KEY_ID: settings.SMS_ACCESS_KEY_SECRET},
        sign_names=frozenset({settings.SMS_SIGN_NAME}),
        templates={code: Registered(text, code in codes) for code, text in texts.items()},
        house=house,
        report_secrets=settings.RECEIPT_SECRETS,
        collection_clients={settings.COLLECTION_SYSTEM_CLIENT: settings.COLLECTION_SYSTEM_SECRET},
    )


def wait_for_what_is_due(*, at: datetime, patience_s: float = 3.0) -> None:
    """Whoever looks has just asked for a message: give the workers some seconds to send what is due."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if not Message.objects.filter(state__in=Message.UNFINISHED, attempts=0, due_at__lte=at).exists():
            return
        time.sleep(0.1)


def arrived(*, limit: int = 100) -> list[Arrived] | None:
    """What the providers took last, newest first (a notice to many may follow a code); None: not to be reached."""
    if not settings.SIMULATORS_URL:
        return None
    try:
        with urllib.request.urlopen(f"{settings.SIMULATORS_URL}/inbox/", timeout=_TIMEOUT_S) as answer:  # noqa: S310 - loopback
            rows = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None
    return [
        Arrived(
            channel=row["channel"],
            masked_to=CHANNELS[row["channel"]].masked(row["to"]),
            subject=row["subject"],
            text=row["text"],
            at=datetime.fromtimestamp(row["at"], UTC),
        )
        for row in rows[:limit]
    ]
