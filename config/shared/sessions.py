"""
Sessions of staff: begin, see, end. The row here is the list; Django's session (kept in the database, so that both end
in one transaction) is what lets in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared.devices import summary_of
from config.shared.errors import NotFound
from config.shared.models import StaffSession, User

End = StaffSession.End
END_WORDS: dict[str, str | Promise] = {
    End.SIGNED_OUT: gettext_lazy("自己退出"),
    End.IDLE: gettext_lazy("长时间没有操作"),
    End.TOO_OLD: gettext_lazy("超过最长时间"),
    End.TOO_MANY: gettext_lazy("同时登录过多"),
    End.ENDED_ELSEWHERE: gettext_lazy("在别处退出"),
    End.ENDED_BY_ADMINISTRATOR: gettext_lazy("管理员让它退出"),
    End.PASSWORD_CHANGED: gettext_lazy("密码已更换"),
    End.DISABLED: gettext_lazy("账号已停用"),
}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session as its owner and administrators see it."""

    session_id: int
    device: str
    address: str
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    end_word: str
    is_current: bool


def begin(*, user_id: int, session_key: str, user_agent: str, address: str | None, at: datetime) -> int:
    """Note a session that was just opened; the oldest ones beyond the number allowed at once end."""
    with transaction.atomic():
        # One door at a time per person, or two sign-ins at once would both find room.
        User.objects.select_for_update().get(pk=user_id)
        made = StaffSession.objects.create(
            user_id=user_id,
            session_key=session_key,
            device=summary_of(user_agent),
            address=address,
            began_at=at,
            seen_at=at,
        )
        open_ids = list(_open_of(user_id).order_by("-began_at", "-pk").values_list("pk", flat=True))
        _end(open_ids[settings.STAFF_SESSIONS_AT_ONCE :], end=End.TOO_MANY, at=at, by_id=None)
    return made.pk


def touch(*, session_id: int, at: datetime) -> None:
    """The person is still there."""
    StaffSession.objects.filter(pk=session_id, ended_at=None).update(seen_at=at)


def renew_key(*, session_id: int, session_key: str) -> None:
    """Django gave the session another key (after a change of password)."""
    StaffSession.objects.filter(pk=session_id, ended_at=None).update(session_key=session_key)


def end_one(
    *, session_id: int, end: StaffSession.End, at: datetime, by_id: int | None, user_id: int | None = None
) -> None:
    """
    End a session: its next request is a stranger's.

    :param user_id: whose it must be; anybody's when None
    :raises NotFound: there is no such open session
    """
    with transaction.atomic():
        rows = StaffSession.objects.filter(pk=session_id, ended_at=None)
        if user_id is not None:
            rows = rows.filter(user_id=user_id)
        if not _end(list(rows.values_list("pk", flat=True)), end=end, at=at, by_id=by_id):
            raise NotFound(_("这个登录已经结束，刷新页面看最新的列表。"))


def end_all(*, user_id: int, end: StaffSession.End, at: datetime, by_id: int | None, but_id: int | None = None) -> int:
    """End every session of a person (but one); how many there were."""
    with transaction.atomic():
        rows = _open_of(user_id).exclude(pk=but_id)
        return _end(list(rows.values_list("pk", flat=True)), end=end, at=at, by_id=by_id)


def list_sessions(*, user_id: int, current_id: int | None = None, limit: int = 20) -> list[SessionRow]:
    """The sessions of a person: open ones first, then the newest ended ones."""
    rows = StaffSession.objects.filter(user_id=user_id).order_by("-began_at", "-pk")[: limit * 2]
    shown = sorted(rows, key=lambda row: (row.ended_at is not None, row.pk != current_id))
    return [
        SessionRow(
            session_id=row.pk,
            device=row.device,
            address=row.address or "",
            began_at=row.began_at,
            seen_at=row.seen_at,
            ended_at=row.ended_at,
            end_word=str(END_WORDS.get(row.end, "")),
            is_current=row.pk == current_id,
        )
        for row in shown[:limit]
    ]


def prune(*, before: datetime) -> int:
    """Forget sessions that ended, or were last seen, before a moment; how many."""
    ended, _by_kind = StaffSession.objects.filter(ended_at__lt=before).delete()
    # Closed by no one: their Django session ran out long ago.
    lost, _by_kind = StaffSession.objects.filter(ended_at=None, seen_at__lt=before).delete()
    return ended + lost


def is_over(*, began_at: datetime, seen_at: datetime, at: datetime) -> StaffSession.End | None:
    """Which limit a session has passed at a moment, if any."""
    if at - began_at >= timedelta(seconds=settings.STAFF_SESSION_LIMIT_S):
        return End.TOO_OLD
    if at - seen_at >= timedelta(seconds=settings.STAFF_SESSION_IDLE_S):
        return End.IDLE
    return None


def _open_of(user_id: int) -> Any:
    return StaffSession.objects.filter(user_id=user_id, ended_at=None)


def _end(ids: list[int], *, end: StaffSession.End, at: datetime, by_id: int | None) -> int:
    rows = list(StaffSession.objects.select_for_update().filter(pk__in=sorted(ids), ended_at=None).order_by("pk"))
    Session.objects.filter(session_key__in=[row.session_key for row in rows]).delete()
    StaffSession.objects.filter(pk__in=[row.pk for row in rows]).update(
        session_key=None, ended_at=at, end=end, ended_by_id=by_id
    )
    return len(rows)
