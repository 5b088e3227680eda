"""
How the house looks to whoever is looking: light, dark, large letters.

A choice is kept with the user once somebody is signed in, and in a cookie for customers and for whoever is not signed
in. Counter machines are shared, so for staff only what they chose themselves counts. The page gets `theme` and
`text_size`, which stand on its `<html>`.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config.shared import preferences
from config.shared.models import User
from config.shared.preferences import Appearance
from config.shared.web.own_addresses import own_address

COOKIE = "appearance"
_A_YEAR_S = 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to look, as the switch shows it."""

    value: str
    label: str
    is_chosen: bool


def appearance_of(request: HttpRequest) -> Appearance:
    """What the person looking at the page has chosen, here or with their user."""
    user = getattr(request, "user", None)
    if isinstance(user, User) and (user.kind != User.Kind.CUSTOMER or user.theme or user.text_size):
        return Appearance(user.theme, user.text_size)
    theme, _dot, text_size = request.COOKIES.get(COOKIE, "").partition(".")
    try:
        return preferences.appearance_from(theme, text_size)
    except preferences.NotAChoice:
        return Appearance()


def appearance(request: HttpRequest) -> dict[str, object]:
    """For every template: `theme`, `text_size`, and the choices for the switch."""
    chosen = appearance_of(request)
    themes = (("", _("跟随系统")), ("light", _("浅色")), ("dark", _("深色")))
    sizes = (("", _("标准字")), ("elder", _("大字")))
    return {
        "theme": chosen.theme,
        "text_size": chosen.text_size,
        "theme_choices": [Choice(value, label, value == chosen.theme) for value, label in themes],
        "text_size_choices": [Choice(value, label, value == chosen.text_size) for value, label in sizes],
    }


@login_not_required
@require_POST
def set_appearance(request: HttpRequest) -> HttpResponse:
    """Change the colours, the letters or both, and go back to where one was."""
    now = appearance_of(request)
    chosen = preferences.appearance_from(
        request.POST.get("theme", now.theme), request.POST.get("text_size", now.text_size)
    )
    response = redirect(own_address(request, request.POST.get("next", "")))
    user = request.user
    if isinstance(user, User):
        preferences.keep_appearance(user_id=user.pk, theme=chosen.theme, text_size=chosen.text_size)
    if not isinstance(user, User) or user.kind == User.Kind.CUSTOMER:
        # Counter machines are shared: what one clerk likes is not left behind for the next.
        response.set_cookie(
            COOKIE,
            f"{chosen.theme}.{chosen.text_size}",
            max_age=_A_YEAR_S,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


urlpatterns = [path("appearance/", set_appearance, name="set_appearance")]
# For `tests/architecture`: addresses that need no named permission, and why they do not.
PUBLIC = {"set_appearance": "colours and letters are no secret; it changes only what the asker sees"}
