"""The brake on mass notices: what is held and why, what was asked for since yesterday, and the limits."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from config.shared import notice_stops
from config.shared.display_formats import format_moment
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_todo


class AskForm(forms.Form):
    """What shall become of held notices, and why."""

    stop_id = forms.IntegerField(widget=forms.HiddenInput)
    act = forms.ChoiceField(
        label=gettext_lazy("怎么处理"),
        choices=(
            ("release", gettext_lazy("放行：核对无误，发出去")),
            ("cancel", gettext_lazy("取消：内容有误，不再发出")),
        ),
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=gettext_lazy("核对了什么"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("写给审批人：抽查了哪几户，异常的原因是什么。"),
    )


@never_cache
@requires("shared.watch_notices")
@require_http_methods(["GET", "HEAD", "POST"])
def notice_stops_page(request: HttpRequest) -> HttpResponse:
    """What the brake holds; ask that it is released or cancelled."""
    now = timezone.now()
    form = AskForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            notice_stops.ask(**form.cleaned_data, asked_by_id=staff_of(request).pk, at=now)
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("已提交审批。另一人批准前，消息仍然拦着。"))
            return redirect("notice_stops")
    rows = notice_stops.list_stops()
    typed_for = form.data.get("stop_id", "") if form.is_bound else ""
    context = {
        "held": [
            {
                "row": row,
                "form": form if typed_for == str(row.stop_id) else AskForm(initial={"stop_id": row.stop_id}),
            }
            for row in rows
            if row.is_open
        ],
        "past": [row for row in rows if not row.is_open],
        "counts": notice_stops.list_counts(at=now),
    }
    return render(request, "shared/messaging/stops.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
@requires("shared.watch_notices")
def stopped_notices(request: HttpRequest) -> HttpResponse:
    """What the brake holds, as a part of a home page."""
    zone = timezone.get_current_timezone()
    rows = [row for row in notice_stops.list_stops() if row.is_open]
    return render_todo(
        request,
        title=_("被拦下的群发"),
        rows=[
            TodoRow(
                row.what,
                reverse("notice_stops"),
                note=row.figures,
                end=format_moment(row.opened_at, zone),
                is_bad=True,
            )
            for row in rows
        ],
        nothing=_("没有被拦下的群发。"),
        all_url=reverse("notice_stops"),
        all_label=_("群发刹车"),
    )


urlpatterns: list[URLPattern] = [
    path("console/messages/stops/", notice_stops_page, name="notice_stops"),
    path("console/messages/stops/to-do/", stopped_notices, name="stopped_notices"),
]
