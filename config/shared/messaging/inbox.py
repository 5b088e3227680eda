"""What stands in somebody's inbox, and that they read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from config.shared.errors import NotFound
from config.shared.messaging import templates
from config.shared.models import Message


@dataclass(frozen=True)
class InboxMessage:
    """One message as its reader sees it."""

    message_id: int
    subject: str
    text: str
    at: datetime
    is_read: bool


def unread_count(*, user_id: int, at: datetime) -> int:
    """How many messages wait to be read."""
    return _inbox(user_id, at).filter(state=Message.State.DELIVERED).count()


def list_messages(
    *, user_id: int, language: str, at: datetime, limit: int, before: int | None = None
) -> list[InboxMessage]:
    """The inbox, newest first; `before` continues after the message of that id."""
    rows = _inbox(user_id, at).order_by("-id")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [_shown(row, language) for row in rows[:limit]]


def read_message(*, user_id: int, message_id: int, language: str, at: datetime) -> InboxMessage:
    """
    A message of this user, which is read from now on.

    :raises NotFound: it is not in this user's inbox
    """
    row = _inbox(user_id, at).filter(pk=message_id).first()
    if row is None:
        raise NotFound(_("没有找到这条消息。请回到消息列表重新选择。"))
    shown = _shown(row, language)
    if row.state == Message.State.DELIVERED:
        unread = Message.objects.filter(pk=row.pk, state=Message.State.DELIVERED)
        unread.update(state=Message.State.READ, read_at=at)
    return shown


def read_all(*, user_id: int, at: datetime) -> int:
    """Mark everything in the inbox as read; gives how many were not."""
    unread = _inbox(user_id, at).filter(state=Message.State.DELIVERED)
    return unread.update(state=Message.State.READ, read_at=at)


def _inbox(user_id: int, at: datetime) -> QuerySet[Message]:
    # What the brake on mass notices holds, or took away, is in nobody's inbox.
    shown = (Message.State.DELIVERED, Message.State.READ)
    return Message.objects.filter(user_id=user_id, channel="in_app", not_before__lte=at, state__in=shown)


def _shown(row: Message, language: str) -> InboxMessage:
    form = templates.TEMPLATES.get(row.template)
    parameters = json.loads(row.parameters) if row.parameters else {}
    subject, text = form.render(language, parameters) if form is not None else (row.template, "")
    return InboxMessage(row.pk, subject, text, row.not_before, row.state == Message.State.READ)
