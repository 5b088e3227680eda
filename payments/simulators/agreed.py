"""The simulated WeChat Pay and Alipay as our settings know them; None where a real one was agreed, or none at all."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings

from payments.channels import alipay_keys, wechat_keys
from payments.simulators.alipay.book import Merchant as AlipayMerchant
from payments.simulators.alipay.gateway import Alipay
from payments.simulators.alipay.server import AlipayServer
from payments.simulators.wechat_pay.book import Merchant
from payments.simulators.wechat_pay.gateway import WeChatPay
from payments.simulators.wechat_pay.platform import Platform
from payments.simulators.wechat_pay.server import WeChatPayServer


def wechat_pay(*, at: datetime) -> WeChatPayServer | None:
    """With the keys that both sides made."""
    said = settings.WECHAT_PAY
    if said["private_pem"] or not said["gateway"]:
        return None
    made = wechat_keys.simulated()
    app_ids = frozenset({said["app_id"], said["mini_app_id"]} - {""})
    merchant = Merchant(wechat_keys.SIMULATED_MCHID, app_ids, made["serial"], made["merchant_public"], made["api_key"])
    keys = (made["provider_private"], made["provider_public"])
    platform = Platform.new(at=at, keys=keys, key_id=made["public_key_id"])
    port = urlsplit(said["gateway"]).port or 0
    return WeChatPayServer(
        lambda url: WeChatPay(merchants={merchant.mchid: merchant}, platform=platform, base=url), port=port
    )


def alipay(*, at: datetime) -> AlipayServer | None:
    """With the keys that both sides made; it needs no clock to begin with."""
    said = settings.ALIPAY
    if said["private_pem"] or not said["gateway"]:
        return None
    made = alipay_keys.simulated()
    merchant = AlipayMerchant(alipay_keys.SIMULATED_APP, alipay_keys.SIMULATED_SELLER, made["merchant_public"])
    port = urlsplit(said["gateway"]).port or 0
    return AlipayServer(
        lambda url: Alipay(merchants={merchant.app_id: merchant}, private_pem=made["provider_private"], base=url),
        port=port,
    )
