"""Money coming in, and who may bring it: see `money`, `channels` and `agents`."""

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
from payments.models.money import (
    Allocation,
    Payment,
    PaymentOrder,
    Refund,
    Reversal,
    SeenNonce,
    WalletNotice,
)

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
    "ChannelNonce",
    "ClientKey",
    "Payment",
    "PaymentOrder",
    "Refund",
    "Reversal",
    "SeenNonce",
    "WalletNotice",
]
