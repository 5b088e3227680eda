"""Key accounts: the list, naming one, handing it over, ending it; the one-page emergency plan, edited and printed."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries import customers
from cis.queries.audit import record_of
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.paper import pdf_of
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from crm import emergency_plans as plans
from crm.operations import emergency_plans as plan_operations
from crm.operations import key_accounts as operations
from crm.queries import emergencies as queries
from crm.queries import key_accounts
from crm.queries.sight import Sight, sees_key_account


class ManagerForm(forms.Form):
    """Who looks after the account from when on, and why."""

    manager = forms.TypedChoiceField(label=gettext_lazy("客户经理"), coerce=int)
    deputy = forms.TypedChoiceField(label=gettext_lazy("代理人"), coerce=int, required=False, empty_value=None)
    telephone = forms.CharField(
        label=gettext_lazy("工作电话"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("客户能看到；紧急服务的短信发到这里。"),
        widget=forms.TextInput(attrs={"inputmode": "tel"}),
    )
    from_at = forms.DateTimeField(
        label=gettext_lazy("从什么时候起"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        required=False,
        help_text=gettext_lazy("不填就是现在。"),
    )
    reason = forms.CharField(label=gettext_lazy("原因"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class EndForm(forms.Form):
    """Until when the account is a key account, and why no longer."""

    ends_at = forms.DateTimeField(
        label=gettext_lazy("到什么时候为止"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        required=False,
        help_text=gettext_lazy("不填就是现在。"),
    )
    reason = forms.CharField(label=gettext_lazy("原因"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


@requires("crm.view_key_accounts")
@require_safe
def key_account_list(request: HttpRequest) -> HttpResponse:
    """The key accounts with who looks after them, one's own first."""
    rows = queries.list_key_accounts(sight=_sight(request), now=timezone.now())
    context = {"rows": rows, "own": sum(row.is_own for row in rows)}
    return render(request, "crm/key_accounts.html", context)


def _sight(request: HttpRequest, permission: str = "crm.view_key_accounts") -> Sight:
    user = staff_of(request)
    return Sight(user.pk, scope_of(user, permission))


@requires("crm.assign_managers")
@require_http_methods(["GET", "HEAD", "POST"])
@requires_step_up
def assign(request: HttpRequest, account_no: str) -> HttpResponse:
    """Make an account a key account, hand it over, or end it."""
    head, now = customers.get_head(account_no), timezone.now()
    saw(request, record_of(head.account_id))
    state = key_accounts.key_account_of(head.account_id, now)
    is_end = "end" in request.POST
    form = ManagerForm(request.POST if request.method == "POST" and not is_end else None)
    end_form = EndForm(request.POST if is_end else None, prefix="end")
    staff = queries.staff_to_choose()
    form.fields["manager"].choices = staff  # type: ignore[attr-defined]
    form.fields["deputy"].choices = [("", _("没有")), *staff]  # type: ignore[attr-defined]
    chosen: forms.Form = end_form if is_end else form
    if request.method == "POST" and chosen.is_valid():
        try:
            done = (
                _end(request, state, chosen, now) if is_end else _assign(request, head.account_id, state, chosen, now)
            )
        except NotFound:
            raise
        except Refused as refused:
            chosen.add_error(None, refused.message)
        else:
            messages.success(request, done)
            return redirect("crm:assign_manager", account_no=account_no)
    context = {
        "head": head,
        "state": state,
        "form": form,
        "end_form": end_form,
        "assignments": [
            {
                "title": f"{row.manager}" + (f"（{row.deputy}）" if row.deputy else ""),
                "at": row.from_at,
                "text": row.reason,
            }
            for row in queries.list_assignments(head.account_id)
        ],
    }
    return render(request, "crm/assign.html", context, status=422 if chosen.errors else 200)


