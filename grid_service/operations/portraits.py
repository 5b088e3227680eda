"""The photo on one's own card: put there, replaced, taken back at once."""

from __future__ import annotations

import io
from datetime import datetime
from functools import partial
from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext as _

from config.shared import files
from config.shared.errors import BadInput
from config.shared.models import User
from grid_service.models import Portrait
from grid_service.models.portraits import FOLDER
from grid_service.portrait_pictures import PictureRefused, square_portrait


class UnusablePhoto(BadInput):
    """The file cannot become the picture of a card; the fact `reason` says why in a word."""

    code = "unusable-photo"


def keep_portrait(*, user_id: int, stream: BinaryIO, at: datetime) -> None:
    """
    Put somebody's own photo on their card instead of the one before, whose file is deleted.

    :raises UnusablePhoto: no JPEG or PNG, over 5 MB or 40 million pixels, under 200 pixels, or broken
    """
    try:
        picture = square_portrait(stream)
    except PictureRefused as refused:
        message = _why(refused.reason)
        raise UnusablePhoto(
            message, errors=[{"pointer": "/photo", "detail": message}], reason=refused.reason
        ) from refused
    with transaction.atomic():
        before = _key_of_locked(user_id)
        key = files.keep(io.BytesIO(picture), folder=FOLDER)
        Portrait.objects.update_or_create(user_id=user_id, defaults={"key": key, "kept_at": at})
        if before and before != key:
            transaction.on_commit(partial(_delete_file, user_id, before))


def remove_portrait(*, user_id: int) -> None:
    """Take somebody's own photo from their card and delete its file; where there is none, none is left either."""
    with transaction.atomic():
        key = _key_of_locked(user_id)
        Portrait.objects.filter(user_id=user_id).delete()
        if key:
            transaction.on_commit(partial(_delete_file, user_id, key))


def _key_of_locked(user_id: int) -> str:
    """What is kept of somebody, while nobody else changes it; the person's row is the lock, for there may be none."""
    User.objects.select_for_update(no_key=True).get(pk=user_id)
    return Portrait.objects.filter(user_id=user_id).values_list("key", flat=True).first() or ""


def _delete_file(user_id: int, key: str) -> None:
    """The file goes after the row; unless it is on a card again, or on that of somebody with the same picture."""
    with transaction.atomic():
        _key_of_locked(user_id)
        if not Portrait.objects.filter(key=key).exists():
            files.delete(key)


def _why(reason: str) -> str:
    return {
        "heavy": _("照片超过 5 MB。请在手机上把它存小一些，再传一次。"),
        "kind": _("这个文件不是 JPG 或 PNG 照片。请换一张，或用手机重拍一张。"),
        "huge": _("照片的像素太多，超过 4000 万。请用普通模式重拍，或裁小后再传。"),
        "small": _("照片太小，短的一边不到 200 像素。请传原图，不要传缩略图。"),
        "broken": _("照片打不开，可能没有传完整。请再传一次，还不行就换一张。"),
    }[reason]
