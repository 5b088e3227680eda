"""
Money in and out, who may bring it, how it is proved:
`agents`, `channels`, `drawers`, `money`, `paybacks`, `receipt_keys`, `reconciliation`, `webhooks`.
"""

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
from payments.models.webhooks import WebhookAttempt, WebhookEndpoint, WebhookKind, WebhookMessage

__all__ = [
    "AgentContract",
    "AgentDay",
    "AgentDeposit",
    "AgentMove",
    "AgentSettlement",
    "Allocation",
    "AnsweredRequest",
    "BlockedSerial",
    "ChannelArea",
    "ChannelClient",
    "ChannelFile",
    "ChannelFileRow",
    "ChannelNonce",
    "ClientKey",
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
    "Reversal",
    "SeenNonce",
    "WalletNotice",
    "WebhookAttempt",
    "WebhookEndpoint",
    "WebhookKind",
    "WebhookMessage",
]
