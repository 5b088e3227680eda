"""What every collection system can be asked, and what its answers mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """What an answer says of a command."""

    ACCEPTED = "accepted"
    """the concentrator has it"""
    EXECUTED = "executed"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    """it gave up: the meter did not answer before the command's time was over"""
    WITHDRAWN = "withdrawn"
    NOT_FOUND = "not-found"
    """it never came to have it"""
    UNKNOWN = "unknown"
    """no answer, or none that can be read: it has to be asked before anything is sent again"""
    LATER = "later"
    """nothing was sent: it cannot be reached, or is not configured"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One command; `number` names it for ever, on both sides."""

    number: str
    kind: str
    """stop, reconnect or warn"""
    meter_no: str
    ordered_at: datetime
    not_after: datetime
    """it must not be carried out later"""
    balance_fen: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the system said; `at`: when it happened, where it says so."""

    outcome: Outcome
    code: str = ""
    at: datetime | None = None


class CollectionSystem(ABC):
    """Commands are idempotent by their number: sent again, the first one is answered for."""

    @abstractmethod
    def send(self, order: Order, *, at: datetime) -> Answer:
        """Hand over a command."""

    @abstractmethod
    def ask(self, number: str, *, at: datetime) -> Answer:
        """What became of a command."""

    @abstractmethod
    def withdraw(self, number: str, *, at: datetime) -> Answer:
        """Take a command back where the meter has not carried it out; the answer says which it was."""
