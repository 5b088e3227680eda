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


def _answered_for(request: HttpRequest, ground: Ground) -> tuple[int, ...]:
    """The transformer districts whose households one sees to; an overseer's also where no district covers them."""
    overseen = scope_of(staff_of(request), OVERSEES)
    if not overseen:
        return ground.places
    there = network.list_transformer_districts(within=overseen)
    return (*ground.places, *(place.transformer_district_id for place in there))


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
    ground = ground_of(request)
    mine: Any = _mine(request, ground)
    places = _answered_for(request, ground)
    page = queries.get_notice(mine, notice_id, transformer_district_ids=places)
    form = NewTextForm(initial={"text": page.row.version.text})
    if request.method == "POST":
        try:
            said = _act(request, page, ground, places)
        except Refused as refused:
            form = NewTextForm({"text": request.POST.get("text", page.row.version.text)})
            form.is_valid()
            refuse(form, refused)
            # What is typed stays in the form; what stands there by now is shown above it.
            page = queries.get_notice(mine, notice_id, transformer_district_ids=places)
        else:
            if said:
                messages.success(request, said)
            gone = not Notice.objects.filter(pk=notice_id).exists()
            return redirect("grid_service:notices") if gone else redirect("grid_service:notice", notice_id=notice_id)
    context = {
        "page": page,
        "form": form,
        "audience": _audience(page),
        "may_act": page.service_district_id in ground.district_ids,
    }
    return render(request, "grid_service/district/notice.html", context, status=422 if form.errors else 200)


def _audience(page: queries.NoticePage) -> int:
    """How many households a draft would go to."""
    return sum(network.accounts_behind(page.row.version.places).values()) if page.row.is_draft else 0


def _act(request: HttpRequest, page: queries.NoticePage, ground: Ground, places: tuple[int, ...]) -> str:
    """What the pressed button does; gives what is said then."""
    act, now, by_id = request.POST.get("act", ""), timezone.now(), staff_of(request).pk
    notice_id, mine = page.row.notice_id, ground.district_ids
    seen = request.POST.get("from_version", "")[:9]
    from_version = int(seen) if seen.isdecimal() else -1
    if act == "publish":
        count = operations.publish_notice(notice_id=notice_id, district_ids=mine, at=now)
        return ngettext("已发给 %(count)s 人。", "已发给 %(count)s 人。", count) % {"count": count}
    if act == "change":
        text = request.POST.get("text", "")
        count = operations.change_notice(
            notice_id=notice_id, text=text, from_version=from_version, by_id=by_id, district_ids=mine, at=now
        )
        return ngettext("已重发给 %(count)s 人。", "已重发给 %(count)s 人。", count) % {"count": count}
    if act == "cancel":
        operations.cancel_notice(notice_id=notice_id, from_version=from_version, by_id=by_id, district_ids=mine, at=now)
        return _("已取消，收到过的客户都会知道。")
    account = request.POST.get("account", "")
    if act in ("call", "visit") and account.isdecimal() and page.versions:
        told = next((one for one in page.versions if one.published_at is not None), None)
        if told is not None:
            operations.follow_up(
                version_id=told.version_id,
                account_id=int(account[:18]),
                way=act,
                by_id=by_id,
                at=now,
                transformer_district_ids=places,
            )
            return _("已记下。")
    return ""
