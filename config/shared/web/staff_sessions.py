"""
The session of a member of staff, from the door to its end: limits, and what must be done before anything else.

Every door of the staff's calls `open_session`; customers have a door and sessions of their own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from config.shared import logs, proofs, second_factors, sessions
from config.shared.errors import PROBLEM, NotFound, problem_body
from config.shared.models import StaffSession, User

_KEY = "staff_session"
_BACKEND = "django.contrib.auth.backends.ModelBackend"
_TOUCH_EVERY = timedelta(minutes=1)

# What somebody may open who must first change a password or set up a second factor.
_PASSWORD_PAGES = {"own_password", "logout", "set_language"}
_FACTOR_PAGES = {
    "own_account",
    "own_password",
    "own_authenticator",
    "own_passkeys",
    "own_recovery_codes",
    "logout",
    "set_language",
}


def open_session(request: HttpRequest, user: User, *, proof: proofs.Proof) -> None:
    """Let a member of staff in who has proved who they are."""
    now = timezone.now()
    # Somebody else may still have been signed in in this browser.
    close_session(request)
    login(request, user, backend=_BACKEND)
    session_id = sessions.begin(
        user_id=user.pk,
        session_key=str(request.session.session_key),
        user_agent=request.headers.get("User-Agent", ""),
        address=address_of(request),
        at=now,
    )
    request.session[_KEY] = {
        "id": session_id,
        "began": now.isoformat(),
        "seen": now.isoformat(),
        "by_password": proof is not proofs.Proof.SINGLE_SIGN_ON,
    }
    proofs.stamp(request, proof, at=now)


def current_id(request: HttpRequest) -> int | None:
    """Which row of the list of sessions this request belongs to."""
    kept = request.session.get(_KEY)
    return int(kept["id"]) if kept else None


def close_session(request: HttpRequest) -> None:
    """Note that the person signs out; Django ends the session itself."""
    session_id = current_id(request)
    if session_id is not None:
        with suppress(NotFound):
            sessions.end_one(session_id=session_id, end=StaffSession.End.SIGNED_OUT, at=timezone.now(), by_id=None)


def key_renewed(request: HttpRequest) -> None:
    """Django gave this session another key, as it does after a change of password."""
    session_id = current_id(request)
    if session_id is not None:
        sessions.renew_key(session_id=session_id, session_key=str(request.session.session_key))


def address_of(request: HttpRequest) -> str | None:
    """The client's address; None where the server has none to tell."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


class StaffSessionMiddleware:
    """Ends sessions that are idle or too old, and leads to what must be done first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Check the session's limits before anybody asks who is there."""
        kept: dict[str, Any] | None = request.session.get(_KEY)
        if kept:
            self._keep_or_end(request, kept, timezone.now())
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_of_view: object) -> HttpResponseBase | None:
        """Lead to the page on which something must be done before any other page opens."""
        user = request.user
        if not isinstance(user, User) or user.kind != User.Kind.STAFF or request.resolver_match is None:
            return None
        name = request.resolver_match.view_name
        # Who comes by the company's sign-in has no use for the temporary password here.
        if user.must_change_password and request.session.get(_KEY, {}).get("by_password", True):
            return None if name in _PASSWORD_PAGES else _lead(request, "own_password", "password-change-needed")
        if name in _FACTOR_PAGES or proofs.has_second_factor(request) or not second_factors.is_required_of(user):
            return None
        return _lead(request, "own_account", "second-factor-needed")

    @staticmethod
    def _keep_or_end(request: HttpRequest, kept: dict[str, Any], now: datetime) -> None:
        began_at, seen_at = datetime.fromisoformat(kept["began"]), datetime.fromisoformat(kept["seen"])
        end = sessions.is_over(began_at=began_at, seen_at=seen_at, at=now)
        if end is not None:
            with suppress(NotFound):
                sessions.end_one(session_id=kept["id"], end=end, at=now, by_id=None)
            logout(request)
        # A page that asks by itself every few seconds is no sign of a person.
        elif now - seen_at >= _TOUCH_EVERY and "X-Quiet" not in request.headers:
            request.session[_KEY] = {**kept, "seen": now.isoformat()}
            sessions.touch(session_id=kept["id"], at=now)


def _lead(request: HttpRequest, url_name: str, code: str) -> HttpResponseBase:
    if request.path.startswith("/api/"):
        title = _("请先在网页上完成账号要求的安全设置。")
        body = problem_body(code=code, title=title, status=403, request_id=logs.request_id.get())
        return JsonResponse(body, status=403, content_type=PROBLEM)
    if getattr(request, "htmx", None):
        return HttpResponseClientRedirect(reverse(url_name))
    return redirect(url_name)
