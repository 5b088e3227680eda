"""Letters of authority as files: what is taken, and how it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared import files

MAX_BYTES = 5 * 1024 * 1024
# How a file begins, and what it then is; the name it came with says nothing.
_BEGINNINGS = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)
LETTER_HELP = gettext_lazy("拍照或扫描都行：PDF、JPG 或 PNG，不超过 5 MB。")


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """Where a letter is kept and what kind of file it is."""

    key: str
    media_type: str


class LetterField(forms.FileField):
    """A letter as PDF, JPEG or PNG, judged by its content."""

    widget = forms.FileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png,application/pdf,image/jpeg,image/png"})

    def clean(self, data: Any, initial: Any = None) -> Any:
        """
        The file, if it is one that can be kept.

        :raises ValidationError: it is too large, or another kind of file
        """
        file = super().clean(data, initial)
        if file:
            if file.size > MAX_BYTES:
                raise ValidationError(_("文件超过 5 MB，请压缩或重拍后再传。"))
            if not type_of(file):
                raise ValidationError(_("这个文件不是 PDF、JPG 或 PNG，请换一个。"))
        return file


def keep_letter(file: Any) -> KeptLetter:
    """Keep a letter that its field took."""
    return KeptLetter(files.keep(cast(BinaryIO, file.file), folder="letters"), type_of(file))


def type_of(file: Any) -> str:
    """What kind of file it is by how it begins; empty for another kind."""
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    return next((media_type for beginning, media_type in _BEGINNINGS if head.startswith(beginning)), "")
