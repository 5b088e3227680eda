"""Correcting what a bill was made from, and cancelling a bill: tried first, then done or sent to a second person."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations import bill_cancellations as cancellations
from cis.operations import bill_corrections as operations
from cis.operations.bill_corrections import Change, Curve, Ratio, Values
from cis.operations.rerating import Rerated
from cis.queries import bill_corrections as queries
from cis.queries import billing, customers
from cis.queries.audit import record_of
from cis.queries.bill_corrections import CurveMeter, MeterDay
from cis.web.portal_sign_in import refuse
from cis.web.reading_doubts import points_of
from config.shared.display_formats import format_money
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.units import REGISTER_SCALE, scaled
from config.shared.web.looks import saw
from config.shared.web.pages import requires

CORRECTS = "cis.correct_bills"


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=gettext_lazy("原因"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("写明凭什么更正，例如现场照片、工单编号。会一直留在记录里。"),
    )


class ValuesForm(ReasonForm):
    """What the registers of a meter really showed on a day."""

    is_late_actual = forms.BooleanField(label=gettext_lazy("这是晚到的实抄，原来的是估算"), required=False)

    def __init__(self, *args: Any, day: MeterDay, **more: Any) -> None:
        super().__init__(*args, **more)
        self._day = day
        for register, name, value, source in day.values:
            self.fields[f"register_{register}"] = forms.DecimalField(
                label=name,
                min_value=0,
                max_digits=16,
                decimal_places=4,
                initial=f"{Decimal(value).scaleb(-4):f}",
                help_text=source,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
            )
        self.order_fields([*(f"register_{one[0]}" for one in day.values), "is_late_actual", "reason"])
        if not day.is_estimated:
            del self.fields["is_late_actual"]

    def change(self) -> Change:
        """What was typed."""
        typed, day = self.cleaned_data, self._day
        values = {
            register: scaled(str(typed[f"register_{register}"]), REGISTER_SCALE) for register, *_rest in day.values
        }
        return Values(day.installation_id, day.read_on, values, bool(typed.get("is_late_actual")))


class RatioForm(ReasonForm):
    """The ratios a meter really had."""

    ct_ratio = forms.IntegerField(label=gettext_lazy("电流互感器倍率"), min_value=1, max_value=100_000)
    pt_ratio = forms.IntegerField(label=gettext_lazy("电压互感器倍率"), min_value=1, max_value=100_000)

    field_order = ("ct_ratio", "pt_ratio", "reason")

    def __init__(self, *args: Any, day: MeterDay, **more: Any) -> None:
        super().__init__(*args, **more)
        self.initial = {"ct_ratio": day.ct_ratio, "pt_ratio": day.pt_ratio}
        self._installation_id = day.installation_id

    def change(self) -> Change:
        """What was typed."""
        return Ratio(self._installation_id, self.cleaned_data["ct_ratio"], self.cleaned_data["pt_ratio"])


class CurveForm(ReasonForm):
    """What quarter-hours of a day really were."""

    day = forms.DateField(label=gettext_lazy("日期"), widget=forms.DateInput(attrs={"type": "date"}))
    points = forms.CharField(
        label=gettext_lazy("更正的点"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("每行一个点：时刻和电量（kWh），例如 08:15 0.250"),
    )

    field_order = ("day", "points", "reason")

    def clean_points(self) -> dict[int, int]:
        """Quarter-hour to Wh."""
        try:
            return points_of(self.cleaned_data["points"])
        except ValueError as fault:
            raise forms.ValidationError(str(fault)) from fault

    def __init__(self, *args: Any, curve: CurveMeter, **more: Any) -> None:
        super().__init__(*args, **more)
        self.initial = {"day": curve.from_on}
        self._installation_id = curve.installation_id

    def change(self) -> Change:
        """What was typed."""
        return Curve(self._installation_id, self.cleaned_data["day"], self.cleaned_data["points"])


@requires(CORRECTS)
@require_http_methods(["GET", "HEAD", "POST"])
def bill_correct(request: HttpRequest, bill_no: str) -> HttpResponse:
    """Correct a reading or the ratio that a bill was made from: see the difference first, then let it stand."""
    page = billing.get_bill(bill_no)
    saw(request, record_of(page.account_id))
    days = queries.days_of_bill(bill_no)
    day = _chosen(request, days)
    is_ratio = request.GET.get("what") == "ratio"
    curves = queries.curves_of_bill(bill_no)
    curve = _chosen_curve(request, curves)
    posted = request.POST if request.method == "POST" else None
    form: ValuesForm | RatioForm | CurveForm | None = None
    if curve is not None:
        form = CurveForm(posted, curve=curve)
    elif day is not None:
        form = RatioForm(posted, day=day) if is_ratio else ValuesForm(posted, day=day)
    tried: operations.Corrected | None = None
    if form is not None and posted is not None and form.is_valid():
        change = form.change()
        within = scope_of(staff_of(request), CORRECTS)
        try:
            if posted.get("act") != "correct":
                tried = operations.preview(change=change, at=timezone.now(), within=within)
            else:
                done = operations.correct(
                    change=change,
                    reason=form.cleaned_data["reason"],
                    by_id=staff_of(request).pk,
                    at=timezone.now(),
                    within=within,
                )
                messages.success(request, said_of(done))
                return redirect("cis:bill", bill_no=bill_no)
        except Refused as refused:
            refuse(form, refused)
    context = {
        "page": page,
        "bill": page.bill,
        "head": customers.get_head(page.bill.account_no),
        "days": days,
        "day": day,
        "curves": curves,
        "curve": curve,
        "is_ratio": is_ratio,
        "form": form,
        "tried": tried,
        "tried_bills": tried_bills(tried) if tried else [],
        "fields": [field for field in form if field.name != "reason"] if form else [],
    }
    return render(request, "cis/bills/correct.html", context, status=422 if form is not None and form.errors else 200)


def _chosen_curve(request: HttpRequest, curves: tuple[CurveMeter, ...]) -> CurveMeter | None:
    """The meter that the address names where its curve is to be corrected."""
    if request.GET.get("what") != "curve":
        return None
    meter = request.GET.get("meter", "")
    return next((one for one in curves if str(one.installation_id) == meter), None)


def _chosen(request: HttpRequest, days: tuple[MeterDay, ...]) -> MeterDay | None:
    """The meter and day that the address names; the only ones where there is no choice."""
    meter, on = request.GET.get("meter", ""), request.GET.get("on", "")
    if not meter or request.GET.get("what") == "curve":
        return None
    try:
        key = int(meter), date.fromisoformat(on)
    except ValueError as error:
        raise NotFound(_("没有这条示数。")) from error
    return next((one for one in days if (one.installation_id, one.read_on) == key), None)


def tried_bills(tried: operations.Corrected) -> list[dict[str, object]]:
    """What each bill would differ by, for the page."""
    return [_tried(one) for one in tried.bills]


def _tried(one: Rerated) -> dict[str, object]:
    return {
        "bill_no": str(one.bill),
        "cycle": one.bill.cycle,
        "amount_fen": one.amount_fen,
        "then_kwh_e2": one.then.energy_kwh_e2,
        "now_kwh_e2": one.now.energy_kwh_e2,
        "lines": queries.differences(one.then.lines, one.now.lines),
    }


def said_of(done: operations.Corrected) -> str:
    """What came of a correction, in words."""
    if done.approval_id is not None:
        return _("差额超过限额，已送审批；批准之前示数和电费都不变。")
    words = {"yuan": format_money(abs(done.amount_fen))}
    if not done.amount_fen:
        return _("已更正，电费没有变化。")
    if done.own_bills:
        words["bill"] = "、".join(map(str, done.own_bills))
        if done.amount_fen > 0:
            return _("已更正；户已销，另开账单 %(bill)s 补收 %(yuan)s 元。") % words
        return _("已更正；户已销，%(yuan)s 元已由账单 %(bill)s 转为预存，可以办理退费。") % words
    if done.amount_fen > 0:
        return _("已更正，下期账单补收 %(yuan)s 元。") % words
    return _("已更正，下期账单退还 %(yuan)s 元。") % words


@requires(CORRECTS)
@require_http_methods(["GET", "HEAD", "POST"])
def bill_cancel(request: HttpRequest, bill_no: str) -> HttpResponse:
    """Cancel a bill and bill its period again: what it would come to, and the act."""
    page = billing.get_bill(bill_no)
    saw(request, record_of(page.account_id))
    within, now = scope_of(staff_of(request), CORRECTS), timezone.now()
    is_act = request.method == "POST" and request.POST.get("act") == "cancel"
    form = ReasonForm(request.POST if is_act else None)
    tried: cancellations.Cancelled | None = None
    refused: Refused | None = None
    try:
        if is_act and form.is_valid():
            done = cancellations.cancel_and_rebill(
                bill_no=bill_no, reason=form.cleaned_data["reason"], by_id=staff_of(request).pk, at=now, within=within
            )
            if done.approval_id is not None:
                messages.success(request, _("金额超过限额，已送审批；批准之前账单不变。"))
                return redirect("cis:bill", bill_no=bill_no)
            messages.success(request, _("原账单已作废，这是重开的账单。"))
            if done.paid_late_fee_fen:
                messages.warning(
                    request,
                    _("原账单 %(no)s 交过违约金 %(yuan)s 元，仍在账上；错收的请打开原账单，申请退入预存。")
                    % {"no": bill_no, "yuan": format_money(done.paid_late_fee_fen)},
                )
            return redirect("cis:bill", bill_no=done.bill_no)
        if request.method == "POST":
            tried = cancellations.preview(bill_no=bill_no, at=now, within=within)
    except Refused as error:
        refused = error
        if is_act:
            refuse(form, error)
    context = {
        "page": page,
        "bill": page.bill,
        "head": customers.get_head(page.bill.account_no),
        "form": form,
        "tried": tried,
        "refused": refused,
        "paid_fen": page.bill.total_fen - page.bill.open_fen,
    }
    return render(request, "cis/bills/cancel.html", context, status=422 if refused else 200)


@requires("cis.view_customer")
@require_safe
def correction(request: HttpRequest, correction_id: int) -> HttpResponse:
    """One difference: what was read then and now, line by line what is more or less, who asked, who approved."""
    found = queries.get_correction(correction_id)
    saw(request, record_of(found.account_id))
    context = {"one": found, "head": customers.get_head(found.account_no)}
    return render(request, "cis/bills/correction.html", context)
