"""Sign in with an app: by the WeChat of its mini program, or by a telephone, which a new WeChat is then joined to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cis.operations import portal, portal_wechat
from cis.operations.portal_wechat import WechatTaken
from config.shared import app_sessions
from config.shared.app_sessions import Caller, WechatOfApp

NO_WECHAT = WechatOfApp()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session; `user_id` is None where a telephone must be proved first."""

    token: str
    expires_at: datetime
    user_id: int | None
    has_wechat: bool


def sign_in_with_wechat(*, wechat: WechatOfApp, user_agent: str, at: datetime) -> SignedIn:
    """A session of whoever this WeChat is joined to; of nobody known where it is joined to nobody."""
    user_id = portal_wechat.sign_in(app_id=wechat.app_id, openid=wechat.openid, unionid=wechat.unionid, at=at)
    begun = app_sessions.begin(user_id=user_id, wechat=wechat, user_agent=user_agent, at=at)
    return SignedIn(begun.token, begun.expires_at, user_id, has_wechat=True)


def sign_in_with_telephone(
    *, telephone: str, code: str, before: Caller | None, user_agent: str, at: datetime
) -> SignedIn:
    """
    A session of whoever holds the telephone, in place of the one `before`, whose WeChat is joined if nobody has it.

    :raises TelephoneUnfit: it is no mobile number
    :raises CodeWrong: it is not the newest code of this number, or no longer
    :raises PersonIsBlocked: the person may not come in
    """
    user_id = portal.sign_in(telephone=portal.mobile_number(telephone), code=code, at=at)
    # A WeChat that is somebody's already stays theirs, whoever's telephone was proved on this device.
    wechat = before.wechat if before is not None and before.user_id is None else NO_WECHAT
    if not (wechat.app_id and _join(user_id, wechat, at)):
        wechat = NO_WECHAT
    begun = app_sessions.begin(
        user_id=user_id,
        wechat=wechat,
        user_agent=user_agent,
        at=at,
        instead_of=before.session_id if before is not None else None,
    )
    return SignedIn(begun.token, begun.expires_at, user_id, has_wechat=bool(wechat.app_id))


def _join(user_id: int, wechat: WechatOfApp, at: datetime) -> bool:
    sealed = portal_wechat.waiting(app_id=wechat.app_id, openid=wechat.openid, unionid=wechat.unionid, at=at)
    try:
        return portal_wechat.join(user_id=user_id, sealed=sealed, at=at)
    except WechatTaken:
        # That the person is in stays true.
        return False
