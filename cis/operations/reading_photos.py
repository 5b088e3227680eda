"""Photographs of meters: made ready, kept beside the reading, opened only while they are what was kept, and let go."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.models import ReadingDoubt, ReadingPhoto
from cis.reading_pictures import PhotoRefused, meter_photo
from config.shared import files
from config.shared.errors import BadInput

FOLDER = "meter-photos"


class UnusablePhoto(BadInput):
    """The file cannot be kept as a photograph of a meter; the fact `reason` says why in a word."""

    code = "unusable-photo"


@dataclass(frozen=True)
class Photo:
    """A photograph made ready: a JPEG without place and device."""

    content: bytes
    sha256: str


def make_ready(stream: BinaryIO) -> Photo:
    """
    A photograph as it will be kept; nothing is stored.

    :raises UnusablePhoto: no JPEG or PNG, too heavy, too large, too small, or broken
    """
    try:
        content = meter_photo(stream)
    except PhotoRefused as refused:
        text = _why(refused.reason)
        errors = [{"pointer": "/photo", "detail": text}]
        raise UnusablePhoto(text, errors=errors, reason=refused.reason) from refused
    return Photo(content, hashlib.sha256(content).hexdigest())


def keep_photo(photo: Photo, *, installation_id: int, read_on: date, taken_by_id: int, at: datetime) -> int:
    """Keep a photograph beside the meter's reading of a day, in the transaction that stores the reading; its id."""
    key = files.keep(io.BytesIO(photo.content), folder=FOLDER)
    kept, _new = ReadingPhoto.objects.get_or_create(
        installation_id=installation_id,
        read_on=read_on,
        sha256=photo.sha256,
        defaults={"key": key, "size": len(photo.content), "taken_by_id": taken_by_id, "taken_at": at},
    )
    return kept.pk


def let_go(*, at: datetime) -> int:
    """
    Delete the photographs that were kept for `READING_PHOTO_DAYS`, file and row; those of a doubt that waits stay.

    Gives how many.
    """
    oldest = at - timedelta(days=settings.READING_PHOTO_DAYS)
    with transaction.atomic():
        waiting = ReadingDoubt.objects.filter(resolved_at=None).values("installation_id")
        old = ReadingPhoto.objects.filter(taken_at__lt=oldest).exclude(installation_id__in=waiting)
        rows = list(old.values_list("pk", "key"))
        ReadingPhoto.objects.filter(pk__in=[pk for pk, _key in rows]).delete()
        for key in {key for _pk, key in rows}:
            transaction.on_commit(partial(_delete_file, key))
    return len(rows)


def _delete_file(key: str) -> None:
    """Unless another reading has the same picture."""
    if not ReadingPhoto.objects.filter(key=key).exists():
        files.delete(key)


def _why(reason: str) -> str:
    return {
        "heavy": _("照片超过 10 MB。请在手机上把它存小一些，再传一次。"),
        "kind": _("这个文件不是 JPG 或 PNG 照片。请换一张，或用手机重拍一张。"),
        "huge": _("照片的像素太多。请用普通模式重拍，或裁小后再传。"),
        "small": _("照片太小，看不清数字。请靠近电能表重拍，传原图。"),
        "broken": _("照片打不开，可能没有传完整。请再传一次，还不行就换一张。"),
    }[reason]
