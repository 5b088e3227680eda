"""Photographs of meters for those who may see them, opened only while they are what was kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from cis.models import AccountPoint, ReadingDoubt, ReadingPhoto
from config.shared import files
from config.shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """One photograph and whose account's meter it shows."""

    photo_id: int
    account_id: int
    read_on: date
    key: str
    sha256: str
    taken_by: str
    taken_at: datetime


def get_photo(photo_id: int) -> PhotoRow:
    """
    A photograph for staff, who serve every customer.

    :raises NotFound: there is none, or its file is not what was kept
    """
    photo = ReadingPhoto.objects.select_related("taken_by", "installation").filter(pk=photo_id).first()
    owner = None
    if photo is not None:
        points = AccountPoint.objects.filter(point_id=photo.installation.point_id)
        # What is read on the day a supply ends is the one's who leaves.
        owner = points.filter(valid__contains=photo.read_on).first() or points.order_by("-valid").first()
    if photo is None or owner is None or not _is_what_was_kept(photo):
        raise NotFound(_("没有这张照片。"))
    return PhotoRow(
        photo.pk,
        owner.account_id,
        photo.read_on,
        photo.key,
        photo.sha256,
        photo.taken_by.display_name or photo.taken_by.username,
        photo.taken_at,
    )


def photo_of_account(photo_id: int, *, account_id: int, first_day: date | None, last_day: date | None) -> PhotoRow:
    """
    A photograph of one account's own meter, for its customer; of a tenant's own time only.

    :raises NotFound: there is none, it is another account's, or of other days
    """
    found = get_photo(photo_id)
    is_theirs = (first_day or date.min) <= found.read_on <= (last_day or date.max)
    if found.account_id != account_id or not is_theirs:
        raise NotFound(_("没有这张照片。"))
    return found


def photos_of_doubt(doubt_id: int) -> list[PhotoRow]:
    """The photographs beside the reading that is in doubt."""
    doubt = ReadingDoubt.objects.filter(pk=doubt_id).values("installation_id", "read_on")
    found = doubt.first() or {"installation_id": 0, "read_on": date.min}
    rows = ReadingPhoto.objects.select_related("taken_by").filter(**found)
    return [
        PhotoRow(p.pk, 0, p.read_on, p.key, p.sha256, p.taken_by.display_name or p.taken_by.username, p.taken_at)
        for p in rows.order_by("pk")
    ]


def _is_what_was_kept(photo: ReadingPhoto) -> bool:
    try:
        with files.open_kept(photo.key) as kept:
            return hashlib.sha256(kept.read()).hexdigest() == photo.sha256
    except FileNotFoundError:
        return False
