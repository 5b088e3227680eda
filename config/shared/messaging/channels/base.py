"""What a channel to people is: how it reaches somebody, sends once, and finds out what became of an attempt."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.functional import Promise


@dataclass(frozen=True)
class PostalAddress:
    """Where a letter goes, as it stands in the window of the envelope."""

    name: str
    lines: tuple[str, ...]
    postcode: str = ""


@dataclass(frozen=True)
class Recipient:
    """Somebody and the ways that lead to them; what is empty is no way."""

    phone: str = ""
    email: str = ""
    postal: PostalAddress | None = None
    user_id: int | None = None
    language: str = "zh-hans"


@dataclass(frozen=True)
class Envelope:
    """
    One message as a channel sees it. Nothing in it may be logged.

    `uid` is our name for the message, `attempt_key` the name of this attempt: an attempt that is repeated because
    nobody knows what became of it has the same one. `at` is now, `tried_at` when that attempt was first made.
    """

    uid: uuid.UUID
    attempt_key: uuid.UUID
    recipient: str
    template: str
    language: str
    subject: str
    text: str
    parameters: Mapping[str, str] = field(repr=False)
    at: datetime
    tried_at: datetime


class Outcome(StrEnum):
    """What a channel knows after an attempt or a look-up."""

    ACCEPTED = "accepted"
    """the provider has it"""
    REFUSED = "refused"
    """it will never go this way"""
    LATER = "later"
    """it was certainly not taken; try again later"""
    UNKNOWN = "unknown"
    """nobody knows whether it was taken"""
    NOT_FOUND = "not-found"
    """of a look-up only: the provider does not have it"""


@dataclass(frozen=True)
class Answer:
    """The outcome, the provider's code in its own words, its id for the message, how long to wait before trying."""

    outcome: Outcome
    code: str = ""
    provider_id: str = ""
    wait: timedelta | None = None


class Channel(ABC):
    """One way to people. To add one: write its file, name it in `CHANNELS`."""

    name: str
    label: str | Promise
    is_immediate = False
    """being written is being delivered"""
    is_by_hand = False
    """people carry it; no worker sends it"""
    rings = False
    """it may wake somebody: quiet hours hold"""
    can_look_up = False
    """the provider can be asked for an attempt; where it cannot, an unknown outcome is never repeated by itself"""
    look_up_after = timedelta(seconds=20)
    """how long an unknown outcome rests before the provider is asked"""

    @abstractmethod
    def address(self, to: Recipient) -> str:
        """Where this channel reaches somebody, as text; empty when it does not."""

    @abstractmethod
    def masked(self, address: str) -> str:
        """The address as it may be shown to staff."""

    def send(self, envelope: Envelope) -> Answer:
        """Hand the message over once; never raises for what the far side does."""
        raise NotImplementedError(f"{self.name} is not sent by a worker")

    def look_up(self, envelope: Envelope) -> Answer:
        """What became of the attempt `envelope.attempt_key`: ACCEPTED, REFUSED, NOT_FOUND or UNKNOWN."""
        raise NotImplementedError(f"{self.name} cannot be asked")
