"""Facts that customer information tells the house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from config.shared.events import Event


@dataclass(frozen=True)
class BillsIssued(Event):
    """One shard of a run has made its bills final; a bulk fact, never one event a bill."""

    name: ClassVar[str] = "cis.bills-issued"
    key_field: ClassVar[str] = "run_id"

    run_id: int
    shard: int
    cycle: int


@dataclass(frozen=True)
class ReadingsAccepted(Event):
    """The last doubt about an account's readings of a cycle is resolved: the account can be billed."""

    name: ClassVar[str] = "cis.readings-accepted"
    key_field: ClassVar[str] = "account_id"

    account_id: int
    cycle: int


@dataclass(frozen=True)
class CapacityChanged(Event):
    """An account's contract capacity is another one from a day on, which may still lie ahead."""

    name: ClassVar[str] = "cis.capacity-changed"
    key_field: ClassVar[str] = "account_id"

    account_id: int
    capacity_kva: int
    from_on: str
    """ISO day"""
    change_id: int = 0
    """which change it was, so that the same capacity a second time is another change; 0 in events older than this"""


@dataclass(frozen=True)
class OutageAnnounced(Event):
    """An interruption of supply was made known for the first time."""

    name: ClassVar[str] = "cis.outage-announced"
    key_field: ClassVar[str] = "outage_id"

    outage_id: int
    version: int


@dataclass(frozen=True)
class OutageChanged(Event):
    """
    What is known of an announced interruption is something else now; `what` is changed, restored or cancelled.

    `dropped` are transformer districts that it concerned before and does not any more.
    """

    name: ClassVar[str] = "cis.outage-changed"
    key_field: ClassVar[str] = "outage_id"

    outage_id: int
    version: int
    what: str
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True)
class ContactAnswered(Event):
    """What a customer told us was answered."""

    name: ClassVar[str] = "cis.contact-answered"
    key_field: ClassVar[str] = "contact_id"

    contact_id: int


@dataclass(frozen=True)
class DebtorTold(Event):
    """A step of collecting was taken that the customer hears of by message: a demand, or the last notice."""

    name: ClassVar[str] = "cis.debtor-told"
    key_field: ClassVar[str] = "account_id"

    account_id: int
    step_id: int


@dataclass(frozen=True)
class DisputeNearsLimit(Event):
    """What a customer questioned is not answered and its time runs out (`stage` warning) or is over (breach)."""

    name: ClassVar[str] = "cis.dispute-nears-limit"
    key_field: ClassVar[str] = "dispute_id"

    dispute_id: int
    stage: str


@dataclass(frozen=True)
class DisputeAnswered(Event):
    """What a customer questioned was answered."""

    name: ClassVar[str] = "cis.dispute-answered"
    key_field: ClassVar[str] = "dispute_id"

    dispute_id: int
