"""
Sessions of customers' apps: begin, recognise, end.

A token is 256 random bits, told once and never kept; who holds it is the session's person until it runs out, lies
unused for too long, is ended, or its person is shut out. A session of which only the WeChat is known sees nothing: it
ends when its person has proved a telephone and begun another.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from config.shared.devices import summary_of
from config.shared.errors import NotFound
from config.shared.models import AppSession, User

# Somebody without a telephone yet is about to type its code.
WAITS = timedelta(minutes=30)
# To the minute is enough to see whether a session is in use.
_NOTE_EVERY = timedelta(minutes=1)
_TOKEN_LENGTHS = range(40, 65)


@dataclass(frozen=True, slots=True)
class WechatOfApp:
    """Who somebody is to the app in WeChat; all empty where the app knows no WeChat."""

    app_id: str = ""
    openid: str = ""
    unionid: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """A new session; `token` is told here and nowhere again."""

    session_id: int
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token a request carries; `user_id` is None while nobody has proved a telephone."""

    session_id: int
    user_id: int | None
    wechat: WechatOfApp
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AppSessionRow:
    """One app that is signed in, as its person sees it."""

    session_id: int
    device: str
    began_at: datetime
    seen_at: datetime
    expires_at: datetime
    is_this: bool


def begin(
    *,
    user_id: int | None,
    wechat: WechatOfApp,
    user_agent: str,
    at: datetime,
    instead_of: int | None = None,
) -> Begun:
    """
    Begin a session; the person's oldest ones beyond the number allowed at once end, and so does `instead_of`.

    :raises ValueError: neither a person nor a WeChat: that is nobody
    """
    if user_id is None and not wechat.app_id:
        raise ValueError("a session of nobody")
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        if user_id is not None:
            # One door at a time per person, or two sign-ins at once would both find room.
            User.objects.select_for_update().get(pk=user_id)
        made = AppSession.objects.create(
            digest=_digest(token),
            user_id=user_id,
            app_id=wechat.app_id,
            openid=wechat.openid,
            unionid=wechat.unionid,
            device=summary_of(user_agent),
            began_at=at,
            seen_at=at,
            expires_at=at + (WAITS if user_id is None else settings.APP_SESSION_LASTS),
        )
        if instead_of is not None:
            _end(AppSession.objects.filter(pk=instead_of), at)
        if user_id is not None:
            newest = AppSession.objects.filter(user_id=user_id, ended_at=None).order_by("-began_at", "-pk")
            too_many = list(newest.values_list("pk", flat=True))[settings.APP_SESSIONS_AT_ONCE :]
            _end(AppSession.objects.filter(pk__in=too_many), at)
    return Begun(made.pk, token, made.expires_at)


def recognise(token: str, *, at: datetime) -> tuple[Caller, User | None] | None:
    """Whose token this is, and the user; None for one that is nobody's any more. One statement, rarely two."""
    if len(token) not in _TOKEN_LENGTHS:
        return None
    found = AppSession.objects.select_related("user").filter(digest=_digest(token), ended_at=None).first()
    if found is None:
        return None
    user = found.user
    is_over = found.expires_at <= at or found.seen_at + settings.APP_SESSION_IDLE <= at
    is_shut_out = user is not None and not (user.is_active and user.kind == User.Kind.CUSTOMER)
    if is_over or is_shut_out:
        # It stays dead when the person is let in again.
        _end(AppSession.objects.filter(pk=found.pk), at)
        return None
    if at - found.seen_at >= _NOTE_EVERY:
        AppSession.objects.filter(pk=found.pk, ended_at=None).update(seen_at=at)
    wechat = WechatOfApp(found.app_id, found.openid, found.unionid)
    return Caller(found.pk, found.user_id, wechat, found.expires_at), user


def end(*, session_id: int, at: datetime, user_id: int | None = None) -> None:
    """
    End a session: its token is nobody's from now on.

    :param user_id: whose it must be; anybody's when None
    :raises NotFound: there is no such open session
    """
    rows = AppSession.objects.filter(pk=session_id)
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    if not _end(rows, at):
        raise NotFound(_("这次登录已经结束，刷新页面看最新的列表。"))


def end_with_wechat(*, user_id: int, at: datetime) -> None:
    """The person took their WeChat away: apps that came in by it are signed out."""
    _end(AppSession.objects.filter(user_id=user_id).exclude(app_id=""), at)


def sessions_of(user_id: int, *, at: datetime, this_id: int | None = None) -> tuple[AppSessionRow, ...]:
    """Which apps a person is signed in with, newest first."""
    rows = AppSession.objects.filter(_alive(at), user_id=user_id).order_by("-began_at", "-pk")
    return tuple(
        AppSessionRow(row.pk, row.device or _("未知设备"), row.began_at, row.seen_at, row.expires_at, row.pk == this_id)
        for row in rows[: settings.APP_SESSIONS_AT_ONCE]
    )


def prune(*, at: datetime, before: datetime) -> int:
    """Forget what has run out, and sessions that ended before a moment; how many. Repeated, it finds nothing."""
    over = Q(ended_at__lt=before) | Q(ended_at=None) & ~_alive(at)
    return AppSession.objects.filter(over).delete()[0]


def _alive(at: datetime) -> Q:
    return Q(ended_at=None, expires_at__gt=at, seen_at__gt=at - settings.APP_SESSION_IDLE)


def _end(rows: QuerySet[AppSession], at: datetime) -> int:
    return rows.filter(ended_at=None).update(digest=None, app_id="", openid="", unionid="", ended_at=at)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
