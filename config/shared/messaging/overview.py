"""What became of messages, for those who look after them: masked, and without what is secret."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared.messaging import templates
from config.shared.messaging.channels import CHANNELS
from config.shared.models import Message

# Why a message was lost, in words that say what to do; anything else shows the provider's own code.
_WHY: dict[str, str | Promise] = {
    "outcome-unknown": gettext_lazy("对方没有回话，不知道收到没有。先向收件人核实，再决定是否重发。"),
    "expired": gettext_lazy("过了有效时间还没能发出。仍有必要就重发。"),
    "limited": gettext_lazy("这个收件人短时间内的消息太多，等到过期也没轮上。过一会儿再重发。"),
    "too-many-attempts": gettext_lazy("试了多次都没有发出。查明原因后重发。"),
    "stopped": gettext_lazy("群发被拦下，复核后取消了。确有必要再单独重发。"),
    "not-configured": gettext_lazy("这个渠道还没有配置好。请运维配置后重发。"),
    "isv.MOBILE_NUMBER_ILLEGAL": gettext_lazy("号码不对。请先核对客户资料里的手机号码。"),
    "isv.BLACK_KEY_CONTROL_LIMIT": gettext_lazy("号码在拒收名单里。请换一种方式联系。"),
    "smtp-550": gettext_lazy("没有这个邮箱。请先核对客户资料里的邮箱。"),
    "5.1.1": gettext_lazy("没有这个邮箱。请先核对客户资料里的邮箱。"),
}
_KINDS = {
    Message.State.WAITING: "neutral",
    Message.State.SENDING: "neutral",
    Message.State.SENT: "info",
    Message.State.DELIVERED: "good",
    Message.State.READ: "good",
    Message.State.FAILED: "bad",
    Message.State.GIVEN_UP: "bad",
}
_STATES: dict[str, str | Promise] = {
    Message.State.WAITING: gettext_lazy("等待发送"),
    Message.State.SENDING: gettext_lazy("发送中"),
    Message.State.SENT: gettext_lazy("已发出"),
    Message.State.DELIVERED: gettext_lazy("已送达"),
    Message.State.READ: gettext_lazy("已读"),
    Message.State.FAILED: gettext_lazy("未能送达"),
    Message.State.GIVEN_UP: gettext_lazy("已放弃"),
}


@dataclass(frozen=True)
class SentMessage:
    """One message as staff see it; `why` says what to do about a lost one."""

    message_id: int
    subject: str
    text: str
    channel_label: str | Promise
    masked_to: str
    state_label: str | Promise
    state_kind: str
    why: str
    attempts: int
    at: datetime
    can_retry: bool


def list_lost(*, limit: int, before: int | None = None) -> list[SentMessage]:
    """Messages that were not delivered, newest first."""
    rows = Message.objects.filter(state__in=Message.LOST).order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [_shown(row) for row in rows[:limit]]


def list_of_account(*, account_id: int, limit: int) -> list[SentMessage]:
    """The newest messages that speak of an account."""
    return [_shown(row) for row in Message.objects.filter(account_id=account_id).order_by("-pk")[:limit]]


def _shown(row: Message) -> SentMessage:
    form = templates.TEMPLATES.get(row.template)
    subject, text = row.template, ""
    if form is not None:
        known = {name: value for name, value in json.loads(row.parameters).items() if name not in form.secrets}
        subject, text = form.render(row.language, known)
    channel = CHANNELS[row.channel]
    is_lost = row.state in Message.LOST
    return SentMessage(
        message_id=row.pk,
        subject=subject,
        text=text,
        channel_label=channel.label,
        masked_to=channel.masked(row.recipient) if row.recipient else "",
        state_label=_STATES[row.state],
        state_kind=_KINDS[Message.State(row.state)],
        why=_why(row.failure) if is_lost else "",
        attempts=row.attempts,
        at=row.failed_at or row.read_at or row.delivered_at or row.sent_at or row.created_at,
        can_retry=is_lost and row.erased_at is None,
    )


def _why(failure: str) -> str:
    return str(_WHY.get(failure) or _("服务商没有受理或没有送达（%(code)s）。") % {"code": failure})
