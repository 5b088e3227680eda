"""Money in and out, who may bring it, how it is proved; one module a topic, `money` at the bottom."""

from payments.models.agents import (
    AgentContract,
    AgentDay,
    AgentDeposit,
    AgentMove,
    AgentSettlement,
)
from payments.models.channels import (
    AnsweredRequest,
    BlockedSerial,
    ChannelArea,
    ChannelClient,
    ChannelNonce,
    ClientKey,
)
from payments.models.cheques import Cheque
from payments.models.debits import DebitAgreement, DebitBank, DebitBatch, DebitRow
from payments.models.drawers import DrawerEntry, DrawerShift
from payments.models.money import (
    Allocation,
    Payment,
    PaymentOrder,
    Refund,
    Reversal,
    SeenNonce,
    WalletNotice,
)
from payments.models.paybacks import Payback, RefundNotice
from payments.models.receipt_keys import ReceiptKey
from payments.models.reconciliation import ChannelFile, ChannelFileRow, Difference, Reconciliation
from payments.models.refused_notices import RefusedNotice
from payments.models.transfers import (
    BankAccount,
    BankLine,
    BankReturn,
    BankStatement,
    Claim,
    ClaimPart,
    SubAccount,
)
from payments.models.webhooks import WebhookAttempt, WebhookEndpoint, WebhookKind, WebhookMessage

__all__ = [
    "AgentContract",
    "AgentDay",
    "AgentDeposit",
    "AgentMove",
    "AgentSettlement",
    "Allocation",
    "AnsweredRequest",
    "BankAccount",
    "BankLine",
    "BankReturn",
    "BankStatement",
    "BlockedSerial",
    "ChannelArea",
    "ChannelClient",
    "ChannelFile",
    "ChannelFileRow",
    "ChannelNonce",
    "Cheque",
    "Claim",
    "ClaimPart",
    "ClientKey",
    "DebitAgreement",
    "DebitBank",
    "DebitBatch",
    "DebitRow",
    "Difference",
    "DrawerEntry",
    "DrawerShift",
    "Payback",
    "Payment",
    "PaymentOrder",
    "ReceiptKey",
    "Reconciliation",
    "Refund",
    "RefundNotice",
    "RefusedNotice",
    "Reversal",
    "SeenNonce",
    "SubAccount",
    "WalletNotice",
    "WebhookAttempt",
    "WebhookEndpoint",
    "WebhookKind",
    "WebhookMessage",
]
