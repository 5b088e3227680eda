"""What every payment channel can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Protocol

from payments.matching.channel_file import FileRow

BEIJING = timezone(timedelta(hours=8))
"""the time in which Chinese providers write moments and cut days"""


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


class NoStatement(Declined):
    """There is no file of the day: not yet, or because nothing was traded. The provider does not say which."""


class BillRefused(Exception):
    """The file is not what was announced, or does not add up; none of it may be used."""


class Scene(StrEnum):
    """Where the payer looks at the order."""

    DESKTOP = "desktop"
    PHONE = "phone"
    WECHAT = "wechat"


@dataclass(frozen=True, slots=True)
class Payer:
    """Who is about to pay, as far as a provider must know."""

    scene: Scene = Scene.DESKTOP
    ip: str = ""
    openid: str = ""
    """who they are to our app in WeChat; empty where it is not known"""
    app_id: str = ""
    """which of our apps that is; empty for the official account"""


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
    payer: Payer = Payer()


@dataclass(frozen=True, slots=True)
class Begun:
    """How the payer goes on: one of an address to go to, a code to scan, or what WeChat's browser is called with."""

    address: str = ""
    code: str = ""
    app: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A notice as it came in, before anything of it is believed."""

    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class PaidNotice:
    """
    What a provider says that somebody paid; believed as far as its signature goes.

    `nonce` is empty where the provider sends none: its `notice_id` is what makes a repeat known.
    """

    notice_id: str
    nonce: str
    out_trade_no: str
    provider_no: str
    amount_fen: int
    body: str
    signature: str


class Standing(StrEnum):
    """What a provider says of an order when it is asked."""

    WAITING = "waiting"
    PAID = "paid"
    RETURNED = "returned"
    """paid, and given back there, whole or in part, without us"""
    CLOSED = "closed"
    UNKNOWN = "unknown"
    """it has never heard of it"""


@dataclass(frozen=True, slots=True)
class Found:
    """A provider's answer to a question about an order."""

    standing: Standing
    amount_fen: int = 0
    provider_no: str = ""
    body: str = ""


class RefundStanding(StrEnum):
    """What a provider says of a refund."""

    PROCESSING = "processing"
    """it will give the money back"""
    DONE = "done"
    CLOSED = "closed"
    """it will not; the money stayed with us"""
    ABNORMAL = "abnormal"
    """it could not, for instance because the payer's card is gone; the money came back to us"""
    UNKNOWN = "unknown"
    """it has never heard of it"""


@dataclass(frozen=True, slots=True)
class RefundTerms:
    """What a provider gives back: so many refunds of one payment at most (0: any), so long after it was paid."""

    most: int
    within: timedelta
    later: frozenset[str] = frozenset()
    """refusals that pass by themselves or once somebody has topped our account up: ask again under the same number"""


@dataclass(frozen=True, slots=True)
class RefundToSend:
    """So much of a payment goes back; the same `out_refund_no` again is the same refund."""

    out_refund_no: str
    provider_no: str
    amount_fen: int
    total_fen: int
    reason: str
    notify_url: str = ""


@dataclass(frozen=True, slots=True)
class RefundFound:
    """A provider's answer about a refund; `provider_no` is its number of the payment, `refund_no` the refund's."""

    standing: RefundStanding
    amount_fen: int = 0
    provider_no: str = ""
    refund_no: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class RefundTold:
    """
    What a provider tells of a refund; believed as far as its signature goes.

    `amount_fen` is 0 where it does not say: then it must be asked.
    """

    notice_id: str
    nonce: str
    out_refund_no: str
    found: RefundFound
    signature: str


class Channel(Protocol):
    """One provider. All money in fen; texts of the provider stay behind this wall."""

    method: str
    can_be_asked: bool
    """whether `find` and `close` are there: orders without a notice are asked about"""
    refunds: RefundTerms | None
    """None where `refund` and `find_refund` are not there: it gives nothing back when we ask"""
    tells_days: bool
    """whether `day_rows` is there: what it took on a day is fetched, not brought"""

    def is_available(self) -> bool:
        """Whether this installation has what the channel needs."""

    def begin(self, order: OrderToPay) -> Begun:
        """
        Let the provider know of the order, or sign what will; the same order again is no second one.

        :raises NoAnswer: nothing is known of it
        :raises Declined: the provider refused it
        """

    def read_notice(self, incoming: Incoming, *, at: datetime) -> PaidNotice | RefundTold | None:
        """
        What a notice says, once its signature, time and merchant are right; None where it tells of no money.

        :raises NotBelievable: it must not be booked
        """

    def find(self, out_trade_no: str, *, at: datetime) -> Found:
        """
        What the provider says of an order.

        :raises NoAnswer: nothing
        """

    def close(self, out_trade_no: str, *, at: datetime) -> bool:
        """
        Let nobody pay the order any more; False where somebody has.

        :raises NoAnswer: nothing is known of it
        """

    def refund(self, asked: RefundToSend, *, at: datetime) -> RefundFound:
        """
        Ask that money goes back to its payer; the same number again is the same refund.

        :raises NoAnswer: nothing is known of it
        :raises Declined: the provider refused this request; an earlier one under the number may have been taken
        """

    def find_refund(self, asked: RefundToSend, *, at: datetime) -> RefundFound:
        """
        What the provider says of a refund.

        :raises NoAnswer: nothing
        """

    def day_rows(self, day: date, *, at: datetime) -> list[FileRow]:
        """
        What the provider says that it took and gave back on a day of its own, under our serials.

        :raises NoAnswer: nothing
        :raises NoStatement: there is no file
        :raises Declined: the file is not for us
        :raises BillRefused: the file does not add up
        """

    def answer(self, *, is_taken: bool) -> tuple[str, str]:
        """Content type and body of our answer to a notice."""
