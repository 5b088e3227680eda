"""Readings in the console: files in, doubts out. Import page with its result; work list; one doubt and its decision."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations import readings
from cis.operations.reading_imports import ImportRefused, import_readings
from cis.queries import readings as queries
from cis.queries.audit import record_of
from cis.queries.customers import account_id_of
from cis.validation import METHOD_CODES, EstimateMethod
from cis.web.doubt_table import DOUBTS
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.units import REGISTER_SCALE, scaled
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.tables import answer

_IMPORTS = 30
_AGES = (("", gettext_lazy("不限")), ("1", gettext_lazy("超过 1 天")), ("3", gettext_lazy("超过 3 天")))
_METHODS = (
    ("", gettext_lazy("自动选择")),
    (METHOD_CODES[EstimateMethod.SAME_MONTH_LAST_YEAR], gettext_lazy("去年同月")),
    (METHOD_CODES[EstimateMethod.RECENT_MEDIAN], gettext_lazy("近期中位数")),
    (METHOD_CODES[EstimateMethod.STRAIGHT_LINE], gettext_lazy("直线")),
)


class UploadForm(forms.Form):
    """The file, and what happens to the good rows when some are bad."""

    file = forms.FileField(
        label=gettext_lazy("示数文件"),
        help_text=gettext_lazy("CSV（UTF-8 或 GB18030）或 Parquet；重复上传不会重复入库。"),
    )
    all_or_nothing = forms.BooleanField(
        label=gettext_lazy("有一行不合格就整个文件不导入"), required=False, initial=False
    )


class FilterForm(forms.Form):
    """Which doubts to show."""

    kind = forms.ChoiceField(label=gettext_lazy("疑点"), required=False)
    age = forms.ChoiceField(label=gettext_lazy("等待"), required=False, choices=_AGES)
    whose = forms.ChoiceField(
        label=gettext_lazy("经办"),
        required=False,
        choices=(("", gettext_lazy("全部")), ("mine", gettext_lazy("我的")), ("none", gettext_lazy("无人认领"))),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = cast(forms.ChoiceField, self.fields["kind"])
        kinds.choices = [("", _("全部")), *queries.doubt_kinds()]


class DecisionForm(forms.Form):
    """What to do about a doubt, and why."""

    action = forms.ChoiceField(
        label=gettext_lazy("处理"),
        widget=forms.RadioSelect,
        choices=(
            ("accept", gettext_lazy("采信")),
            ("accept-rollover", gettext_lazy("按翻转采信")),
            ("correct", gettext_lazy("更正")),
            ("estimate", gettext_lazy("改用估算值")),
            ("reread", gettext_lazy("安排复抄")),
        ),
    )
    value = forms.DecimalField(
        label=gettext_lazy("更正后的示数"),
        required=False,
        min_value=Decimal(0),
        max_digits=16,
        decimal_places=4,
        help_text=gettext_lazy("只在更正时填写。"),
    )
    method = forms.ChoiceField(
        label=gettext_lazy("估算方法"), required=False, choices=_METHODS, help_text=gettext_lazy("只在估算时选择。")
    )
    reason = forms.CharField(label=gettext_lazy("原因"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, Any]:
        """A correction needs its value."""
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        if typed.get("action") == "correct" and typed.get("value") is None and "value" not in self.errors:
            self.add_error("value", _("请填写更正后的示数。"))
        return typed


# --- Imports --------------------------------------------------------------------------------


@requires("cis.import_readings")
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """Upload a file; imports so far, newest first."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            result = import_readings(
                stream=file,
                file_name=file.name,
                all_or_nothing=form.cleaned_data["all_or_nothing"],
                created_by_id=staff_of(request).pk,
                at=timezone.now(),
                validate_at_once_up_to=settings.READINGS_VALIDATED_AT_ONCE,
            )
            return redirect("cis:reading_import", import_id=result.import_id)
        except ImportRefused as refusal:
            refused = refusal
    before = request.GET.get("before", "")
    start = int(before) if before.isdecimal() and len(before) < 19 else None
    rows = queries.list_imports(limit=_IMPORTS + 1, before=start, within=_import_scope(request))
    context = {
        "form": form,
        "refused": refused,
        "refused_import_id": refused.facts.get("import_id") if refused else None,
        "imports": rows[:_IMPORTS],
        "next_url": f"?before={rows[_IMPORTS - 1].import_id}" if len(rows) > _IMPORTS else "",
    }
    status = 422 if refused or form.errors else 200
    return render(request, "cis/readings/imports.html", context, status=status)


@requires("cis.import_readings")
@require_safe
def import_result(request: HttpRequest, import_id: int) -> HttpResponse:
    """What became of one file."""
    entry = queries.get_import(import_id, within=_import_scope(request))
    rejects = queries.list_rejects(import_id=import_id) if entry.rejected else []
    return render(request, "cis/readings/import.html", {"entry": entry, "rejects": rejects})