def _assign(
    request: HttpRequest, account_id: int, state: key_accounts.KeyAccountState | None, form: forms.Form, now: datetime
) -> str:
    typed = form.cleaned_data
    said = {
        "manager_id": typed["manager"],
        "deputy_id": typed["deputy"],
        "telephone": typed["telephone"],
        "reason": typed["reason"],
        "from_at": typed["from_at"] or now,
        "by_id": staff_of(request).pk,
        "at": now,
    }
    if state is None or state.ended_at is not None:
        operations.name_key_account(account_id=account_id, **said)
    else:
        operations.hand_over(key_account_id=state.key_account_id, **said)
    return _("已保存。每一刻都有且只有一位客户经理。")


def _end(request: HttpRequest, state: key_accounts.KeyAccountState | None, form: forms.Form, now: datetime) -> str:
    if state is None:
        raise NotFound(_("没有找到这个大客户。"))
    operations.end_key_account(
        key_account_id=state.key_account_id,
        reason=form.cleaned_data["reason"],
        ends_at=form.cleaned_data["ends_at"] or now,
        by_id=staff_of(request).pk,
        at=now,
    )
    return _("已保存。到那一刻为止仍由现在的客户经理负责。")


# --- The plan --------------------------------------------------------------------------------


def _text(label: Any, length: int = 100, *, required: bool = False) -> forms.CharField:
    return forms.CharField(label=label, max_length=length, required=required)


def _whole(label: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=10_000_000, required=False)


class SourceRow(forms.Form):
    """One way of supply."""

    name = _text(gettext_lazy("电源（变电站、线路）"))
    voltage = _text(gettext_lazy("电压"), 20)
    capacity_kva = _whole(gettext_lazy("容量（kVA）"))
    note = _text(gettext_lazy("切换方式"))


class EquipmentRow(forms.Form):
    """One piece of equipment."""

    name = _text(gettext_lazy("设备"))
    place = _text(gettext_lazy("位置"))
    rating = _text(gettext_lazy("参数"))


class LoadRow(forms.Form):
    """One load."""

    name = _text(gettext_lazy("负荷"))
    load_kw = _whole(gettext_lazy("负荷（kW）"))
    security_kw = _whole(gettext_lazy("其中保安负荷（kW）"))
    switch = _text(gettext_lazy("开关"))
    waits_min = _whole(gettext_lazy("可停（分钟）"))


class GeneratorRow(forms.Form):
    """One generator."""

    name = _text(gettext_lazy("自备电源"))
    power_kw = _whole(gettext_lazy("功率（kW）"))
    start_min = _whole(gettext_lazy("启动（分钟）"))
    fuel = _text(gettext_lazy("燃料"), 20)
    tested = _text(gettext_lazy("上次试机"), 20)


class ContactRow(forms.Form):
    """Somebody to call."""

    duty = _text(gettext_lazy("职责"))
    name = _text(gettext_lazy("姓名"))
    telephone = _text(gettext_lazy("电话"), 20)


