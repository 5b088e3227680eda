"""Doubtful readings, curves and uses in the console: the work list with its pictures, one doubt and its decision."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
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
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations import curves, readings
from cis.queries import readings as queries
from cis.queries.audit import record_of
from cis.queries.customers import account_id_of
from cis.queries.reading_photos import photos_of_doubt
from cis.validation import METHOD_CODES, EstimateMethod
from cis.validation.filling import FILL_CODES, FillMethod
from cis.web import doubt_charts as charts
from cis.web.doubt_table import DOUBTS
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.units import REGISTER_SCALE, scaled
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.tables import answer

_POINT = re.compile(r"([01]?\d|2[0-3]):(00|15|30|45)\s+(\d{1,6}(?:\.\d{1,3})?)")
_AGES = (("", gettext_lazy("不限")), ("1", gettext_lazy("超过 1 天")), ("3", gettext_lazy("超过 3 天")))
_FILLS = (
    ("", gettext_lazy("自动选择")),
    (FILL_CODES[FillMethod.LINEAR], gettext_lazy("直线")),
    (FILL_CODES[FillMethod.SIMILAR_DAY], gettext_lazy("相似日")),
    (FILL_CODES[FillMethod.KIND_PROFILE], gettext_lazy("同类客户的曲线")),
)
_METHODS = (
    ("", gettext_lazy("自动选择")),
    (METHOD_CODES[EstimateMethod.SAME_MONTH_LAST_YEAR], gettext_lazy("去年同月")),
    (METHOD_CODES[EstimateMethod.RECENT_MEDIAN], gettext_lazy("近期中位数")),
    (METHOD_CODES[EstimateMethod.STRAIGHT_LINE], gettext_lazy("直线")),
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


class CurveDecisionForm(forms.Form):
    """What to do about a doubtful day of a curve, and why."""

    action = forms.ChoiceField(
        label=gettext_lazy("处理"),
        widget=forms.RadioSelect,
        choices=(
            ("accept", gettext_lazy("采信")),
            ("estimate", gettext_lazy("补齐（全天电量与冻结差一致）")),
            ("correct", gettext_lazy("逐点更正")),
            ("reread", gettext_lazy("安排补采")),
        ),
    )
    method = forms.ChoiceField(
        label=gettext_lazy("补齐方法"),
        required=False,
        choices=_FILLS,
        help_text=gettext_lazy("自动：2 小时以内走直线，更长的按相似日；没有历史的参照同类客户。"),
    )
    points = forms.CharField(
        label=gettext_lazy("更正的点"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("每行一个点：时刻和电量（kWh），例如 08:15 0.250"),
    )
    reason = forms.CharField(label=gettext_lazy("原因"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, Any]:
        """A correction needs its points; they are read into Wh by quarter-hour."""
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        if typed.get("action") == "correct" and "points" not in self.errors:
            try:
                typed["values_wh"] = points_of(typed.get("points") or "")
            except ValueError as fault:
                self.add_error("points", str(fault))
        return typed


class UseDecisionForm(forms.Form):
    """What to do about a doubtful use, and why."""

    action = forms.ChoiceField(
        label=gettext_lazy("处理"),
        widget=forms.RadioSelect,
        choices=(
            ("explained", gettext_lazy("有合理解释，结束")),
            ("inspect", gettext_lazy("转用电检查")),
        ),
    )
    reason = forms.CharField(label=gettext_lazy("原因"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


def points_of(text: str) -> dict[int, int]:
    """
    Quarter-hour to Wh from lines of a time and kWh.

    :raises ValueError: nothing was typed, or a line is something else; with words for the person
    """
    found: dict[int, int] = {}
    for line in filter(None, (part.strip() for part in text.splitlines())):
        match = _POINT.fullmatch(line)
        if match is None:
            raise ValueError(_("看不懂这一行：%(line)s。请写成 08:15 0.250") % {"line": line})
        hour, minute, kwh = match.groups()
        found[int(hour) * 4 + int(minute) // 15] = scaled(kwh, 1000)
    if not found:
        raise ValueError(_("请填写更正的点。"))
    return found


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
    """One doubt with what it was found in; what is decided about it."""
    detail = _detail(request, doubt_id)
    kind = _FORMS[detail.row.subject]
    form = kind(request.POST) if request.method == "POST" else kind()
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            _DECISIONS[detail.row.subject](request, doubt_id, form.cleaned_data)
            messages.success(request, _("已处理。该户没有其他疑点时会自动补发行。"))
            return redirect("cis:reading_work_list")
        except NotFound:
            raise
        except Refused as refusal:
            refused = refusal
    return _doubt_page(request, detail, form, refused)


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
        detail = _detail(request, doubt_id)
        return _doubt_page(request, detail, _FORMS[detail.row.subject](), refusal)
    return redirect("cis:reading_doubt", doubt_id=doubt_id)


def _detail(request: HttpRequest, doubt_id: int) -> queries.DoubtDetail:
    user = staff_of(request)
    return queries.get_doubt(
        doubt_id=doubt_id, within=scope_of(user, "cis.resolve_readings"), user_id=user.pk, at=timezone.now()
    )


def _doubt_page(
    request: HttpRequest, detail: queries.DoubtDetail, form: forms.Form, refused: Refused | None
) -> HttpResponse:
    row = detail.row
    saw(request, record_of(account_id_of(row.account_no)))
    context = {
        "detail": detail,
        "photos": photos_of_doubt(detail.row.doubt_id),
        "row": row,
        "facts": detail.facts,
        "form": form,
        "refused": refused,
        "draft": draft_of(
            request,
            form,
            name=f"resolve-{row.subject}-doubt",
            subject=str(row.doubt_id),
            address=reverse("cis:reading_doubt", args=[row.doubt_id]),
        ),
        "chart": charts.of_readings(detail) if row.subject == "register" else None,
        "day_chart": charts.of_day(row) if row.beside else None,
        "picture": charts.picture_of(row),
        "weeks_chart": charts.of_weeks(detail) if detail.weeks else None,
    }
    status = refused.status if refused else 422 if form.errors else 200
    return render(request, "cis/readings/doubt.html", context, status=status)


def _common(request: HttpRequest, doubt_id: int, typed: dict[str, Any]) -> dict[str, Any]:
    return {
        "doubt_id": doubt_id,
        "reason": typed["reason"],
        "at": timezone.now(),
        "within": scope_of(staff_of(request), "cis.resolve_readings"),
    }


def _decide_reading(request: HttpRequest, doubt_id: int, typed: dict[str, Any]) -> None:
    user, action, common = staff_of(request), typed["action"], _common(request, doubt_id, typed)
    if action == "reread":
        readings.request_reread(requested_by_id=user.pk, **common)
    elif action == "correct":
        value_e4 = scaled(str(typed["value"]), REGISTER_SCALE)
        readings.correct_reading(value_e4=value_e4, resolved_by_id=user.pk, **common)
    elif action == "estimate":
        readings.estimate_reading(method=typed["method"], resolved_by_id=user.pk, **common)
    else:
        readings.accept_reading(as_rollover=action == "accept-rollover", resolved_by_id=user.pk, **common)


def _decide_curve(request: HttpRequest, doubt_id: int, typed: dict[str, Any]) -> None:
    user, action, common = staff_of(request), typed["action"], _common(request, doubt_id, typed)
    if action == "reread":
        curves.request_recollection(requested_by_id=user.pk, **common)
    elif action == "correct":
        curves.correct_slots(values_wh=typed["values_wh"], resolved_by_id=user.pk, **common)
    elif action == "estimate":
        curves.fill_curve(method=typed["method"], resolved_by_id=user.pk, **common)
    else:
        curves.accept_curve(resolved_by_id=user.pk, **common)


def _decide_use(request: HttpRequest, doubt_id: int, typed: dict[str, Any]) -> None:
    curves.end_use_doubt(
        to_inspection=typed["action"] == "inspect",
        resolved_by_id=staff_of(request).pk,
        **_common(request, doubt_id, typed),
    )


_FORMS: dict[str, type[forms.Form]] = {"register": DecisionForm, "curve": CurveDecisionForm, "use": UseDecisionForm}
_DECISIONS: dict[str, Callable[[HttpRequest, int, dict[str, Any]], None]] = {
    "register": _decide_reading,
    "curve": _decide_curve,
    "use": _decide_use,
}
