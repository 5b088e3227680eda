"""How many messages may go to one recipient, of one template, by one channel in how long: rows of `MessageLimit`."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from config.shared.messaging.templates import Kind
from config.shared.models import Message, MessageLimit

_ALIYUN = "Aliyun SMS default limits per number and signature (integrations, section 4)"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
# (channel, kind, per, span, most, source); what a utility starts with.
_STARTING = (
    ("sms", Kind.CODE, MessageLimit.Per.RECIPIENT, _MINUTE, 1, _ALIYUN),
    ("sms", Kind.CODE, MessageLimit.Per.RECIPIENT, _HOUR, 5, _ALIYUN),
    ("sms", Kind.CODE, MessageLimit.Per.RECIPIENT, _DAY, 10, _ALIYUN),
    ("sms", Kind.NOTICE, MessageLimit.Per.RECIPIENT_TEMPLATE, _DAY, 50, _ALIYUN),
    ("sms", Kind.NOTICE, MessageLimit.Per.RECIPIENT, _DAY, 60, "our own: below what makes people block a sender"),
    ("sms", "", MessageLimit.Per.CHANNEL, 1, 200, "our own: a tenth of the contract's throughput, left for others"),
    ("email", "", MessageLimit.Per.RECIPIENT, _DAY, 50, "our own"),
)


def load_limits() -> None:
    """Enter the starting limits where a channel has none; what the utility set stays as it is."""
    known = set(MessageLimit.objects.values_list("channel", flat=True).distinct())
    MessageLimit.objects.bulk_create(
        MessageLimit(channel=channel, kind=kind, per=per, span_s=span, most=most, source=source)
        for channel, kind, per, span, most, source in _STARTING
        if channel not in known
    )


def free_at(message: Message, *, now: datetime) -> datetime:
    """
    When this message may go: `now`, or the moment at which enough earlier ones have left the fullest window.

    Whoever asks inside a transaction holds the recipient until its end, so that two workers cannot both take the last
    place.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 17))", [bytes(message.recipient_index or b"").hex()]
        )
    earliest = now
    for limit in MessageLimit.objects.filter(channel=message.channel):
        if limit.kind not in ("", message.kind) or limit.template not in ("", message.template):
            continue
        others = Message.objects.filter(channel=message.channel, sent_at__gt=now - timedelta(seconds=limit.span_s))
        if limit.kind:
            others = others.filter(kind=limit.kind)
        if limit.per != MessageLimit.Per.CHANNEL:
            others = others.filter(recipient_index=message.recipient_index)
        if limit.per == MessageLimit.Per.RECIPIENT_TEMPLATE:
            others = others.filter(template=message.template)
        # The youngest so many fill the window; when the oldest of them leaves it, there is room.
        taken = list(others.exclude(pk=message.pk).order_by("-sent_at").values_list("sent_at", flat=True)[: limit.most])
        if len(taken) == limit.most and taken[-1] is not None:
            earliest = max(earliest, taken[-1] + timedelta(seconds=limit.span_s, milliseconds=1))
    return earliest
