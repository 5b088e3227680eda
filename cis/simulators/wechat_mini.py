"""
A little WeChat for the mini program: `wx.login` gives a code to whoever holds the telephone, code2session takes it.

It checks what WeChat checks: app id, secret, kind of grant, a code's age and single use, so many exchanges a minute of
one user. Told so with a code, it answers the exchange of that code with an error.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from cis.simulators.wechat import PEOPLE, openid_of

CODE_LASTS_S = 300
USED_KEPT_S = 3600
EXCHANGES_A_MINUTE = 100
"""of one user; more are 45011"""
FAULTS = {
    "-1": "system error",
    "40029": "invalid code",
    "40163": "code been used",
    "40226": "code blocked",
    "45011": "api minute-quota reach limit, must slower, retry next minute",
}


@never_cache
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """What `wx.login` does on the telephone: choose who holds it, get a code. Programs ask for JSON."""
    if not settings.SIMULATORS:
        raise Http404
    code, who = "", request.POST.get("who", "")
    if request.method == "POST" and 0 < len(who) <= 64:
        code = secrets.token_urlsafe(24)
        fault = request.POST.get("fault", "")
        kept = {"who": who, "appid": settings.WECHAT_MINI_APP_ID, "fault": fault if fault in FAULTS else ""}
        cache.set(_place(code), kept, CODE_LASTS_S)
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"errMsg": "login:ok", "code": code} if code else {"errMsg": "login:fail"})
    context = {"people": PEOPLE, "faults": FAULTS.items(), "code": code, "who": who}
    return render(request, "cis/sim/wechat_mini.html", context)


@never_cache
@login_not_required
@require_safe
def code_to_session(request: HttpRequest) -> JsonResponse:
    """Exchange a code, once, for who its user is to the mini program. Errors come with status 200, as WeChat's do."""
    if not settings.SIMULATORS:
        raise Http404
    given = request.GET
    if given.get("appid") != settings.WECHAT_MINI_APP_ID:
        return _error(40013, "invalid appid")
    if not constant_time_compare(given.get("secret", ""), settings.WECHAT_MINI_APP_SECRET):
        return _error(40125, "invalid appsecret")
    if given.get("grant_type") != "authorization_code":
        return _error(40002, "invalid grant_type")
    if not given.get("js_code"):
        return _error(41008, "missing code")
    place = _place(given["js_code"])
    known = cache.get(place)
    if known is None or known["appid"] != given["appid"]:
        return _error(40029, FAULTS["40029"])
    if known["fault"]:
        return _error(int(known["fault"]), FAULTS[known["fault"]])
    if _is_too_often(known["who"]):
        return _error(45011, FAULTS["45011"])
    # `add` succeeds for one of many that exchange the same code at once.
    if not cache.add(f"{place}:used", 1, USED_KEPT_S):
        return _error(40163, FAULTS["40163"])
    return JsonResponse(
        {
            "openid": openid_of(known["who"], known["appid"]),
            "session_key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "unionid": openid_of(known["who"], "union"),
        }
    )


def _is_too_often(who: str) -> bool:
    place = f"sim-wechat-mini:times:{hashlib.sha256(who.encode()).hexdigest()}"
    cache.add(place, 0, 60)
    return cache.incr(place) > EXCHANGES_A_MINUTE


def _place(code: str) -> str:
    return f"sim-wechat-mini:{hashlib.sha256(code.encode()).hexdigest()}"


def _error(code: int, text: str) -> JsonResponse:
    return JsonResponse({"errcode": code, "errmsg": text})
