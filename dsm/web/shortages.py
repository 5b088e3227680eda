"""The analysis console: shortages, their plans beside each other, who is cut and why."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries.audit import record_of
from config.shared.display_formats import format_count
from config.shared.errors import NotFound, Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import render_part_or_page, requires
from config.shared.web.tables import Chip, Column, Table, answer
from dsm.operations import shortages as operations
from dsm.queries import plan_cuts, shortages
from dsm.queries.plan_cuts import CutRow
from dsm.queries.shortages import ShortageRow
from dsm.shedding.stretches import write_stretches
from dsm.web import charts
from dsm.web.comparison import compare
from dsm.web.shortage_forms import ShortageForm
from dsm.web.why import alternative_words, reasons
from dsm.words import LEVEL_KINDS, LEVELS

_STATE_KINDS = {"issued": "good", "called-back": "neutral", "withdrawn": "neutral", "chosen": "good"}
_WAY = ("drafted", "submitted", "authorised", "chosen", "issued")


def _level(row: ShortageRow) -> tuple[Chip, ...]:
    return (Chip(LEVEL_KINDS[row.level], str(LEVELS[row.level])),)


def _state(row: ShortageRow) -> tuple[Chip, ...]:
    return (Chip(_STATE_KINDS.get(row.state, "info"), row.state_word),)


SHORTAGES: Table[ShortageRow] = Table(
    name="dsm.shortages",
    columns=(
        Column(
            "day", gettext_lazy("日子"), lambda row: row.on_day, "day", is_head=True, sort="day",
            link=lambda row: reverse("dsm:shortage", args=[row.shortage_id]),
        ),
        Column("level", gettext_lazy("级别"), _level, "chips"),
        Column("gap", gettext_lazy("最大缺口（千瓦）"), lambda row: row.peak_gap_kw, "count"),
        Column("cause", gettext_lazy("原因"), lambda row: row.cause),
        Column("state", gettext_lazy("进展"), _state, "chips"),
        Column("chosen", gettext_lazy("选定的方案"), lambda row: row.chosen),
        Column("by", gettext_lazy("拟定人"), lambda row: row.drafted_by),
        Column("at", gettext_lazy("拟定时间"), lambda row: row.drafted_at, "moment", is_extra=True),
    ),
    orders=shortages.ORDERS,
    first_order="-day",
)  # fmt: skip

CUTS: Table[CutRow] = Table(
    name="dsm.plan_cuts",
    columns=(
        Column("no", gettext_lazy("户号"), lambda row: row.account_no, "code", is_head=True, sort="no"),
        Column("name", gettext_lazy("户名"), lambda row: row.masked_name),
        Column("tier", gettext_lazy("顺序档"), lambda row: row.tier, "count", sort="tier"),
        Column("group", gettext_lazy("轮换组"), lambda row: row.group_no, "count", is_extra=True),
        Column("measure", gettext_lazy("措施"), lambda row: row.measure_word),
        Column("window", gettext_lazy("时段"), lambda row: f"{row.starts}–{row.ends}", "code"),
        Column("kw", gettext_lazy("最多压减（千瓦）"), lambda row: row.peak_cut_kw, "count", sort="kw"),
        Column("kwh", gettext_lazy("压减（度）"), lambda row: row.cut_kwh, "count"),
        Column("security", gettext_lazy("保安负荷（千瓦）"), lambda row: row.security_kw, "count", is_extra=True),
        Column("burden", gettext_lazy("今年已停限（小时）"), lambda row: row.burden_h, "count", sort="burden"),
        Column(
            "why", gettext_lazy("为什么"), lambda _row: _("为什么是这一户"),
            link=lambda row: reverse("dsm:shortage_cut", args=[row.shortage_id, row.strategy, row.account_no]),
        ),
    ),
    orders=plan_cuts.ORDERS,
    first_order="-kw",
    export_permission="cis.export_data",
)  # fmt: skip


def within_of(request: HttpRequest) -> list[str]:
    """For which parts of the organisation the user sees plans."""
    return scope_of(staff_of(request), "dsm.view_plans")


@require_safe
@requires("dsm.view_plans")
def shortage_list(request: HttpRequest) -> HttpResponseBase:
    """All shortages, newest day first."""
    return answer(
        request,
        SHORTAGES,
        lambda ask: shortages.page_of_shortages(ask, within=within_of(request)),
        page="dsm/shortages/list.html",
        context={"may_plan": may(request.user, "dsm.plan_shortage")},
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("dsm.plan_shortage")
def shortage_new(request: HttpRequest) -> HttpResponse:
    """Put down a shortage: the day, what is available, why; the plans are computed at once."""
    staff = staff_of(request)
    form = ShortageForm(request.POST or None, initial={"on_day": timezone.localdate().isoformat()})
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            shortage_id = operations.create_shortage(
                on_day=typed["on_day"],
                org_unit_id=shortages.unit_to_plan_for(scope_of(staff, "dsm.plan_shortage")),
                cause=typed["cause"],
                demand=typed["demand"],
                demand_kw=typed["demand_kw"] or (),
                supply_kw=typed["supply_kw"],
                drafted_by_id=staff.pk,
                at=timezone.now(),
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("缺口已算出，三个方案正在计算，不到一分钟。"))
            return redirect("dsm:shortage", shortage_id=shortage_id)
    draft = draft_of(request, form, name="shortage", subject="new")
    status = 422 if request.method == "POST" else 200
    return render(request, "dsm/shortages/new.html", {"form": form, "draft": draft}, status=status)


@require_safe
@requires("dsm.view_plans")
def shortage(request: HttpRequest, shortage_id: int) -> HttpResponse:
    """One shortage: the gap, the plans beside each other, where it stands, the feeders of last resort."""
    page = shortages.get_shortage(shortage_id=shortage_id, within=within_of(request), at=timezone.now())
    context = {
        **head_of(page),
        "page": page,
        "plans": page.plans,
        "lines": compare(page.plans),
        "gap_chart": charts.gap_chart(page),
        "gap_rows": [(start, end, format_count(kw)) for start, end, kw in write_stretches(page.gap_kw) if kw],
        "peak_gap": format_count(page.peak_gap_kw),
        "gap_kwh": format_count(page.gap_kwh),
        "share": page.peak_gap_kw * 1000 // max(page.demand_kw) / 10,
        "done": sum(plan.is_ready for plan in page.plans),
        "is_own_draft": page.drafted_by_id == staff_of(request).pk,
        "may_plan": may(request.user, "dsm.plan_shortage"),
        "may_decide": may(request.user, "dsm.decide_shortage"),
        "events": _events(page),
    }
    return render_part_or_page(
        request, part="dsm/shortages/_plans.html", page="dsm/shortages/shortage.html", context=context
    )


@require_safe
@requires("dsm.view_plans")
def shortage_plan(request: HttpRequest, shortage_id: int, strategy: str) -> HttpResponseBase:
    """One plan: the load before and after, and who is cut."""
    page = shortages.get_shortage(shortage_id=shortage_id, within=within_of(request), at=timezone.now())
    plan = page.plan_of(strategy)
    text = request.GET.get("text", "")[:32]
    return answer(
        request,
        CUTS,
        lambda ask: plan_cuts.page_of_cuts(ask, plan_id=plan.plan_id, text=text),
        page="dsm/shortages/plan.html",
        context={
            **head_of(page), "page": page, "plan": plan, "text": text,
            "chart": charts.before_after_chart(page, plan),
        },
        count=lambda: plan_cuts.count_cuts(plan_id=plan.plan_id, text=text),
        file_name=_("压减名单"),
        filters=("text",),
    )  # fmt: skip


@require_safe
@requires("dsm.view_plans")
def shortage_cut(request: HttpRequest, shortage_id: int, strategy: str, account_no: str) -> HttpResponse:
    """Why one customer is cut."""
    page = shortages.get_shortage(shortage_id=shortage_id, within=within_of(request), at=timezone.now())
    why = plan_cuts.explain_cut(plan_id=page.plan_of(strategy).plan_id, account_no=account_no)
    saw(request, record_of(why.cut.account_id))
    context = {**head_of(page), "page": page, **why_context(why), "plan": page.plan_of(strategy)}
    return render(request, "dsm/shortages/why.html", context)


def why_context(why: plan_cuts.WhyMe) -> dict[str, Any]:
    """What the explanation of one customer's cut shows."""
    return {
        "why": why,
        "cut": why.cut,
        "reasons": reasons(why),
        "alternatives": [(one.name, alternative_words(one.cut)) for one in why.alternatives],
        "chart": charts.customer_chart(why),
    }


def head_of(page: shortages.ShortagePage) -> dict[str, Any]:
    """What every page of a shortage says first."""
    # What was called back had gone the whole way.
    at = _WAY.index(page.state) if page.state in _WAY else len(_WAY)
    words = [_("方案拟定"), _("报批"), _("政府批准"), _("选定方案"), _("下达指令")]
    states = ["done" if n <= at else "current" if n == at + 1 else "waiting" for n in range(len(_WAY))]
    if page.state == "withdrawn":
        states = ["waiting"] * len(_WAY)
    return {
        "level_word": str(LEVELS[page.level]),
        "level_kind": LEVEL_KINDS[page.level],
        "steps": [{"title": word, "state": state} for word, state in zip(words, states, strict=True)],
    }


def _events(page: shortages.ShortagePage) -> list[dict[str, Any]]:
    events = []
    for step in page.steps:
        parts = [step.plan, step.reasons]
        if step.document_no:
            parts = [f"{step.authority} {step.document_no}"]
        events.append({"title": step.word, "at": step.at, "who": step.who, "text": " · ".join(p for p in parts if p)})
    return events
