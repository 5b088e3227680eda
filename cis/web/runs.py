"""Billing runs: start one (as a preview first), watch it, see who was left out and whether it closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from cis.models.customers import SupplyContract
from cis.operations import billing
from cis.queries import billing as queries
from cis.queries import runs as scopes
from config.shared.display_formats import format_month
from config.shared.errors import Refused
from config.shared.jobs import JobIsOver
from config.shared.periods import add_months, cycle_of, is_cycle
from config.shared.permissions import holds_everywhere, scope_of, staff_of
from config.shared.web.pages import render_part_or_page, requires
from config.shared.web.tables import Chip, Column, Table, answer, job_state_kind

_EXCEPTIONS = 50


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One price class of a closing check."""

    name: str
    bills: int
    energy_kwh_e2: int
    total_fen: int
    lines_fen: int
    receivable_fen: int


class StartForm(forms.Form):
    """Which month, which part, for trial or for good."""

    cycle = forms.IntegerField(label=gettext_lazy("电费月份"), help_text=gettext_lazy("年月六位数字，例如 202601。"))
    org_unit = forms.TypedChoiceField(
        label=gettext_lazy("范围"), required=False, coerce=int, empty_value=None, choices=()
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("方式"),
        choices=(("preview", gettext_lazy("先试算，不出账")), ("regular", gettext_lazy("正式发行"))),
        widget=forms.RadioSelect,
        initial="preview",
    )

    def __init__(self, *args: Any, units: list[scopes.BillingUnit], with_all: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("全部"))] if with_all else []
        choices += [(str(unit.org_unit_id), "\u3000" * unit.depth + unit.name) for unit in units]
        cast(forms.TypedChoiceField, self.fields["org_unit"]).choices = choices

    def clean_cycle(self) -> int:
        """A month that exists."""
        cycle: int = self.cleaned_data["cycle"]
        if not is_cycle(cycle):
            raise forms.ValidationError(_("请填年月六位数字，例如 202601。"))
        return cycle


def _scope(request: HttpRequest) -> list[str]:
    """The parts of the organisation whose bills the user runs."""
    return scope_of(staff_of(request), "cis.run_billing")


def _scope_of_run(row: queries.RunRow) -> str:
    return row.org_name or (_("一户") if row.kind == "single" else _("全部"))


def _agreement(row: queries.RunRow) -> tuple[Chip, ...]:
    if row.agrees is None:
        return ()
    return (Chip("good", _("相符")) if row.agrees else Chip("bad", _("不符")),)


RUNS: Table[queries.RunRow] = Table(
    name="cis.runs",
    columns=(
        Column(
            "no", gettext_lazy("编号"), lambda row: str(row.run_id), kind="number", sort="no", is_head=True,
            link=lambda row: reverse("cis:run", args=[row.run_id]),
        ),
        Column("cycle", gettext_lazy("月份"), lambda row: format_month(row.cycle), kind="code", sort="cycle"),
        Column("kind", gettext_lazy("方式"), lambda row: row.kind_label),
        Column("scope", gettext_lazy("范围"), _scope_of_run),
        Column("state", gettext_lazy("状态"), lambda row: (Chip(job_state_kind(row.state), row.state_label),), "chips"),
        Column("done", gettext_lazy("已处理的户"), lambda row: row.done_units, kind="count", is_extra=True),
        Column("bills", gettext_lazy("账单数"), lambda row: row.bills, kind="count"),
        Column("total", gettext_lazy("电费（元）"), lambda row: row.total_fen, kind="money"),
        Column("agrees", gettext_lazy("核对"), _agreement, kind="chips"),
        Column("created_at", gettext_lazy("发起时间"), lambda row: row.created_at, kind="moment"),
        Column("created_by", gettext_lazy("发起人"), lambda row: row.created_by),
    ),
    orders=queries.RUN_ORDERS,
    first_order="-no",
)  # fmt: skip


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


@requires("cis.run_billing")
def run_list(request: HttpRequest) -> HttpResponseBase:
    """Runs, newest first."""
    with_single = request.GET.get("all") == "1"
    return answer(
        request,
        RUNS,
        lambda ask: queries.page_of_runs(ask, with_single=with_single, within=_scope(request)),
        page="cis/runs/list.html",
        context={"with_single": with_single},
        file_name=_("电费发行"),
        filters=("all",),
    )


