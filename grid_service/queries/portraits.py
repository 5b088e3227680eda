"""Photos on cards: one's own card as customers see it, and the picture behind an address."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from config.shared import files
from config.shared.errors import NotFound
from config.shared.models import User
from grid_service.models import Portrait
from grid_service.models.portraits import DIGEST_LENGTH, FOLDER
from grid_service.queries.territory import Holder, Served, districts_at, duties_of


@dataclass(frozen=True, slots=True)
class OwnCard:
    """Somebody as their card shows them, and the cards of the districts where they hold a post; none between posts."""

    me: Holder
    cards: tuple[Served, ...]


def own_card(user_id: int, *, at: datetime) -> OwnCard:
    """What customers see of somebody at a moment."""
    user = User.objects.get(pk=user_id)
    key = Portrait.objects.filter(user_id=user_id).values_list("key", flat=True).first() or ""
    held = [duty.district_id for duty in duties_of(user_id, at=at)]
    served = districts_at(held, at=at)
    return OwnCard(
        Holder(user_id, user.display_name or user.username, "", key[-DIGEST_LENGTH:]),
        tuple(served[one] for one in held if one in served),
    )


def has_portrait(user_id: int) -> bool:
    """Whether somebody put a photo on their card."""
    return Portrait.objects.filter(user_id=user_id).exists()


def picture(digest: str) -> bytes:
    """
    The JPEG of a photo that is on somebody's card now, by its digest.

    :raises NotFound: none is called so, or it was taken back
    """
    key = f"{FOLDER}/{digest[:2]}/{digest}"
    if Portrait.objects.filter(key=key).exists():
        # Between the two looks it may be taken back.
        with suppress(FileNotFoundError), files.open_kept(key) as kept:
            return kept.read()
    raise NotFound(_("没有这张照片，或已经删除。"))
