"""What every payment channel can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class NotBelievable(Exception):
    """A notice is not the provider's, is malformed, or speaks of another time or merchant; `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoAnswer(Exception):
    """The provider did not answer, or not in a way that can be believed: what became of the request is unknown."""


class Declined(Exception):
    """The provider refused; `code` is its word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class BillRefused(Exception):
    """The file is not what was announced, or does not add up; none of it may be used."""


@dataclass(frozen=True, slots=True)
class OrderToPay:
    """What a provider is asked to collect, and where it answers."""

    out_trade_no: str
    subject: str
    amount_fen: int
    created_at: datetime
    expires_at: datetime
    notify_url: str
    return_url: str


@dataclass(frozen=True, slots=True)
class PaidNotice:
    """What a provider says that somebody paid; believed as far as its signature goes."""

    notice_id: str
    nonce: str
    out_trade_no: str
    provider_no: str
    amount_fen: int
    body: str
    signature: str


class Channel(Protocol):
    """One provider. All money in fen; texts of the provider stay behind this wall."""

    method: str

    def is_available(self) -> bool:
        """Whether this installation has what the channel needs."""

    def payment_address(self, order: OrderToPay) -> str:
        """Where the payer's browser is sent, signed by us."""

    def read_notice(self, fields: Mapping[str, str], *, at: datetime) -> PaidNotice:
        """
        What a notice says, once its signature, time and merchant are right.

        :raises NotBelievable: it must not be booked
        """
