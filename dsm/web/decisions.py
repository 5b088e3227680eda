"""From plans to orders: submitted, approved by the authority, chosen by a leader, issued, withdrawn; and the paper."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.shared.display_formats import format_count
from config.shared.errors import NotFound, Refused
from config.shared.paper import pdf_of
from config.shared.permissions import scope_of, staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from dsm.operations import shed_orders
from dsm.operations import shortages as operations
from dsm.queries import shortages
from dsm.queries.shortages import ShortagePage
from dsm.shedding.stretches import write_stretches
from dsm.web.comparison import compare
from dsm.web.shortage_forms import AuthorityForm, ChoiceForm, ReasonForm
from dsm.web.shortages import head_of, within_of
from dsm.words import LEVELS


@require_POST
@requires("dsm.plan_shortage")
def shortage_submit(request: HttpRequest, shortage_id: int) -> HttpResponse:
    """Put the plans before the authority."""
    page = _planned(request, shortage_id)
    try:
        operations.submit_shortage(shortage_id=page.shortage_id, by_id=staff_of(request).pk, at=timezone.now())
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("已报批。请打印方案对比表送政府主管部门，收到批文后登记。"))
    return redirect("dsm:shortage", shortage_id=shortage_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("dsm.plan_shortage")
def shortage_authority(request: HttpRequest, shortage_id: int) -> HttpResponse:
    """Put down the written approval of the authority."""
    page = _planned(request, shortage_id)
    form = AuthorityForm(request.POST or None, initial={"authority": page.list_authority})

    def act() -> None:
        typed = form.cleaned_data
        operations.record_authority_approval(
            shortage_id=page.shortage_id,
            authority=typed["authority"],
            document_no=typed["document_no"],
            document_on=typed["document_on"],
            by_id=staff_of(request).pk,
            at=timezone.now(),
        )

    said = _("批文已登记，等领导选定方案。")
    return _acted(request, page, form, act, said=said, template="dsm/shortages/authority.html", draft="authority")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("dsm.decide_shortage")
@requires_step_up
def shortage_decision(request: HttpRequest, shortage_id: int) -> HttpResponse:
    """Choose a plan, with reasons that stay."""
    within = scope_of(staff_of(request), "dsm.decide_shortage")
    page = shortages.get_shortage(shortage_id=shortage_id, within=within, at=timezone.now())
    plans = [(str(plan.plan_id), plan.name) for plan in page.plans if plan.is_ready]
    form = ChoiceForm(request.POST or None, plans=plans)

    def act() -> None:
        operations.choose_plan(
            shortage_id=page.shortage_id,
            plan_id=form.cleaned_data["plan"],
            reasons=form.cleaned_data["reasons"],
            by_id=staff_of(request).pk,
            at=timezone.now(),
        )

    said = _("方案已选定，理由已记录。调度员可以下达指令。")
    return _acted(request, page, form, act, said=said, template="dsm/shortages/decision.html", draft="decision")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("dsm.plan_shortage")
@requires_step_up
def shortage_issue(request: HttpRequest, shortage_id: int) -> HttpResponse:
    """Give the orders of the chosen plan and tell the customers."""
    page = _planned(request, shortage_id)
    form = forms.Form(request.POST if request.method == "POST" else None)

    def act() -> None:
        shed_orders.issue_orders(shortage_id=page.shortage_id, by_id=staff_of(request).pk, at=timezone.now())

    said = _("指令已下达，正在逐户通知。下面看谁已确认、谁还没联系上。")
    return _acted(
        request, page, form, act, said=said, template="dsm/shortages/issue.html", draft="", then="dsm:shortage_orders"
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("dsm.plan_shortage")
def shortage_withdraw(request: HttpRequest, shortage_id: int) -> HttpResponse:
    """Give a shortage up before orders went out."""
    page = _planned(request, shortage_id)
    form = ReasonForm(request.POST or None)

    def act() -> None:
        operations.withdraw_shortage(
            shortage_id=page.shortage_id,
            reasons=form.cleaned_data["reason"],
            by_id=staff_of(request).pk,
            at=timezone.now(),
        )

    said = _("已撤销，理由已记录。")
    return _acted(request, page, form, act, said=said, template="dsm/shortages/withdraw.html", draft="withdraw")


@require_safe
@requires("dsm.view_plans")
def shortage_paper(request: HttpRequest, shortage_id: int) -> HttpResponse:
    """The paper for the authority and the leader: the request, the comparison, the decision once it is taken."""
    page = shortages.get_shortage(shortage_id=shortage_id, within=within_of(request), at=timezone.now())
    if not page.is_ready:
        raise NotFound(_("方案还没有算完，请稍候再打印。"))
    paper = pdf_of(
        "dsm/shortages/paper.html",
        {
            "page": page,
            "plans": page.plans,
            "lines": compare(page.plans),
            "level_word": LEVELS[page.level],
            "gap_rows": [(start, end, format_count(kw)) for start, end, kw in write_stretches(page.gap_kw) if kw],
            "peak_gap": format_count(page.peak_gap_kw),
            "gap_kwh": format_count(page.gap_kwh),
            "peak_demand": format_count(max(page.demand_kw)),
            "chosen": next((step for step in page.steps if step.kind == "chosen"), None),
            "authorised": next((step for step in page.steps if step.kind == "authorised"), None),
            "today": timezone.localdate(),
        },
    )
    answer = HttpResponse(paper, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="shortage-{page.shortage_id}.pdf"'
    return answer


def _planned(request: HttpRequest, shortage_id: int) -> ShortagePage:
    within = scope_of(staff_of(request), "dsm.plan_shortage")
    return shortages.get_shortage(shortage_id=shortage_id, within=within, at=timezone.now())


def _acted(
    request: HttpRequest,
    page: ShortagePage,
    form: forms.Form,
    act: Callable[[], None],
    *,
    said: str,
    template: str,
    draft: str,
    then: str = "dsm:shortage",
) -> HttpResponse:
    """Do what a form asks for, or draw it (again)."""
    if request.method == "POST" and form.is_valid():
        try:
            act()
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, said)
            return redirect(then, shortage_id=page.shortage_id)
    chosen = page.chosen
    context = {
        **head_of(page),
        "page": page,
        "form": form,
        "plans": page.plans,
        "lines": compare(page.plans),
        "chosen": chosen,
        "orders": format_count(chosen.figures.get("orders", 0)) if chosen else "",
        "late": chosen.figures.get("late_orders", 0) if chosen else 0,
        "back_url": reverse("dsm:shortage", args=[page.shortage_id]),
        "draft": draft_of(request, form, name=draft, subject=str(page.shortage_id)) if draft else None,
    }
    return render(request, template, context, status=422 if request.method == "POST" else 200)
