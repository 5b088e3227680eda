"""
One transport to people: SMS, inbox, e-mail, letters.

`send` writes a row in the caller's transaction; a worker sends it after the commit, never twice. What is said stands
in templates, how it goes in channels, how much may go in limits.
"""

from __future__ import annotations

from config.shared.messaging.channels.base import PostalAddress, Recipient
from config.shared.messaging.sending import BulkMessage, Unreachable, can_reach, send, send_many
from config.shared.messaging.templates import Category, Kind, Template, declare

__all__ = [
    "BulkMessage",
    "Category",
    "Kind",
    "PostalAddress",
    "Recipient",
    "Template",
    "Unreachable",
    "can_reach",
    "declare",
    "send",
    "send_many",
]
