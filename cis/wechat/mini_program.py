"""
Who opened the mini program: the code of its `wx.login` exchanged for an openid (code2session).

A code is good once and for five minutes. The answer also holds a session key, with which a mini program's user data
could be opened; nothing here needs it, so it is not read, kept or sent on. The secret is in no log.

Source: WeChat open documentation, `GET /sns/jscode2session`.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings

from cis.wechat.oauth import Identity, ask, check_code, identity_in


def code_to_session(js_code: str, *, api_base: str) -> Identity:
    """
    Who brought this code.

    :raises WechatRefused: the code is not taken
    :raises WechatSilent: there is no answer, or none that can be read
    """
    check_code(js_code)
    query = urlencode(
        {
            "appid": settings.WECHAT_MINI_APP_ID,
            "secret": settings.WECHAT_MINI_APP_SECRET,
            "js_code": js_code,
            "grant_type": "authorization_code",
        }
    )
    return identity_in(ask(f"{api_base}/sns/jscode2session?{query}"), app_id=settings.WECHAT_MINI_APP_ID)
