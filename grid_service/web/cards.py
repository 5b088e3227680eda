"""
The manager's card: who answers for a place now; a part of the portal, the 360, bills on screen and paper.

And the other side of it: one's own card, and the photo one puts there or takes back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries import portal
from cis.queries.customers import account_id_of
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_part, render_todo
from config.shared.web.portal_pages import for_customers
from grid_service.operations.portraits import keep_portrait, remove_portrait
from grid_service.queries import portraits
from grid_service.queries.territory import who_serves_account
from grid_service.queries.working_hours import is_working_time
from grid_service.web.forms import PortraitForm, refuse

WORKS = "grid_service.work_district"
_MONTH_S = 30 * 24 * 60 * 60


def card_of(account_id: int) -> dict[str, Any]:
    """What `_card.html` shows: who serves the account at this moment, when, and who else answers."""
    now = timezone.now()
    return {"served": who_serves_account(account_id, at=now), **_around(now)}


def _around(now: datetime) -> dict[str, Any]:
    """What stands on every card."""
    return {
        "duty_hours": " – ".join(settings.GRID_DUTY_HOURS),
        "is_on_duty": is_working_time(now),
        "hotline": settings.SERVICE_HOTLINE,
        "supervision": settings.SUPERVISION_LINE,
    }


@for_customers
@require_safe
def portal_card(request: HttpRequest, account_no: str) -> HttpResponse:
    """The card of an account of one's own; empty for somebody who only pays for it."""
    account = portal.my_account(user_id=staff_of(request).pk, account_no=account_no, today=timezone.localdate())
    context = {**card_of(account.account_id), "lives_there": account.lives_there}
    return render_part(request, "grid_service/portal/_card_part.html", context, title=_("我的片区经理"))


@requires("cis.view_customer")
@require_safe
def account_card(request: HttpRequest, account_no: str) -> HttpResponse:
    """The card beside a customer and a bill."""
    account_id = account_id_of(account_no)
    saw(request, f"account:{account_id}")
    return render_part(request, "grid_service/parts/_card.html", card_of(account_id), title=_("片区经理"))


@requires("cis.view_customer")
@require_safe
def card_on_paper(request: HttpRequest, account_no: str) -> HttpResponse:
    """The card at the foot of a printed bill."""
    account_id = account_id_of(account_no)
    saw(request, f"account:{account_id}")
    return render(request, "grid_service/parts/_card_on_paper.html", card_of(account_id))


# --- One's own card --------------------------------------------------------------------------


@cache_control(private=True, max_age=_MONTH_S, immutable=True)
@require_safe
def portrait(_request: HttpRequest, digest: str) -> HttpResponse:
    """The photo on a card, for whoever is signed in; another photo has another address."""
    return HttpResponse(portraits.picture(digest), content_type="image/jpeg")


@requires(WORKS)
@require_safe
def my_card_here(request: HttpRequest) -> HttpResponse:
    """The way to one's own card, and whether a photo is on it."""
    has_one = portraits.has_portrait(staff_of(request).pk)
    note = _("照片在名片上。") if has_one else _("还没有照片，客户看到的是您的姓。")
    row = TodoRow(_("客户看到的名片"), reverse("grid_service:my_card"), note=note)
    return render_todo(request, title=_("我的名片"), rows=[row], nothing="")


@requires(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def my_card(request: HttpRequest) -> HttpResponse:
    """One's own card as customers see it; a photo is put on it or replaced."""
    user_id, now = staff_of(request).pk, timezone.now()
    form = PortraitForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            keep_portrait(user_id=user_id, stream=form.cleaned_data["photo"].file, at=now)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("照片已放上名片，客户现在就能看到。"))
            return redirect("grid_service:my_card")
    context = {"own": portraits.own_card(user_id, at=now), "form": form, **_around(now)}
    return render(request, "grid_service/district/my_card.html", context, status=422 if form.errors else 200)


@requires(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def remove_photo(request: HttpRequest) -> HttpResponse:
    """Take one's photo back, after reading what that means; no reason is asked, for none is needed."""
    user_id = staff_of(request).pk
    if request.method == "POST":
        remove_portrait(user_id=user_id)
        messages.success(request, _("照片已删除，名片上不再显示。"))
    elif portraits.has_portrait(user_id):
        return render(request, "grid_service/district/remove_photo.html")
    return redirect("grid_service:my_card")
