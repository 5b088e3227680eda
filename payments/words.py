"""What codes of this app are called where people read them."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

METHODS: dict[str, str | Promise] = {
    "cash": _("现金"),
    "card": _("刷卡"),
    "qr": _("扫码"),
    "wallet": _("电子钱包"),
    "bank": _("银行代收"),
    "wechat": _("微信支付"),
    "alipay": _("支付宝"),
    "cheque": _("支票"),
    "transfer": _("对公转账"),
    "note": _("银行承兑汇票"),
    "debit": _("银行代扣"),
    "agent": _("代收点"),
    "terminal": _("自助终端"),
}
