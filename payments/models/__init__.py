"""Money coming in, and who may bring it: see `money` and `channels`."""

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