class PlanForm(forms.Form):
    """The parts of the plan that are text, and what changed."""

    from_version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    distribution = forms.CharField(
        label=gettext_lazy("内部配电"),
        required=False,
        max_length=1000,
        help_text=gettext_lazy("母线、联络、主要出线，照着接线图从进线写起。"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    dangers = forms.CharField(
        label=gettext_lazy("停电危险"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )
    steps = forms.CharField(
        label=gettext_lazy("处置步骤"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 5})
    )
    way_in = forms.CharField(
        label=gettext_lazy("进厂路线、发电车接口"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    changed_what = forms.CharField(label=gettext_lazy("这一版改了什么"), max_length=200)


_TABLES: tuple[tuple[str, Any, type[forms.Form], Any], ...] = (
    ("sources", plans.Source, SourceRow, gettext_lazy("供电电源")),
    ("equipment", plans.Equipment, EquipmentRow, gettext_lazy("主要设备")),
    ("loads", plans.Load, LoadRow, gettext_lazy("负荷明细")),
    ("generators", plans.Generator, GeneratorRow, gettext_lazy("自备应急电源")),
    ("contacts", plans.Contact, ContactRow, gettext_lazy("联系人")),
)
_SPARE_ROWS = 2


@requires("crm.view_key_accounts")
@require_safe
def plan(request: HttpRequest, account_no: str) -> HttpResponse:
    """The plan, the newest version or `?version=`."""
    head, now = customers.get_head(account_no), timezone.now()
    shown = queries.get_plan(account_id=head.account_id, sight=_sight(request), now=now, version=_version(request))
    saw(request, record_of(head.account_id))
    word = "crm.edit_emergency_plan"
    may_edit = may(staff_of(request), word) and sees_key_account(
        _sight(request, word), account_id=head.account_id, now=now
    )
    context = {"head": head, "plan": shown, "may_edit": may_edit}
    return render(request, "crm/plans/plan.html", context)


def _version(request: HttpRequest) -> int | None:
    text = request.GET.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 9 else None


@requires("crm.view_key_accounts")
@require_safe
def plan_pdf(request: HttpRequest, account_no: str) -> HttpResponse:
    """The plan on one A4 page."""
    head, now = customers.get_head(account_no), timezone.now()
    shown = queries.get_plan(account_id=head.account_id, sight=_sight(request), now=now, version=_version(request))
    saw(request, record_of(head.account_id))
    paper = pdf_of("crm/plans/paper.html", {"plan": shown, "printed_at": timezone.now()}, style_sheet="crm/plan.css")
    answer = HttpResponse(paper, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="plan-{account_no}-v{shown.version}.pdf"'
    return answer


@requires("crm.edit_emergency_plan")
@require_http_methods(["GET", "HEAD", "POST"])
def plan_edit(request: HttpRequest, account_no: str) -> HttpResponse:
    """Write the next version."""
    head, now = customers.get_head(account_no), timezone.now()
    shown = queries.get_plan(account_id=head.account_id, sight=_sight(request, "crm.edit_emergency_plan"), now=now)
    saw(request, record_of(head.account_id))
    content = shown.content
    form = PlanForm(
        request.POST or None,
        initial={
            "from_version": shown.version,
            "distribution": content.distribution,
            "dangers": content.dangers,
            "steps": content.steps,
            "way_in": content.way_in,
        },
    )
    tables = []
    for name, _row, row_form, title in _TABLES:
        formset = forms.formset_factory(row_form, extra=_SPARE_ROWS, max_num=plans.MOST_ROWS + _SPARE_ROWS)(
            request.POST or None, prefix=name, initial=[asdict(row) for row in getattr(content, name)]
        )
        tables.append({"name": name, "title": title, "rows": formset})
    if request.method == "POST" and form.is_valid() and all(table["rows"].is_valid() for table in tables):
        try:
            plan_operations.write_plan(
                account_id=head.account_id,
                content=_content(form, {table["name"]: table["rows"] for table in tables}),
                from_version=form.cleaned_data["from_version"],
                changed_what=form.cleaned_data["changed_what"],
                by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except NotFound:
            raise
        except (BadInput, Refused) as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("新的一版已保存。"))
            return redirect("crm:plan", account_no=account_no)
    is_wrong = request.method == "POST"
    context = {"head": head, "plan": shown, "form": form, "tables": tables}
    return render(request, "crm/plans/edit.html", context, status=422 if is_wrong else 200)


def _content(form: PlanForm, tables: dict[str, Any]) -> plans.PlanContent:
    """What was typed, rows that say nothing left out."""
    rows: dict[str, tuple[Any, ...]] = {}
    for name, kind, _row_form, _title in _TABLES:
        numbers = {field.name for field in fields(kind) if field.type == "int"}
        rows[name] = tuple(
            kind(**{key: (value or 0) if key in numbers else (value or "") for key, value in row.items()})
            for row in (one.cleaned_data for one in tables[name])
            if any(row.values())
        )
    return plans.PlanContent(
        **rows,
        distribution=form.cleaned_data["distribution"],
        dangers=form.cleaned_data["dangers"],
        steps=form.cleaned_data["steps"],
        way_in=form.cleaned_data["way_in"],
    )
