"""The door of the whole company's sign-in (OpenID Connect); there only where the settings name one."""

from __future__ import annotations

import hmac
import logging
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.shared import lockout, oidc
from config.shared.errors import NotFound, Refused
from config.shared.models import User
from config.shared.proofs import Proof
from config.shared.web.own_addresses import own_address
from config.shared.web.sign_in import after_first_step
from config.shared.web.sign_in_locked import locked_out

log = logging.getLogger(__name__)

_KEY = "single_sign_on"
_LASTS = timedelta(minutes=10)


@never_cache
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Off to the company's sign-in."""
    _check_on()
    try:
        started = oidc.begin(redirect_uri=_back(request))
    except Refused as refused:
        messages.error(request, refused.message)
        return redirect("login")
    request.session[_KEY] = {
        "state": started.state,
        "nonce": started.nonce,
        "verifier": started.verifier,
        "next": own_address(request, request.GET.get("next", "")),
        "at": timezone.now().isoformat(),
    }
    return HttpResponseRedirect(started.url)


@never_cache
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """Back again: who it is, and whether they work here. Nobody is registered by coming this way."""
    _check_on()
    kept: dict[str, Any] | None = request.session.pop(_KEY, None)
    try:
        if (
            kept is None
            or timezone.now() - datetime.fromisoformat(kept["at"]) > _LASTS
            or not hmac.compare_digest(kept["state"], request.GET.get("state", ""))
        ):
            raise oidc.SingleSignOnFailed(_("这次单位统一登录已经过期，请重新开始。"))
        who = oidc.finish(
            code=request.GET.get("code", ""),
            verifier=kept["verifier"],
            nonce=kept["nonce"],
            redirect_uri=_back(request),
        )
        user = User.objects.filter(username=who, kind=User.Kind.STAFF, is_active=True).first()
        if user is None:
            log.info("single sign-on by somebody unknown")
            raise oidc.SingleSignOnFailed(_("单位统一账号没有对应的员工账号，请管理员先建好，再来登录。"))
    except Refused as refused:
        messages.error(request, refused.message)
        return redirect("login")
    if lockout.is_locked(request, user.username):
        return locked_out(request)
    return after_first_step(request, user, next_url=kept["next"], proof=Proof.SINGLE_SIGN_ON)


def _check_on() -> None:
    if not oidc.is_on():
        raise NotFound(_("这里没有开通单位统一登录，请用用户名和密码登录。"))


def _back(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("single_sign_on_back"))


urlpatterns = [
    path("sign-in/single/", login_not_required(start), name="single_sign_on"),
    path("sign-in/single/back/", login_not_required(back), name="single_sign_on_back"),
]
PUBLIC = {
    "single_sign_on": "the door of the whole company's sign-in",
    "single_sign_on_back": "the same door on the way back; the id_token's signature is checked",
}
