"""Every way in which money reaches us from outside. To add one: write its file, name it here, add its settings."""

from payments.channels.alipay import Alipay
from payments.channels.base import Channel
from payments.channels.wallet import Wallet
from payments.channels.wechat import WeChatPay

CHANNELS: dict[str, Channel] = {"wechat": WeChatPay(), "alipay": Alipay(), "wallet": Wallet()}
