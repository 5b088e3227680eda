"""The limits of the reading checks in the console: what holds where, since when and why; and how they are changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations.validation_limits import set_limits
from cis.queries import validation_limits as queries
from cis.queries.validation_limits import CheckRow
from cis.validation import PARAMETERS
from cis.web.dated_sets import WHOLE, address_of, may_set, unit_of
from config.shared.errors import NotFound, Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.pages import requires


class LimitsForm(forms.Form):
    """Every number of every check, from when they hold, and where they come from."""

    from_on = forms.DateField(
        label=gettext_lazy("从哪一天起执行"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("已经校验过的示数不会重新判断。"),
    )
    source = forms.CharField(
        label=gettext_lazy("依据"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("例如文件名和文号，或会议纪要。"),
    )

    def __init__(self, checks: tuple[CheckRow, ...], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for check in checks:
            for one in check.parameters:
                self.fields[one.name] = forms.IntegerField(
                    label=one.meaning,
                    min_value=one.low,
                    max_value=one.high,
                    initial=one.value,
                    widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
                    help_text=_("缺省 %(default)s，可取 %(low)s 至 %(high)s")
                    % {"default": one.default, "low": one.low, "high": one.high},
                )


@requires("cis.see_limits")
@require_safe
def limits(request: HttpRequest) -> HttpResponse:
    """What the checks go by today in a part of the organisation, and what was set before."""
    user = staff_of(request)
    units = queries.list_units(within=scope_of(user, "cis.see_limits"))
    unit = unit_of(units, request.GET.get("unit", ""))
    path = unit.path if unit else ""
    context = {
        "checks": queries.list_checks(day=timezone.localdate(), org_path=path),
        "changes": queries.list_changes(unit_ids=[int(part) for part in path.split("/") if part]),
        "units": units,
        "unit": unit,
        "whole": WHOLE,
        "may_change": may(user, "cis.edit_limits") and may_set(scope_of(user, "cis.edit_limits"), unit),
    }
    return render(request, "cis/readings/limits.html", context)


@requires("cis.edit_limits")
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest) -> HttpResponse:
    """Set other numbers from a day on; only what differs from what holds above is kept."""
    user = staff_of(request)
    within = scope_of(user, "cis.edit_limits")
    unit = unit_of(queries.list_units(within=within), request.GET.get("unit", ""))
    if not may_set(within, unit):
        raise NotFound(_("全网的参数要由管理全网的人改；请先选您的单位。"))
    path = unit.path if unit else ""
    checks = queries.list_checks(day=timezone.localdate(), org_path=path)
    form = LimitsForm(checks, request.POST or None, initial={"from_on": timezone.localdate()})
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        above = queries.values_above(day=form.cleaned_data["from_on"], org_path=path)
        try:
            set_limits(
                values={name: form.cleaned_data[name] for name in PARAMETERS if form.cleaned_data[name] != above[name]},
                source=form.cleaned_data["source"],
                from_on=form.cleaned_data["from_on"],
                org_unit_id=unit.unit_id if unit else None,
                set_by_id=user.pk,
                at=timezone.now(),
            )
        except Refused as refusal:
            refused = refusal
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("校验参数已保存，从所选日期起执行。"))
            return redirect(address_of("cis:reading_limits", unit))
    context = {
        "form": form,
        "unit": unit,
        "groups": [(check, [form[one.name] for one in check.parameters]) for check in checks if check.parameters],
        "back_url": address_of("cis:reading_limits", unit),
    }
    return render(
        request,
        "cis/readings/limits_change.html",
        context,
        status=refused.status if refused else 422 if form.errors else 200,
    )
