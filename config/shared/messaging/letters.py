"""
Letters on paper: they wait, go to the print room as a batch, and somebody says that they were printed and posted.

The PDF is made from the sealed rows whenever it is asked for and kept nowhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from config.shared.errors import NotFound, Refused
from config.shared.messaging import templates
from config.shared.messaging.channels import letter
from config.shared.models import LetterBatch, Message
from config.shared.paper import pdf_of

MOST_IN_A_BATCH = 500


class NothingToPrint(Refused):
    """No letter waits."""

    code = "nothing-to-print"


class BatchOutOfOrder(Refused):
    """The batch was posted, or is to be posted before it was printed."""

    code = "batch-out-of-order"


@dataclass(frozen=True)
class Batch:
    """One batch as its page shows it."""

    batch_id: int
    letters: int
    created_at: datetime
    printed_at: datetime | None
    posted_at: datetime | None


def waiting_count() -> int:
    """How many letters wait for a batch."""
    return _waiting().count()


def list_batches(*, limit: int, before: int | None = None) -> list[Batch]:
    """Batches, newest first."""
    rows = LetterBatch.objects.order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [Batch(row.pk, row.letters, row.created_at, row.printed_at, row.posted_at) for row in rows[:limit]]


def make_batch(*, made_by_id: int, at: datetime) -> int:
    """
    Put the letters that wait, oldest first, into a batch of at most five hundred; gives its id.

    :raises NothingToPrint: none waits
    """
    with transaction.atomic():
        ids = list(
            _waiting().select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)[:MOST_IN_A_BATCH]
        )
        if not ids:
            raise NothingToPrint(_("没有等着打印的信函。"))
        batch = LetterBatch.objects.create(created_by_id=made_by_id, created_at=at, letters=len(ids))
        Message.objects.filter(pk__in=ids).update(batch=batch)
    return batch.pk


def print_batch(*, batch_id: int) -> bytes:
    """
    The letters of a batch as one PDF, each in its own language and on a sheet of its own.

    :raises NotFound: there is no such batch
    """
    if not LetterBatch.objects.filter(pk=batch_id).exists():
        raise NotFound(_("没有找到这批信函。请回到信函列表重新选择。"))
    letters = []
    for row in Message.objects.filter(batch_id=batch_id).order_by("pk"):
        subject, text = templates.get(row.template).render(row.language, json.loads(row.parameters))
        letters.append(
            {
                "number": row.pk,
                "to": letter.read(row.recipient),
                "subject": subject,
                "paragraphs": text.splitlines(),
                "written_at": row.created_at,
                "language": row.language,
            }
        )
    with translation.override("zh-hans"):
        return pdf_of("shared/messaging/letters.html", {"letters": letters}, style_sheet="shared/letter.css")


def mark_printed(*, batch_id: int, at: datetime) -> None:
    """Say that a batch came out of the printer; said again, the first time stays."""
    with transaction.atomic():
        batch = _locked(batch_id)
        if batch.printed_at is None:
            batch.printed_at = at
            batch.save(update_fields=["printed_at"])


def mark_posted(*, batch_id: int, at: datetime) -> int:
    """
    Say that a batch was handed to the post: its letters are sent; gives how many. Said again, nothing changes.

    :raises BatchOutOfOrder: it was not printed
    """
    with transaction.atomic():
        batch = _locked(batch_id)
        if batch.printed_at is None:
            raise BatchOutOfOrder(_("这批信函还没有确认打印。请先打印并确认。"))
        if batch.posted_at is not None:
            return 0
        batch.posted_at = at
        batch.save(update_fields=["posted_at"])
        waiting = Message.objects.filter(batch=batch, state=Message.State.WAITING)
        return waiting.update(state=Message.State.SENT, sent_at=at)


def _waiting() -> QuerySet[Message]:
    return Message.objects.filter(channel="letter", state=Message.State.WAITING, batch=None)


def _locked(batch_id: int) -> LetterBatch:
    batch = LetterBatch.objects.select_for_update().filter(pk=batch_id).first()
    if batch is None:
        raise NotFound(_("没有找到这批信函。请回到信函列表重新选择。"))
    return batch
