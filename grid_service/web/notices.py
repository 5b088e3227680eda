"""Notices in the district console: what goes on, writing one, whom it reached, whom not, and what to do then."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries import network, outages
from config.shared.errors import Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.pages import requires
from grid_service.models import Notice
from grid_service.operations import notices as operations
from grid_service.queries import notices as queries
from grid_service.queries.territory import districts_of_transformers
from grid_service.web.district import OVERSEES, WORKS, Ground, ground_of
from grid_service.web.forms import NewTextForm, NoticeForm, refuse

TEXTS = (
    gettext_lazy("明天上午我在小区门口检查用电安全，有问题欢迎来问。"),
    gettext_lazy("近期气温高，请不要同时开太多大功率电器，注意用电安全。"),
    gettext_lazy("线路抢修中，请不要靠近警戒线内的电线和电杆。"),
)


def _mine(request: HttpRequest, ground: Ground) -> Any:
    return queries.notices_within(
        district_ids=ground.district_ids,
        transformer_district_ids=ground.places,
        within=scope_of(staff_of(request), OVERSEES),
    )


@requires(WORKS)
@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    """Interruptions in one's districts, and the notices that went out."""
    ground = ground_of(request)
    context = {
        "outages": outages.known_outages(transformer_district_ids=ground.places, at=timezone.now()),
        "notices": queries.list_notices(_mine(request, ground)),
    }
    return render(request, "grid_service/district/notices.html", context)


@requires(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def notice_new(request: HttpRequest) -> HttpResponse:
    """Write a notice; it is looked at once more before it goes out."""
    ground = ground_of(request)
    places = network.list_transformer_districts(ids=ground.places)
    form = NoticeForm(request.POST or None)
    form.fields["places"].choices = [  # type: ignore[attr-defined]
        (str(place.transformer_district_id), place.name) for place in places
    ]
    if request.method == "POST" and form.is_valid():
        chosen = [int(one) for one in form.cleaned_data["places"]]
        district = next(iter(districts_of_transformers(chosen, at=timezone.now()).values()), 0)
        try:
            notice_id = operations.draft_notice(
                district_id=district,
                transformer_district_ids=chosen,
                text=form.cleaned_data["text"],
                by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect("grid_service:notice", notice_id=notice_id)
    draft = draft_of(request, form, name="write-notice", address=request.path)
    if chosen_text := request.GET.get("text", "")[: operations.MAX_TEXT]:
        form.initial["text"] = chosen_text
    context = {"form": form, "texts": TEXTS, "draft": draft}
    return render(request, "grid_service/district/notice_new.html", context, status=422 if form.errors else 200)


@requires(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def notice(request: HttpRequest, notice_id: int) -> HttpResponse:
    """One notice: send it, correct it, take it back, see whom it reached and see to the others."""
    mine: Any = _mine(request, ground_of(request))
    page = queries.get_notice(mine, notice_id)
    form = NewTextForm(initial={"text": page.row.version.text})
    if request.method == "POST":
        try:
            said = _act(request, page)
        except Refused as refused:
            form = NewTextForm(request.POST)
            form.is_valid()
            refuse(form, refused)
        else:
            if said:
                messages.success(request, said)
            gone = not Notice.objects.filter(pk=notice_id).exists()
            return redirect("grid_service:notices") if gone else redirect("grid_service:notice", notice_id=notice_id)
    context = {
        "page": page,
        "form": form,
        "audience": _audience(page),
    }
    return render(request, "grid_service/district/notice.html", context, status=422 if form.errors else 200)


def _audience(page: queries.NoticePage) -> int:
    """How many households a draft would go to."""
    return sum(network.accounts_behind(page.row.version.places).values()) if page.row.is_draft else 0


def _act(request: HttpRequest, page: queries.NoticePage) -> str:
    """What the pressed button does; gives what is said then."""
    act, now, by_id = request.POST.get("act", ""), timezone.now(), staff_of(request).pk
    notice_id = page.row.notice_id
    if act == "publish":
        count = operations.publish_notice(notice_id=notice_id, at=now)
        return ngettext("已发给 %(count)s 人。", "已发给 %(count)s 人。", count) % {"count": count}
    if act == "change":
        text = request.POST.get("text", "")
        count = operations.change_notice(notice_id=notice_id, text=text, by_id=by_id, at=now)
        return ngettext("已重发给 %(count)s 人。", "已重发给 %(count)s 人。", count) % {"count": count}
    if act == "cancel":
        operations.cancel_notice(notice_id=notice_id, by_id=by_id, at=now)
        return _("已取消，收到过的客户都会知道。")
    account = request.POST.get("account", "")
    if act in ("call", "visit") and account.isdecimal() and page.versions:
        told = next((one for one in page.versions if one.published_at is not None), None)
        if told is not None:
            operations.follow_up(version_id=told.version_id, account_id=int(account[:18]), way=act, by_id=by_id, at=now)
            return _("已记下。")
    return ""