@requires("cis.run_billing")
def run_start(request: HttpRequest) -> HttpResponse:
    """Start a preview or a run."""
    initial = {
        "cycle": _number(request, "cycle") or add_months(cycle_of(timezone.localdate()), -1),
        "org_unit": _number(request, "org_unit"),
        "kind": "regular" if request.GET.get("kind") == "regular" else "preview",
    }
    form = StartForm(
        request.POST if request.method == "POST" else None,
        initial=initial,
        units=scopes.list_billing_units(within=_scope(request)),
        with_all=holds_everywhere(_scope(request)),
    )
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            run_id = billing.start_run(
                cycle=typed["cycle"],
                org_unit_id=typed["org_unit"],
                created_by_id=staff_of(request).pk,
                at=timezone.now(),
                kind=typed["kind"],
                within=_scope(request),
            )
            return redirect("cis:run", run_id=run_id)
        except (billing.CycleRefused, billing.NothingToBill, billing.OutsideScope) as error:
            refused = error
    status = refused.status if refused else 422 if form.errors else 200
    return render(request, "cis/runs/start.html", {"form": form, "refused": refused}, status=status)


@requires("cis.run_billing")
def run(request: HttpRequest, run_id: int) -> HttpResponse:
    """One run: progress while it works, then the closing check and who was left out."""
    page = queries.get_run(run_id, within=_scope(request))
    scope = scopes.get_scope(run_id)
    context = {
        "page": page,
        "run": page.run,
        "closing": page.closing,
        "classes": _classes(page.closing),
        "comparison": scopes.compare_with_preview(run_id),
        "scope": scope,
        "is_running": page.run.state in ("running", "cancelling"),
        "may_cancel": page.job_id is not None and page.run.state == "running",
        "may_resume": page.run.state in ("failed", "cancelled"),
        "progress_state": "running" if page.run.state == "cancelling" else page.run.state,
        # Accounts that had their bill before are no work of this run: a finished one is full.
        "total_units": page.run.done_units if page.run.state == "done" else page.run.total_units,
        "left_out_total": sum(count for _code, _words, count in page.left_out),
    }
    return render_part_or_page(request, part="cis/runs/_run.html", page="cis/runs/run.html", context=context)


def _classes(closing: Any) -> list[ClassFigures]:
    return [
        ClassFigures(
            name=_(SupplyContract.PriceClass(row["price_class"]).label),
            bills=row["bills"],
            energy_kwh_e2=row["energy_kwh_e2"],
            total_fen=row["total_fen"],
            lines_fen=row["lines_fen"],
            receivable_fen=row["receivable_fen"],
        )
        for row in (closing or {}).get("classes", [])
    ]


@requires("cis.run_billing")
def run_exceptions(request: HttpRequest, run_id: int) -> HttpResponse:
    """Who the run left out and why, page by key."""
    code = request.GET.get("code", "")
    page = queries.get_run(run_id, within=_scope(request))
    rows = queries.list_exceptions(run_id=run_id, code=code, limit=_EXCEPTIONS + 1, after=_number(request, "after"))
    suffix = f"&code={code}" if code else ""
    context = {
        "run_id": run_id,
        "page": page,
        "code": code,
        "exceptions": rows[:_EXCEPTIONS],
        "next_url": f"?after={rows[_EXCEPTIONS - 1].exception_id}{suffix}" if len(rows) > _EXCEPTIONS else "",
    }
    return render(request, "cis/runs/exceptions.html", context)


@requires("cis.run_billing")
@require_POST
def run_cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop a run; bills that are issued stay."""
    try:
        billing.cancel_run(run_id=run_id, at=timezone.now(), within=_scope(request))
        messages.success(request, _("正在停下；已经发行的账单保留。"))
    except JobIsOver as refused:
        messages.warning(request, refused.message)
    return redirect("cis:run", run_id=run_id)


@requires("cis.run_billing")
@require_POST
def run_resume(request: HttpRequest, run_id: int) -> HttpResponse:
    """Go on with what is left of a run."""
    try:
        billing.resume_run(run_id=run_id, at=timezone.now(), within=_scope(request))
        messages.success(request, _("已经继续；发行过的不会重复发行。"))
    except JobIsOver as refused:
        messages.warning(request, refused.message)
    return redirect("cis:run", run_id=run_id)
