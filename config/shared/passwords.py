"""Passwords of staff: changed by themselves, or set anew by an administrator for a day."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from config.shared import sessions
from config.shared.models import StaffSession, User

# No letter or figure that is mistaken for another when it is read out or copied by hand.
_LETTERS = "abcdefghjkmnpqrstuvwxyz"
_FIGURES = "23456789"
_GROUPS = 4
_GROUP = 4


def change_password(*, user_id: int, new: str, but_session_id: int | None, at: datetime) -> User:
    """Give somebody the password they chose; every session of theirs but one ends. The changed user."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        user.set_password(new)
        user.must_change_password, user.password_until = False, None
        user.save(update_fields=["password", "must_change_password", "password_until"])
        sessions.end_all(
            user_id=user_id, end=StaffSession.End.PASSWORD_CHANGED, at=at, by_id=user_id, but_id=but_session_id
        )
    return user


def set_temporary_password(*, user_id: int, by_id: int | None, at: datetime) -> str:
    """
    Give somebody a password that lets in for a day and must be changed first thing; all their sessions end.

    The caller checks who may. The returned text is shown once.
    """
    password = new_temporary_password()
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        user.set_password(password)
        user.must_change_password = True
        user.password_until = at + timedelta(seconds=settings.TEMPORARY_PASSWORD_LASTS_S)
        user.save(update_fields=["password", "must_change_password", "password_until"])
        sessions.end_all(user_id=user_id, end=StaffSession.End.PASSWORD_CHANGED, at=at, by_id=by_id)
    return password


def new_temporary_password() -> str:
    """Sixteen letters and figures in groups of four (over 70 bits), easy to read out."""
    alphabet = _LETTERS + _FIGURES
    groups = ["".join(secrets.choice(alphabet) for _ in range(_GROUP)) for _ in range(_GROUPS)]
    return "-".join(groups)
