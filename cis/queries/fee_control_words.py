"""The words for why nobody is stopped, and for what came back of a command."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.models import FeeControlCommand, Protection, QuietTime
from config.shared.display_formats import format_moment

State = FeeControlCommand.State
KINDS_OF_STATE: dict[str, str] = {
    State.WAITING: "neutral",
    State.SENDING: "neutral",
    State.UNKNOWN: "warn",
    State.ACCEPTED: "info",
    State.EXECUTED: "good",
    State.REFUSED: "bad",
    State.TIMEOUT: "bad",
    State.WITHDRAWN: "neutral",
}
_WHY: dict[str, str | Promise] = {
    "no-agreement": gettext_lazy("没有生效的费控协议"),
    "balance-unknown": gettext_lazy("今天的余额算不出来，不停电"),
    "not-reached": gettext_lazy("客户还没有通知到"),
    "no-lawful-cut": gettext_lazy("后付费：按欠费停电程序办理，这里只远程执行"),
    "night": gettext_lazy("现在不在允许停电的时间"),
    "holiday": gettext_lazy("节假日和节前不停电"),
    "dispute": gettext_lazy("账单有异议"),
    "instalments": gettext_lazy("正在按分期协议交费"),
    "budget-plan": gettext_lazy("正在按均衡交费计划交费"),
    "homes-behind": gettext_lazy("后面还有其他居民用电"),
}
_RECEIPTS: dict[str, str | Promise] = {
    "sent": gettext_lazy("已发送"),
    "accepted": gettext_lazy("集中器已受理"),
    "executed": gettext_lazy("电能表已执行"),
    "refused": gettext_lazy("被拒绝"),
    "timeout": gettext_lazy("执行超时"),
    "withdrawn": gettext_lazy("已撤回"),
}


def words_of(code: str, until: datetime | None = None) -> str:
    """Why nobody is stopped, in a few words."""
    if code in ("grace", "last-warning-too-fresh") and until is not None:
        return _("通知后的等待时间到 %(moment)s 止") % {"moment": format_moment(until, settings.BILLING_TIME_ZONE)}
    if code.startswith("quiet-"):
        return _("登记了不停电的时间：%(kind)s") % {"kind": _(QuietTime.Kind(code.removeprefix("quiet-")).label)}
    if code in Protection.Kind.values:
        return _("停电保护：%(kind)s") % {"kind": _(Protection.Kind(code).label)}
    return str(_WHY.get(code, code))


def word_of_receipt(what: str) -> str:
    """What a receipt says."""
    return str(_RECEIPTS.get(what, what))
