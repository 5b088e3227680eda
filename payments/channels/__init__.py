"""Every way in which money reaches us from outside. To add one: write its file, name it here, add its settings."""

from payments.channels.base import Channel
from payments.channels.wallet import Wallet

CHANNELS: dict[str, Channel] = {"wallet": Wallet()}
