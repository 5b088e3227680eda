"""
Who somebody is to WeChat: the address to send them to, and the exchange of the code they bring back.

Only `snsapi_base` is asked for: WeChat gives an openid without asking its user anything, and nothing personal. A code
is good once and for five minutes; the app's secret travels between servers only and is in no log.
"""

from __future__ import annotations

import json
import logging
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.utils.translation import gettext as _

from config.shared.errors import Refused

log = logging.getLogger(__name__)

TIMEOUT_S = 5
_MAX_ANSWER_BYTES = 64 * 1024
_CODE = re.compile(r"[A-Za-z0-9_-]{8,512}")
_ID = re.compile(r"[A-Za-z0-9_-]{6,128}")


class WechatRefused(Refused):
    """WeChat does not take the code: it was used, it is too old, or it is none."""

    code = "wechat-refused"
    status = 422


class WechatSilent(Refused):
    """WeChat cannot be reached or answers nothing that can be read."""

    code = "wechat-silent"
    status = 503


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is to one app; `unionid` is empty where the app belongs to no open-platform account."""

    app_id: str
    openid: str
    unionid: str


def authorize_address(*, authorize_url: str, redirect_uri: str, state: str) -> str:
    """Where to send the browser; WeChat wants the parameters in this order, and the fragment."""
    query = urlencode(
        [
            ("appid", settings.WECHAT_APP_ID),
            ("redirect_uri", redirect_uri),
            ("response_type", "code"),
            ("scope", "snsapi_base"),
            ("state", state),
        ]
    )
    return f"{authorize_url}?{query}#wechat_redirect"


def exchange(code: str, *, api_base: str) -> Identity:
    """
    Who brought this code.

    :raises WechatRefused: the code is not taken
    :raises WechatSilent: there is no answer, or none that can be read
    """
    check_code(code)
    query = urlencode(
        {
            "appid": settings.WECHAT_APP_ID,
            "secret": settings.WECHAT_APP_SECRET,
            "code": code,
            "grant_type": "authorization_code",
        }
    )
    answer = ask(f"{api_base}/sns/oauth2/access_token?{query}")
    return identity_in(answer, app_id=settings.WECHAT_APP_ID)


def check_code(code: str) -> None:
    """
    Ask WeChat nothing about what can be no code of its.

    :raises WechatRefused: it can be none
    """
    if not _CODE.fullmatch(code):
        raise _refused()


def identity_in(answer: dict[str, object], *, app_id: str) -> Identity:
    """
    Who an answer says somebody is; of everything else in it nothing is read.

    :raises WechatRefused, WechatSilent: as for `exchange`
    """
    error = answer.get("errcode")
    if error:
        log.warning("wechat refuses a code", extra={"errcode": str(error)[:16]})
        # 40029 no such code, 40163 used, 42003 too old; everything else is not the customer's doing.
        raise _refused() if error in (40029, 40163, 42003) else _silent()
    openid, unionid = str(answer.get("openid", "")), str(answer.get("unionid", ""))
    if not _ID.fullmatch(openid) or (unionid and not _ID.fullmatch(unionid)):
        raise _silent()
    return Identity(app_id, openid, unionid)


def ask(address: str) -> dict[str, object]:
    """
    What WeChat's server says to a question that carries the app's secret.

    :raises WechatSilent: there is no answer, or none that can be read
    """
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the address is a setting
            read = json.loads(answer.read(_MAX_ANSWER_BYTES))
    except (urllib.error.URLError, TimeoutError, OSError, ValueError) as error:
        # Its kind only: the text of an error may carry the address, and with it the secret.
        log.warning("wechat does not answer", extra={"error": type(error).__name__})
        raise _silent() from None
    if not isinstance(read, dict):
        raise _silent()
    return read


def _refused() -> WechatRefused:
    return WechatRefused(_("微信登录没有成功或已过期，请重新点一次，或用手机号登录。"))


def _silent() -> WechatSilent:
    return WechatSilent(_("现在连不上微信，请用手机号登录，稍后再试微信。"))
