"""The page where a second person decides: what waits for me, what I asked for, one request with its history."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from config.shared import approval_queries, approvals
from config.shared.display_formats import format_moment
from config.shared.errors import NotFound, Refused
from config.shared.permissions import staff_of
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_todo
from config.shared.web.step_up import requires_step_up

_PAGE = 20
_TO_DO = 5


class DecisionForm(forms.Form):
    """What the decider wants to say; needed only to say no."""

    note = forms.CharField(
        label=gettext_lazy("审批意见"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("驳回时必须写明原因，申请人会看到。"),
    )


def _key(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


@never_cache
@require_safe
@requires("shared.use_approvals")
def approval_list(request: HttpRequest) -> HttpResponse:
    """What waits for me, oldest first; what I asked for or decided, newest first."""
    user, now = staff_of(request), timezone.now()
    waiting = approval_queries.list_waiting_for(user, at=now, limit=_PAGE + 1, after=_key(request, "after"))
    mine = approval_queries.list_of(user, limit=_PAGE + 1, before=_key(request, "before"))
    context = {
        "waiting": waiting[:_PAGE],
        "waiting_next": f"?after={waiting[_PAGE - 1].approval_id}" if len(waiting) > _PAGE else "",
        "mine": mine[:_PAGE],
        "mine_next": f"?before={mine[_PAGE - 1].approval_id}" if len(mine) > _PAGE else "",
    }
    return render(request, "shared/approvals/list.html", context)


@never_cache
@require_safe
@requires("shared.use_approvals")
def approval_page(request: HttpRequest, approval_id: int) -> HttpResponse:
    """One request: what will happen, why, who asked; the way to decide for those who may."""
    return _draw(request, approval_id, DecisionForm(), status=200)


def _draw(request: HttpRequest, approval_id: int, form: DecisionForm, *, status: int) -> HttpResponse:
    page = approval_queries.get_approval(approval_id, user=staff_of(request), at=timezone.now())
    kinds = {"refused": "bad", "carried-out": "good", "expired": "warn"}
    context = {
        "page": page,
        "row": page.row,
        "form": form,
        "events": [
            {"title": step.label, "at": step.at, "who": step.who, "text": step.note, "kind": kinds.get(step.what, "")}
            for step in page.steps
        ],
    }
    return render(request, "shared/approvals/one.html", context, status=status)


@never_cache
@require_POST
@requires("shared.use_approvals")
@requires_step_up
def approval_approve(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Approve and carry out."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _draw(request, approval_id, form, status=422)
    try:
        approvals.approve(
            approval_id=approval_id,
            decided_by_id=staff_of(request).pk,
            at=timezone.now(),
            note=form.cleaned_data["note"],
        )
    except NotFound:
        raise
    except Refused as refused:
        form.add_error(None, refused.message)
        return _draw(request, approval_id, form, status=refused.status)
    messages.success(request, _("已批准，已经执行。"))
    return redirect("approval", approval_id=approval_id)


@never_cache
@require_POST
@requires("shared.use_approvals")
def approval_refuse(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Say no, and why."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _draw(request, approval_id, form, status=422)
    try:
        approvals.refuse(
            approval_id=approval_id,
            decided_by_id=staff_of(request).pk,
            at=timezone.now(),
            note=form.cleaned_data["note"],
        )
    except NotFound:
        raise
    except approvals.ReasonMissing as refused:
        form.add_error("note", refused.message)
        return _draw(request, approval_id, form, status=422)
    except Refused as refused:
        form.add_error(None, refused.message)
        return _draw(request, approval_id, form, status=refused.status)
    messages.success(request, _("已驳回，申请人会看到原因。"))
    return redirect("approvals")


@never_cache
@require_POST
@requires("shared.use_approvals")
def approval_withdraw(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Take one's own request back."""
    user = staff_of(request)
    # Whoever may not see it is told that it is not there, before anything else.
    approval_queries.get_approval(approval_id, user=user, at=timezone.now())
    try:
        approvals.withdraw(approval_id=approval_id, asked_by_id=user.pk, at=timezone.now())
        messages.success(request, _("申请已撤回，没有执行任何操作。"))
    except NotFound:
        raise
    except Refused as refused:
        messages.warning(request, refused.message)
    return redirect("approval", approval_id=approval_id)


@require_safe
@requires("shared.use_approvals")
def waiting_approvals(request: HttpRequest) -> HttpResponse:
    """What waits for my decision, oldest first, as a part of a home page."""
    rows = approval_queries.list_waiting_for(staff_of(request), at=timezone.now(), limit=_TO_DO)
    zone = timezone.get_current_timezone()
    return render_todo(
        request,
        title=_("等我审批的申请"),
        rows=[
            TodoRow(
                row.label,
                reverse("approval", args=[row.approval_id]),
                note=f"{row.asked_by} · {row.reason}",
                end=format_moment(row.expires_at, zone),
            )
            for row in rows
        ],
        nothing=_("没有等您审批的申请。"),
        all_url=reverse("approvals"),
        all_label=_("全部申请"),
    )


urlpatterns = [
    path("to-do/approvals/", waiting_approvals, name="waiting_approvals"),
    path("approvals/", approval_list, name="approvals"),
    path("approvals/<int:approval_id>/", approval_page, name="approval"),
    path("approvals/<int:approval_id>/approve/", approval_approve, name="approval_approve"),
    path("approvals/<int:approval_id>/refuse/", approval_refuse, name="approval_refuse"),
    path("approvals/<int:approval_id>/withdraw/", approval_withdraw, name="approval_withdraw"),
]
