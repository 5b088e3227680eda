"""Where a person is signed in to the portal; ending it elsewhere."""

from __future__ import annotations

import re
from datetime import datetime
from importlib import import_module

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.models import PortalSession
from config.shared.errors import NotFound

# The most telling word of a browser's own description, in this order.
_DEVICES = (
    ("MicroMessenger", "微信"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def begin(*, user_id: int, session_key: str, user_agent: str, at: datetime) -> int:
    """Note a session that was just opened. Gives its id."""
    with transaction.atomic():
        # A browser that signs in again gets a new key; rows of keys that are gone end with it.
        PortalSession.objects.filter(session_key=session_key).update(session_key=None, ended_at=at)
        return PortalSession.objects.create(
            user_id=user_id, session_key=session_key, device=device_of(user_agent), began_at=at
        ).pk


def device_of(user_agent: str) -> str:
    """What a browser says it runs on, in one word; empty where it says nothing known."""
    return next((name for word, name in _DEVICES if re.search(word, user_agent)), "")


def end_one(*, user_id: int, session_id: int, at: datetime) -> None:
    """
    End one of a person's own sessions: its next request is a stranger's.

    :raises NotFound: they have no such open session
    """
    with transaction.atomic():
        row = PortalSession.objects.select_for_update().filter(pk=session_id, user_id=user_id, ended_at=None).first()
        if row is None:
            raise NotFound(_("这次登录已经结束，刷新页面看最新的列表。"))
        import_module(settings.SESSION_ENGINE).SessionStore(row.session_key).delete()
        row.session_key, row.ended_at = None, at
        row.save(update_fields=["session_key", "ended_at"])
