"""A person's WeChat: sign in by one that is joined, join one to a person who proved a telephone, leave it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.models import WechatIdentity
from config.shared import app_sessions
from config.shared.errors import NotFound, Refused
from config.shared.models import User
from config.shared.personal_data import CannotDecrypt, blind_index, decrypt, encrypt

WAITS = timedelta(minutes=10)


class WechatTaken(Refused):
    """This WeChat is joined to another person."""

    code = "wechat-taken"


def sign_in(*, app_id: str, openid: str, unionid: str, at: datetime) -> int | None:
    """
    The person this WeChat is joined to; None where it is joined to nobody yet.

    An openid belongs to one app; a unionid that is known from another app of the company leads to the same person.
    """
    with transaction.atomic():
        user_id = _known(app_id, openid)
        if user_id is None and unionid:
            user_id = (
                WechatIdentity.objects.filter(unionid_index=_union(unionid), left_at=None)
                .values_list("user_id", flat=True)
                .first()
            )
            if user_id is not None:
                _create(user_id, app_id, openid, unionid, at)
        if user_id is None or not User.objects.filter(pk=user_id, is_active=True, kind=User.Kind.CUSTOMER).exists():
            return None
        return user_id


def waiting(*, app_id: str, openid: str, unionid: str, at: datetime) -> str:
    """An identity that nobody has yet, sealed, to be kept until its person has proved a telephone."""
    return encrypt(json.dumps([app_id, openid, unionid, at.isoformat()]))


def join(*, user_id: int, sealed: str, at: datetime) -> bool:
    """
    Join a waiting WeChat to a person who has just proved a telephone; whether it was still good.

    :raises WechatTaken: it was joined to another person meanwhile
    """
    try:
        app_id, openid, unionid, asked_at = json.loads(decrypt(sealed))
    except (CannotDecrypt, ValueError):
        return False
    if at - datetime.fromisoformat(asked_at) > WAITS:
        return False
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 16))", [_open(app_id, openid).hex()])
        known = _known(app_id, openid)
        if known is not None and known != user_id:
            raise WechatTaken(_("这个微信已经和另一个手机号连在一起，请先用那个手机号登录并解除。"))
        if known is None:
            _create(user_id, app_id, openid, unionid, at)
    return True


def leave(*, user_id: int, at: datetime) -> None:
    """
    Take all WeChats from a person; apps that came in by one are signed out, they come in by telephone as before.

    :raises NotFound: they have none
    """
    with transaction.atomic():
        if not WechatIdentity.objects.filter(user_id=user_id, left_at=None).update(left_at=at):
            raise NotFound(_("没有连着微信。"))
        app_sessions.end_with_wechat(user_id=user_id, at=at)


def _known(app_id: str, openid: str) -> int | None:
    return (
        WechatIdentity.objects.filter(app_id=app_id, openid_index=_open(app_id, openid), left_at=None)
        .values_list("user_id", flat=True)
        .first()
    )


def _create(user_id: int, app_id: str, openid: str, unionid: str, at: datetime) -> None:
    WechatIdentity.objects.create(
        user_id=user_id,
        app_id=app_id,
        openid=openid,
        openid_index=_open(app_id, openid),
        unionid_index=_union(unionid) if unionid else None,
        joined_at=at,
    )


# Upper and lower case are different people to WeChat, and the same to a blind index.
def _open(app_id: str, openid: str) -> bytes:
    return blind_index(f"openid:{app_id}:{openid.encode().hex()}")


def _union(unionid: str) -> bytes:
    return blind_index(f"unionid:{unionid.encode().hex()}")
