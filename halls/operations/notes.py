"""Texts of a hall's display zone: put up, taken down."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from config.shared.errors import BadInput, NotFound
from halls.models import DisplayNote


class NoteRefused(BadInput):
    """The text has no days on which it would be shown."""

    code = "note-refused"


def add_note(*, hall_id: int, kind: str, title: str, text: str, from_on: date, until_on: date) -> int:
    """
    Put a text up in a hall from one day up to, not including, another; its id.

    :raises NoteRefused: it would be shown on no day
    """
    if until_on <= from_on:
        detail = _("结束日期要晚于开始日期。")
        raise NoteRefused(detail, errors=[{"pointer": "/until_on", "detail": detail}])
    note = DisplayNote.objects.create(
        hall_id=hall_id, kind=kind, title=title, text=text, from_on=from_on, until_on=until_on
    )
    return note.pk


def remove_note(*, hall_id: int, note_id: str, today: date) -> None:
    """
    Take one of a hall's own texts down; texts of all halls are not one hall's to take.

    :raises NotFound: the hall has no such text
    """
    number = int(note_id) if note_id.isdecimal() and len(note_id) < 19 else 0
    deleted, _rows = DisplayNote.objects.filter(pk=number, hall_id=hall_id, until_on__gt=today).delete()
    if not deleted:
        raise NotFound(_("本厅没有这条内容。"))