@requires("cis.import_readings")
@require_safe
def import_rejects(request: HttpRequest, import_id: int) -> StreamingHttpResponse:
    """The rejected rows as a file, to be mended and sent again."""
    entry = queries.get_import(import_id, within=_import_scope(request))
    response = StreamingHttpResponse(queries.rejects_file(entry.import_id), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rejects-{import_id}.csv"'
    return response


@requires("cis.import_readings")
@require_safe
def import_file(request: HttpRequest, import_id: int) -> FileResponse:
    """The file as it was handed over."""
    name, kept = queries.open_import_file(import_id, within=_import_scope(request))
    return FileResponse(kept, as_attachment=True, filename=name)


def _import_scope(request: HttpRequest) -> list[str]:
    """Whose imports the user may see."""
    return scope_of(staff_of(request), "cis.import_readings")


# --- Doubts ---------------------------------------------------------------------------------


@requires("cis.resolve_readings")
@require_safe
def work_list(request: HttpRequest) -> HttpResponseBase:
    """Doubtful readings of the user's part of the organisation, oldest first."""
    user, now = staff_of(request), timezone.now()
    form = FilterForm(request.GET)
    form.is_valid()
    chosen = form.cleaned_data
    age = chosen.get("age") or ""
    return answer(
        request,
        DOUBTS,
        lambda ask: queries.page_of_doubts(
            ask,
            within=scope_of(user, "cis.resolve_readings"),
            user_id=user.pk,
            at=now,
            kind=chosen.get("kind") or "",
            mine=chosen.get("whose") == "mine",
            unclaimed=chosen.get("whose") == "none",
            opened_before=now - timedelta(days=int(age)) if age else None,
        ),
        page="cis/readings/work_list.html",
        context={"form": form},
        count=lambda: queries.count_doubts(within=scope_of(user, "cis.resolve_readings")),
        file_name=_("存疑示数"),
        filters=("kind", "age", "whose"),
    )


@requires("cis.resolve_readings")
@require_http_methods(["GET", "HEAD", "POST"])
def doubt(request: HttpRequest, doubt_id: int) -> HttpResponse:
    """One doubtful reading with its history; what is decided about it."""
    form = DecisionForm(request.POST) if request.method == "POST" else DecisionForm()
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            _decide(request, doubt_id, form.cleaned_data)
            messages.success(request, _("已处理。该户没有其他疑点时会自动补发行。"))
            return redirect("cis:reading_work_list")
        except NotFound:
            raise
        except Refused as refusal:
            refused = refusal
    return _doubt_page(request, doubt_id, form, refused)


@requires("cis.resolve_readings")
@require_http_methods(["POST"])
def doubt_claim(request: HttpRequest, doubt_id: int) -> HttpResponse:
    """Put the doubt on one's own list."""
    user = staff_of(request)
    try:
        readings.claim_doubt(
            doubt_id=doubt_id,
            user_id=user.pk,
            take_over=request.POST.get("take_over") == "1",
            within=scope_of(user, "cis.resolve_readings"),
        )
    except (readings.DoubtIsClaimed, readings.DoubtIsResolved) as refusal:
        return _doubt_page(request, doubt_id, DecisionForm(), refusal)
    return redirect("cis:reading_doubt", doubt_id=doubt_id)


def _doubt_page(request: HttpRequest, doubt_id: int, form: DecisionForm, refused: Refused | None) -> HttpResponse:
    user = staff_of(request)
    detail = queries.get_doubt(
        doubt_id=doubt_id, within=scope_of(user, "cis.resolve_readings"), user_id=user.pk, at=timezone.now()
    )
    saw(request, record_of(account_id_of(detail.row.account_no)))
    known = [row for row in reversed(detail.history) if row.energy_kwh_e2 is not None]
    context = {
        "detail": detail,
        "row": detail.row,
        "facts": detail.facts,
        "form": form,
        "refused": refused,
        "draft": draft_of(
            request,
            form,
            name="resolve-doubt",
            subject=str(doubt_id),
            address=reverse("cis:reading_doubt", args=[doubt_id]),
        ),
        "chart": {
            "x": [row.read_on.isoformat() for row in known],
            "x_name": _("抄表日"),
            "unit": "kWh",
            "scale": 100,
            "digits": 0,
            "kind": "bar",
            "series": [{"name": _("电量"), "values": [row.energy_kwh_e2 for row in known]}],
        },
    }
    status = refused.status if refused else 422 if form.errors else 200
    return render(request, "cis/readings/doubt.html", context, status=status)


def _decide(request: HttpRequest, doubt_id: int, typed: dict[str, Any]) -> None:
    user, now, action = staff_of(request), timezone.now(), typed["action"]
    common: dict[str, Any] = {
        "doubt_id": doubt_id,
        "reason": typed["reason"],
        "at": now,
        "within": scope_of(user, "cis.resolve_readings"),
    }
    if action == "reread":
        readings.request_reread(requested_by_id=user.pk, **common)
    elif action == "correct":
        value_e4 = scaled(str(typed["value"]), REGISTER_SCALE)
        readings.correct_reading(value_e4=value_e4, resolved_by_id=user.pk, **common)
    elif action == "estimate":
        readings.estimate_reading(method=typed["method"], resolved_by_id=user.pk, **common)
    else:
        readings.accept_reading(as_rollover=action == "accept-rollover", resolved_by_id=user.pk, **common)
