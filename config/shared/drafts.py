"""
What is typed and not sent yet: kept sealed, for its owner only, until it is sent or too old.

A form carries a ticket: whose it is, which form, about whom, on which page; signed, so that what is typed can be kept
for its owner even after the session has ended, and for nobody else. Passwords and codes are never kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from config.shared.errors import BadInput, Refused
from config.shared.models import Draft

TICKET = "draft_ticket"
"""The hidden field that carries a form's ticket."""

_SALT = "draft"
_LONGEST = 64_000
# What must never lie anywhere but where it is checked, and what belongs to one sending of a form only.
_NEVER = re.compile(r"pass(word|wd|phrase)|secret|token|otp|\bcode|csrf|form_key|" + TICKET, re.IGNORECASE)


class DraftTooLong(Refused):
    """More text than any form here takes."""

    code = "draft-too-long"
    status = 413


@dataclass(frozen=True, slots=True)
class Ticket:
    """Whose form it is, which one, about whom, and the page it stands on."""

    user_id: int
    form: str
    subject: str
    address: str


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """What was kept: the texts of each field; `is_sent` when it was sent after the session had ended."""

    fields: Mapping[str, Sequence[str]]
    address: str
    is_sent: bool
    saved_at: datetime


def write_ticket(ticket: Ticket) -> str:
    """The signed form of a ticket, to stand in a hidden field."""
    return signing.dumps([ticket.user_id, ticket.form, ticket.subject, ticket.address], salt=_SALT, compress=True)


def read_ticket(text: str) -> Ticket:
    """
    The ticket in a hidden field.

    :raises BadInput: it was not signed here, or it is older than drafts may become
    """
    try:
        user_id, form, subject, address = signing.loads(text, salt=_SALT, max_age=settings.DRAFT_LIFETIME)
    except signing.BadSignature as error:
        raise BadInput(_("这一页打开太久了，请刷新后再填。")) from error
    return Ticket(user_id, form, subject, address)


def save_draft(*, ticket: Ticket, fields: Mapping[str, Sequence[str]], is_sent: bool, at: datetime) -> None:
    """
    Keep what stands in a form, in place of what was kept of it before.

    :raises DraftTooLong: it is longer than any form here takes
    """
    kept = {name: list(texts) for name, texts in fields.items() if not _NEVER.search(name)}
    content = json.dumps(kept, ensure_ascii=False)
    if len(content) > _LONGEST:
        raise DraftTooLong(_("填的内容太长，没有替您暂存；请先提交或删短一些。"))
    Draft.objects.update_or_create(
        user_id=ticket.user_id,
        form=ticket.form,
        subject=ticket.subject,
        defaults={"address": ticket.address, "content": content, "is_sent": is_sent, "saved_at": at},
    )


def get_draft(*, user_id: int, form: str, subject: str, now: datetime) -> KeptDraft | None:
    """What the user left in this form about this subject; None where there is nothing or it is too old."""
    row = Draft.objects.filter(user_id=user_id, form=form, subject=subject).first()
    if row is None or row.saved_at < now - settings.DRAFT_LIFETIME:
        return None
    return KeptDraft(json.loads(row.content), row.address, row.is_sent, row.saved_at)


def forget_draft(*, user_id: int, form: str, subject: str) -> None:
    """The form was sent, or its text is not wanted any more."""
    Draft.objects.filter(user_id=user_id, form=form, subject=subject).delete()


def purge_drafts(*, now: datetime) -> int:
    """Forget drafts that are too old; gives how many."""
    deleted, _by_model = Draft.objects.filter(saved_at__lt=now - settings.DRAFT_LIFETIME).delete()
    return deleted
