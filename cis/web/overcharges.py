"""Reports of an overcharge, looked into and answered by staff."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cis.operations import overcharges as operations
from cis.queries import overcharges
from cis.queries.audit import record_of
from cis.web.portal_sign_in import refuse
from config.shared.display_formats import format_day
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_todo

_SHOWN = 5
_PAGE = 30


class AnswerForm(forms.Form):
    """What was found."""

    answer = forms.CharField(
        label=gettext_lazy("核实结果"),
        max_length=operations.MAX_TEXT,
        help_text=gettext_lazy("写明核实了什么、下一步找谁；举报人会看到。"),
        widget=forms.Textarea(attrs={"rows": 5}),
    )


@requires("cis.answer_contact")
@require_safe
def overcharges_to_answer(request: HttpRequest) -> HttpResponse:
    """Reports that nobody has answered, the oldest first; from wherever, as service has no areas."""
    rows, count = overcharges.reports_to_answer(limit=_SHOWN)
    zone = timezone.get_current_timezone()
    return render_todo(
        request,
        title=_("等待答复的多收电费举报"),
        lead=_("还有 %(count)s 件没有答复，先看最早的。") % {"count": count} if count > _SHOWN else "",
        rows=[
            TodoRow(
                f"{row.number} {row.charged_by_word}",
                reverse("cis:overcharge", args=[row.report_id]),
                note=row.text,
                end=format_day(row.told_at, zone),
            )
            for row in rows
        ],
        nothing=_("没有等待答复的举报。"),
        all_url=reverse("cis:overcharges"),
        all_label=_("全部举报"),
    )


@requires("cis.answer_contact")
@require_safe
def overcharge_list(request: HttpRequest) -> HttpResponse:
    """Every report, the newest first."""
    before = request.GET.get("before", "")
    rows = overcharges.list_reports(
        limit=_PAGE + 1, before=int(before) if before.isdecimal() and len(before) < 19 else None
    )
    next_url = f"{request.path}?before={rows[_PAGE - 1].report_id}" if len(rows) > _PAGE else ""
    return render(request, "cis/price_check/reports.html", {"reports": rows[:_PAGE], "next_url": next_url})


@requires("cis.answer_contact")
@require_http_methods(["GET", "HEAD", "POST"])
def overcharge(request: HttpRequest, overcharge_id: int) -> HttpResponse:
    """One report, and its answer."""
    row = overcharges.get_report(overcharge_id)
    if row.account_id is not None:
        saw(request, record_of(row.account_id))
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            operations.answer_report(
                report_id=overcharge_id,
                text=form.cleaned_data["answer"],
                answered_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已答复，举报人用自己的网址能看到。"))
            return redirect("cis:overcharge", overcharge_id=overcharge_id)
    context = {"report": row, "form": form}
    return render(request, "cis/price_check/one.html", context, status=422 if form.errors else 200)


@requires("cis.answer_contact")
@require_POST
def overcharge_take(request: HttpRequest, overcharge_id: int) -> HttpResponse:
    """Begin to look into it."""
    try:
        operations.take_up(report_id=overcharge_id, taken_by_id=staff_of(request).pk, at=timezone.now())
        messages.success(request, _("已由您核实，举报人会看到正在核实。"))
    except (operations.AlreadyTakenUp, operations.AlreadyAnswered) as refused:
        messages.warning(request, refused.message)
    return redirect("cis:overcharge", overcharge_id=overcharge_id)
