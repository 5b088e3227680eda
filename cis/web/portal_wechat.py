"""Signing in with WeChat: out with a state of this session, back with a code; at first a telephone comes after."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cis.operations import portal_wechat as operations
from cis.web.portal_sign_in import WECHAT_WAITING, let_in
from cis.wechat import oauth
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.portal_pages import for_customers

_STATE = "portal_wechat_state"
STATE_LASTS = timedelta(minutes=10)


@never_cache
@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Send the browser to WeChat; the state binds the answer to this session, once."""
    if not settings.WECHAT_APP_ID:
        raise Http404
    state = secrets.token_hex(16)
    request.session[_STATE] = [state, timezone.now().isoformat()]
    address = oauth.authorize_address(
        authorize_url=settings.WECHAT_AUTHORIZE_URL or request.build_absolute_uri(reverse("cis:sim_wechat_authorize")),
        redirect_uri=request.build_absolute_uri(reverse("cis:portal_wechat_back")),
        state=state,
    )
    return redirect(address)


@never_cache
@login_not_required
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """WeChat sent the browser back: somebody known comes in, somebody new proves a telephone first."""
    if not settings.WECHAT_APP_ID:
        raise Http404
    now, code = timezone.now(), request.GET.get("code", "")
    if not _is_own_state(request, now) or not code:
        messages.warning(request, _("微信登录没有成功或已过期，请重新点一次，或用手机号登录。"))
        return redirect("cis:portal_sign_in")
    try:
        who = oauth.exchange(code, api_base=settings.WECHAT_API_BASE or _simulated_base(request))
    except Refused as refused:
        messages.warning(request, refused.message)
        return redirect("cis:portal_sign_in")
    user_id = operations.sign_in(app_id=who.app_id, openid=who.openid, unionid=who.unionid, at=now)
    if user_id is not None:
        let_in(request, user_id)
        return redirect("cis:portal_home")
    request.session[WECHAT_WAITING] = operations.waiting(
        app_id=who.app_id, openid=who.openid, unionid=who.unionid, at=now
    )
    return redirect("cis:portal_sign_in")


@for_customers
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Take the WeChat off one's own sign-in."""
    operations.leave(user_id=staff_of(request).pk, at=timezone.now())
    messages.success(request, _("已解除微信登录，以后用手机号登录。"))
    return redirect("cis:portal_me")


def _is_own_state(request: HttpRequest, now: datetime) -> bool:
    """Whether the answer belongs to what this session asked; a state is good once."""
    kept = request.session.pop(_STATE, None)
    if not kept:
        return False
    state, asked_at = kept
    is_fresh = now - datetime.fromisoformat(asked_at) <= STATE_LASTS
    return constant_time_compare(state, request.GET.get("state", "")) and is_fresh


def _simulated_base(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("cis:sim_wechat_authorize")).removesuffix("/connect/oauth2/authorize")
