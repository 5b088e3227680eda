"""Notices of providers that were not believed: counted by the hour, and the first of an hour raises the alarm."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import override

from config.shared.display_formats import format_moment
from config.shared.events import publish
from config.shared.messaging import Recipient, send
from config.shared.models import User
from payments.events import NoticeNotBelieved
from payments.messages import NOTICE_REFUSED
from payments.words import METHODS

WATCHES = "payments.manage_channels"
_COUNT = """
INSERT INTO payments_refused_notice AS kept (channel, hour, reason, count, last_at, last_address)
VALUES (%s, date_trunc('hour', %s::timestamptz, 'UTC'), %s, 1, %s, %s)
ON CONFLICT (channel, hour, reason) DO UPDATE
SET count = kept.count + 1, last_at = excluded.last_at, last_address = excluded.last_address
RETURNING count, (SELECT count(*) FROM payments_refused_notice other
                  WHERE other.channel = kept.channel AND other.hour = kept.hour)
"""


def note_refused(*, channel: str, reason: str, address: str, at: datetime) -> None:
    """
    Count a notice that was not believed; the first of a channel in an hour tells all who manage channels, once.

    One is a fault of a key or a clock on either side, many are somebody who tries.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [channel, at, reason[:64], at, address[:45]])
            count, reasons_before = cursor.fetchone()
        if count == 1 and not reasons_before:
            publish(NoticeNotBelieved(channel=channel, at=at.isoformat()))


def tell_watchers(*, channel: str, at: datetime) -> None:
    """Put the alarm of an hour into the inbox of everybody who manages channels; once each."""
    watchers = User.objects.filter(is_active=True, grants__role__permissions__contains=[WATCHES]).distinct()
    with transaction.atomic():
        for user in watchers.order_by("pk"):
            language = "en" if user.language == "en" else "zh-hans"
            with override(language):
                parameters = {
                    "channel": str(METHODS[channel]),
                    "moment": format_moment(at, settings.BILLING_TIME_ZONE),
                }
            send(
                template=NOTICE_REFUSED.code,
                to=Recipient(user_id=user.pk, language=language),
                parameters=parameters,
                dedupe_key=f"notice-refused:{channel}:{at:%Y%m%d%H}:{user.pk}",
                at=at,
            )
