"""The work list of proposed contacts, and satisfaction of the parts one answers for."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries.audit import record_of
from config.shared.display_formats import format_count, format_month
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.drill_down import drill_down_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.tables import Column, Table, answer
from crm.operations import proposals as operations
from crm.queries import proposals, satisfaction
from crm.queries.evidence import with_unit
from crm.queries.proposals import Proposal

_DAYS = 90

PROPOSALS: Table[Proposal] = Table(
    name="crm.proposals",
    columns=(
        Column(
            "account", gettext_lazy("户号"), lambda row: row.account_no, "code",
            link=lambda row: reverse("crm:proposal", args=[row.proposal_id]), is_head=True,
        ),
        Column("name", gettext_lazy("户名"), lambda row: row.masked_name),
        Column("reason", gettext_lazy("为什么"), lambda row: row.reason),
        Column("cycle", gettext_lazy("月份"), lambda row: format_month(row.cycle), "code"),
        Column("total", gettext_lazy("这次（元）"), lambda row: row.total_fen, "money"),
        Column("base", gettext_lazy("对比（元）"), lambda row: row.base_fen, "money"),
        Column("more", gettext_lazy("多了（元）"), lambda row: row.weight_fen, "money", sort="more"),
        Column("at", gettext_lazy("发现时间"), lambda row: row.proposed_at, "moment", is_extra=True),
    ),
    orders=proposals.ORDERS,
    first_order="-more",
)  # fmt: skip


class DismissForm(forms.Form):
    """Why nobody is told."""

    reason = forms.CharField(
        label=gettext_lazy("为什么不发消息"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


@requires("crm.work_proposals")
@require_safe
def proposal_list(request: HttpRequest) -> HttpResponseBase:
    """What rules propose to talk about, the largest rise first."""
    within = scope_of(staff_of(request), "crm.work_proposals")
    return answer(
        request,
        PROPOSALS,
        lambda ask: proposals.page_of_proposals(ask, within=within),
        page="crm/proposals.html",
        context={},
        count=lambda: proposals.count_waiting(within=within),
    )


@requires("crm.work_proposals")
@require_http_methods(["GET", "HEAD", "POST"])
def proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """One proposal: tell the customer, or leave them alone for a reason."""
    user = staff_of(request)
    one = proposals.get_proposal(proposal_id, within=scope_of(user, "crm.work_proposals"))
    saw(request, record_of(one.account_id))
    is_dismissal = "dismiss" in request.POST
    form = DismissForm(request.POST if is_dismissal else None)
    status = 200
    if request.method == "POST" and (not is_dismissal or form.is_valid()):
        try:
            if is_dismissal:
                operations.dismiss(
                    proposal_id=proposal_id, reason=form.cleaned_data["reason"], by_id=user.pk, at=timezone.now()
                )
            else:
                operations.accept(proposal_id=proposal_id, by_id=user.pk, at=timezone.now())
        except NotFound:
            raise
        except Refused as refused:
            messages.warning(request, refused.message)
            status = 422
        else:
            messages.success(request, _("已记下，不发消息。") if is_dismissal else _("消息已发给客户。"))
            return redirect("crm:proposals")
    context = {"one": one, "form": form, "month": format_month(one.cycle)}
    return render(request, "crm/proposal.html", context, status=422 if form.errors else status)


@requires("crm.see_satisfaction")
@require_safe
def satisfaction_page(request: HttpRequest) -> HttpResponse:
    """How customers rated the parts one answers for, in the last three months; with `?unit=&cycle=` one in a month."""
    now, within = timezone.now(), scope_of(staff_of(request), "crm.see_satisfaction")
    asked = drill_down_of(request, within=within)
    if asked is not None:
        found = satisfaction.get_satisfaction(within=[asked.unit.path], since=asked.since, until=asked.until)
    else:
        found = satisfaction.get_satisfaction(within=within, since=now - timedelta(days=_DAYS), until=now)
    rows = [(row, False) for row in found.units] + ([(found.whole, True)] if len(found.units) > 1 else [])
    context = {
        "found": found,
        "asked": asked,
        "days": _DAYS,
        "units": [
            {
                "name": row.name,
                "ratings": format_count(row.ratings),
                "score": _score(row.score_e2),
                "share": with_unit("share_permille", row.satisfied_permille),
                "is_shrunk": row.is_shrunk,
                "is_whole": is_whole,
            }
            for row, is_whole in rows
        ],
        "people": [
            {"name": row.name, "ratings": format_count(row.ratings), "score": _score(row.score_e2)}
            for row in found.people
        ],
    }
    return render(request, "crm/satisfaction.html", context)


def _score(score_e2: int | None) -> str:
    return "—" if score_e2 is None else f"{score_e2 // 100}.{score_e2 % 100:02d}"
