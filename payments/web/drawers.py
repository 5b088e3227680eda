"""The counter: open one's drawer, count it blind, explain what differs, and the report of a shift."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from config.shared.display_formats import format_yuan
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from payments.operations import drawers
from payments.queries.drawers import ShiftReport, last_shifts, open_shift_id, shift_report
from payments.web.forms import YuanField


class OpenForm(forms.Form):
    """The change that lies in the drawer."""

    amount = YuanField(
        label=gettext_lazy("备用金"),
        help_text=gettext_lazy("开箱时清点到的零钱；没有就填 0。"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "autofocus": True}),
    )


class CountForm(forms.Form):
    """How many of each note and coin; empty is none."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        for fen in drawers.DENOMINATIONS:
            attrs: dict[str, Any] = {"inputmode": "numeric", "autocomplete": "off"}
            if fen == drawers.DENOMINATIONS[0]:
                attrs["autofocus"] = True
            self.fields[f"n{fen}"] = forms.IntegerField(
                label=_("%(yuan)s 元的张数") % {"yuan": format_yuan(fen)},
                min_value=0,
                max_value=100_000,
                required=False,
                widget=forms.TextInput(attrs=attrs),
            )

    def pieces(self) -> dict[int, int]:
        """Fen of a note or coin to how many."""
        return {fen: self.cleaned_data[f"n{fen}"] or 0 for fen in drawers.DENOMINATIONS}


class ExplainForm(forms.Form):
    """Why cash is short or over."""

    explanation = forms.CharField(
        label=gettext_lazy("长短款原因"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("payments.take_payment")
def drawer(request: HttpRequest) -> HttpResponse:
    """One's own drawer: what is to be done with it next, and the last ones."""
    staff = staff_of(request)
    shift_id = open_shift_id(staff.pk)
    report = None if shift_id is None else shift_report(shift_id, user_id=staff.pk, within=())
    data = request.POST if request.method == "POST" else None
    form = _form_for(report, data)
    if data is not None and data.get("act") != _act_of(report):
        # The page is older than the drawer: two windows, or somebody confirmed meanwhile.
        messages.warning(request, _("钱箱的状态已经变了，请看下面现在的情况。"))
        return redirect("payments:drawer")
    if data is not None and form.is_valid():
        try:
            return _carry_out(request, form, shift_id)
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
    context = {"report": report, "form": form, "act": _act_of(report), "shifts": last_shifts(staff.pk)}
    return render(request, "payments/drawers/drawer.html", context, status=422 if form.errors else 200)


def _act_of(report: ShiftReport | None) -> str:
    if report is None:
        return "open"
    return "count" if report.counted_at is None else "explain"


def _form_for(report: ShiftReport | None, data: Any) -> forms.Form:
    kinds: dict[str, type[forms.Form]] = {"open": OpenForm, "count": CountForm, "explain": ExplainForm}
    return kinds[_act_of(report)](data)


def _carry_out(request: HttpRequest, form: forms.Form, shift_id: int | None) -> HttpResponse:
    staff, at = staff_of(request), timezone.now()
    if shift_id is None:
        drawers.open_drawer(
            user_id=staff.pk, org_unit_id=staff.org_unit_id, float_fen=form.cleaned_data["amount"], at=at
        )
        messages.success(request, _("钱箱已开，可以收现金了。"))
        return redirect("payments:drawer")
    if isinstance(form, CountForm):
        if drawers.count_drawer(shift_id=shift_id, user_id=staff.pk, pieces=form.pieces(), at=at):
            messages.warning(request, _("清点结果和账上不同，请写明原因。"))
            return redirect("payments:drawer")
        messages.success(request, _("清点相符，已交班。"))
        return redirect("payments:drawer_report", shift_id=shift_id)
    approval_id = drawers.close_drawer(
        shift_id=shift_id, user_id=staff.pk, explanation=form.cleaned_data["explanation"], at=at
    )
    if approval_id is not None:
        messages.success(request, _("长短款较大，已提交申请。另一人确认后才交班。"))
        return redirect("approval", approval_id=approval_id)
    messages.success(request, _("已交班，长短款已挂账。"))
    return redirect("payments:drawer_report", shift_id=shift_id)


@never_cache
@require_safe
@requires("payments.view_payments")
def drawer_report(request: HttpRequest, shift_id: int) -> HttpResponse:
    """One shift, to be printed: by tender, what went out, the count, the difference and why."""
    staff = staff_of(request)
    paths = scope_of(staff, "payments.view_payments")
    report = shift_report(shift_id, user_id=staff.pk, within=paths)
    return render(request, "payments/drawers/report.html", {"report": report})
