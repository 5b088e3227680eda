"""Facts that taking money and giving it back tell the house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from config.shared.events import Event


@dataclass(frozen=True)
class PaymentReceived(Event):
    """A payment of an account was booked."""

    name: ClassVar[str] = "payments.payment-received"
    key_field: ClassVar[str] = "account_id"

    account_id: int
    payment_id: int
    amount_fen: int
    prepaid_fen: int
    method: str


@dataclass(frozen=True)
class PaymentReversed(Event):
    """A payment of an account was taken back."""

    name: ClassVar[str] = "payments.payment-reversed"
    key_field: ClassVar[str] = "account_id"

    account_id: int
    payment_id: int
    reversal_id: int
    amount_fen: int


@dataclass(frozen=True)
class PrepaymentRefunded(Event):
    """Prepayment of an account was given back."""

    name: ClassVar[str] = "payments.prepayment-refunded"
    key_field: ClassVar[str] = "account_id"

    account_id: int
    refund_id: int
    amount_fen: int
    method: str


@dataclass(frozen=True)
class RefundNoticeStored(Event):
    """What a provider said of a refund is safely kept and waits to be booked."""

    name: ClassVar[str] = "payments.refund-notice-stored"
    key_field: ClassVar[str] = "out_refund_no"

    out_refund_no: str
    notice_id: str
    channel: str


@dataclass(frozen=True)
class RefundFailed(Event):
    """Money could not go back the way it came; it lies on the account's prepayment again."""

    name: ClassVar[str] = "payments.refund-failed"
    key_field: ClassVar[str] = "account_id"

    account_id: int
    refund_id: int
    amount_fen: int


@dataclass(frozen=True)
class AgentDepositLow(Event):
    """A sale brought an agent's deposit below the line agreed with it."""

    name: ClassVar[str] = "payments.agent-deposit-low"
    key_field: ClassVar[str] = "client_id"

    client_id: int
    balance_fen: int


@dataclass(frozen=True)
class NoticeNotBelieved(Event):
    """The first notice of a channel in an hour that was no provider's; `at` is its moment (ISO 8601)."""

    name: ClassVar[str] = "payments.notice-not-believed"
    key_field: ClassVar[str] = "channel"

    channel: str
    at: str


@dataclass(frozen=True)
class ClientFact(Event):
    """
    Something that a connected client may hear of: an act on a payment or an accounting day of its own.

    `kind` is one of `payments.models.WebhookKind`; whose it is follows from the document, not from here. `account_id`
    is 0 where no customer is concerned.
    """

    name: ClassVar[str] = "payments.client-fact"
    key_field: ClassVar[str] = "account_id"

    account_id: int
    kind: str
    document_id: int


@dataclass(frozen=True)
class ChequeReturned(Event):
    """A cheque came back; its payment was reversed and what it had paid is owed again."""

    name: ClassVar[str] = "payments.cheque-returned"
    key_field: ClassVar[str] = "account_id"

    account_id: int
    cheque_id: int


@dataclass(frozen=True)
class BankStatementKept(Event):
    """A statement of one of the utility's bank accounts was kept and what came in was booked as unidentified."""

    name: ClassVar[str] = "payments.bank-statement-kept"
    key_field: ClassVar[str] = "statement_id"

    statement_id: int


@dataclass(frozen=True)
class WalletNoticeStored(Event):
    """What a provider said of a paid order is safely kept and waits to be booked."""

    name: ClassVar[str] = "payments.wallet-notice-stored"
    key_field: ClassVar[str] = "out_trade_no"

    out_trade_no: str
    notice_id: str
    channel: str = "wallet"
