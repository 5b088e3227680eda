"""Every channel to people we know. To add one: write its file, name it here; the contract tests run over it."""

from __future__ import annotations

from config.shared.messaging.channels.base import Channel
from config.shared.messaging.channels.email import Email
from config.shared.messaging.channels.in_app import InApp
from config.shared.messaging.channels.letter import Letter
from config.shared.messaging.channels.sms import Sms

CHANNELS: dict[str, Channel] = {"sms": Sms(), "in_app": InApp(), "email": Email(), "letter": Letter()}
