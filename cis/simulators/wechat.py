"""
A little WeChat: shows who its user is, gives a code, exchanges it once for an openid. It knows nothing of our database.

It checks what WeChat checks: app id, secret, the host we may return to, scope, state, a code's age and single use.
Told so on its page, it answers the next exchange with an error.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

CODE_LASTS_S = 300
USED_KEPT_S = 3600
_STATE = re.compile(r"[A-Za-z0-9]{1,128}")
_FIELDS = ("appid", "redirect_uri", "response_type", "scope", "state")
PEOPLE = ("小陈", "李奶奶", "王师傅")
# What it can be told to answer: WeChat's own codes and texts.
FAULTS = {
    "-1": "system error",
    "40125": "invalid appsecret",
    "40163": "code been used",
    "42003": "oauth_code expired",
    "50002": "user limited",
}
_FAULT_PLACE = "sim-wechat:fault"


def fault_of(asked: dict[str, str], host: str) -> str:
    """Why WeChat would not show its page, as a code; empty when it would."""
    if asked["appid"] != settings.WECHAT_APP_ID:
        return "40013 invalid appid"
    target = urlsplit(asked["redirect_uri"])
    if target.scheme not in ("http", "https") or target.netloc != host:
        return "10003 redirect_uri domain does not match"
    if asked["response_type"] != "code":
        return "10004 response_type must be code"
    if asked["scope"] not in ("snsapi_base", "snsapi_userinfo"):
        return "10005 scope is not granted"
    if not _STATE.fullmatch(asked["state"]):
        return "10006 state is missing or malformed"
    return ""


@never_cache
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Choose who holds the telephone; WeChat itself would know."""
    if not settings.SIMULATORS:
        raise Http404
    sent = request.POST if request.method == "POST" else request.GET
    asked = {name: sent.get(name, "") for name in _FIELDS}
    fault = fault_of(asked, request.get_host())
    if fault:
        return render(request, "cis/sim/wechat_refused.html", {"fault": fault}, status=400)
    if request.method != "POST":
        return render(
            request, "cis/sim/wechat.html", {"fields": asked.items(), "people": PEOPLE, "faults": FAULTS.items()}
        )
    who = request.POST.get("who", "")
    if request.POST.get("fault") in FAULTS:
        cache.set(_FAULT_PLACE, request.POST["fault"], CODE_LASTS_S)
    code = secrets.token_urlsafe(24)
    cache.set(_place(code), {"who": who, "appid": asked["appid"], "state": "fresh"}, CODE_LASTS_S)
    joint = "&" if "?" in asked["redirect_uri"] else "?"
    return redirect(f"{asked['redirect_uri']}{joint}{urlencode({'code': code, 'state': asked['state']})}")


@never_cache
@login_not_required
@require_safe
def access_token(request: HttpRequest) -> JsonResponse:
    """Exchange a code, once, for who its user is to this app."""
    if not settings.SIMULATORS:
        raise Http404
    given = request.GET
    if given.get("appid") != settings.WECHAT_APP_ID:
        return _error(40013, "invalid appid")
    if not constant_time_compare(given.get("secret", ""), settings.WECHAT_APP_SECRET):
        return _error(40125, "invalid appsecret")
    if given.get("grant_type") != "authorization_code":
        return _error(40002, "invalid grant_type")
    told = cache.get(_FAULT_PLACE)
    if told:
        cache.delete(_FAULT_PLACE)
        return _error(int(told), FAULTS[told])
    place = _place(given.get("code", ""))
    known = cache.get(place)
    if known is None:
        return _error(40029, "invalid code")
    # `add` succeeds for one of many that exchange the same code at once.
    if not cache.add(f"{place}:used", 1, USED_KEPT_S):
        return _error(40163, "code been used")
    return JsonResponse(
        {
            "access_token": secrets.token_urlsafe(32),
            "expires_in": 7200,
            "refresh_token": secrets.token_urlsafe(32),
            "openid": openid_of(known["who"], known["appid"]),
            "scope": "snsapi_base",
            "unionid": openid_of(known["who"], "union"),
        }
    )


def openid_of(who: str, app_id: str) -> str:
    """28 characters that are the same for the same user and app."""
    return "o" + hashlib.sha256(f"{app_id}:{who}".encode()).hexdigest()[:27]


def _place(code: str) -> str:
    return f"sim-wechat:{hashlib.sha256(code.encode()).hexdigest()}"


def _error(code: int, text: str) -> JsonResponse:
    return JsonResponse({"errcode": code, "errmsg": text})
