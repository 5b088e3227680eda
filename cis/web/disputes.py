"""Customers' questions about bills, readings and meters at the counter: what waits, one of them, how many in time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.models import BillDispute
from cis.operations import disputes as operations
from cis.queries import customers
from cis.queries import disputes as queries
from cis.queries.audit import record_of
from cis.web.data import download
from cis.web.portal_sign_in import refuse
from config.shared.errors import Refused
from config.shared.periods import add_months, cycle_of, is_cycle
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires

HANDLES, OVERSEES = "cis.dispute_bill", "cis.see_statistics"
Kind, Channel, Result = BillDispute.Kind, BillDispute.Channel, BillDispute.Result


class QuestionForm(forms.Form):
    """What the customer questions, of which meter, and how it came."""

    kind = forms.ChoiceField(
        label=gettext_lazy("什么事"),
        choices=[(kind.value, kind.label) for kind in (Kind.METER_TEST, Kind.READING)],
        widget=forms.RadioSelect,
        initial=Kind.METER_TEST,
    )
    installation_id = forms.TypedChoiceField(label=gettext_lazy("哪只电能表"), coerce=int)
    reason = forms.CharField(
        label=gettext_lazy("客户说了什么"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("从哪里来"),
        choices=[(one.value, one.label) for one in (Channel.COUNTER, Channel.TELEPHONE)],
        initial=Channel.COUNTER,
    )

    def __init__(self, *args: Any, meters: list[tuple[int, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["installation_id"].choices = meters  # type: ignore[attr-defined]
        for field in ("kind", "channel"):
            self.fields[field].choices = [(v, _(label)) for v, label in self.fields[field].choices]  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    """What came out."""

    result = forms.ChoiceField(label=gettext_lazy("结论"), widget=forms.RadioSelect)
    error = forms.DecimalField(
        label=gettext_lazy("校验误差（%，慢为负）"),
        required=False,
        min_value=Decimal(-9999),
        max_value=Decimal(9999),
        decimal_places=2,
        help_text=gettext_lazy("按检定报告填写；客户撤回的不填。"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    outcome = forms.CharField(
        label=gettext_lazy("答复客户的话"), max_length=1000, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: Any, is_test: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["result"].choices = [(one.value, _(one.label)) for one in Result]  # type: ignore[attr-defined]
        if not is_test:
            del self.fields["error"]

    def given(self) -> operations.Answer:
        """As the operation takes it."""
        error = self.cleaned_data.get("error")
        return operations.Answer(
            self.cleaned_data["outcome"], self.cleaned_data["result"], None if error is None else int(error * 100)
        )


@requires(HANDLES)
@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """What waits for an answer, the most urgent first."""
    rows, count = queries.list_waiting(within=scope_of(staff_of(request), HANDLES), at=timezone.now())
    context = {"rows": rows, "count": count, "may_see_report": may(staff_of(request), OVERSEES)}
    return render(request, "cis/disputes/list.html", context)


@requires(HANDLES)
@require_http_methods(["GET", "HEAD", "POST"])
def question_new(request: HttpRequest, account_no: str) -> HttpResponse:
    """Note a question about a reading, or that a meter is to be tested."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    meters = queries.meters_of(head.account_id, day=timezone.localdate())
    form = QuestionForm(request.POST or None, meters=meters)
    if request.method == "POST" and form.is_valid():
        try:
            dispute_id = operations.open_question(
                **form.cleaned_data, account_id=head.account_id, opened_by_id=staff_of(request).pk, at=timezone.now()
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已登记，从下一个工作日起算时限。"))
            return redirect("cis:dispute", dispute_id=dispute_id)
    context = {"head": head, "form": form, "has_meter": bool(meters)}
    return render(request, "cis/disputes/new.html", context, status=422 if form.errors else 200)


@requires(HANDLES)
@require_http_methods(["GET", "HEAD", "POST"])
def dispute(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """One question with its clock, and its answer."""
    now = timezone.now()
    row = queries.get_dispute(dispute_id, at=now)
    saw(request, record_of(row.account_id))
    form = AnswerForm(request.POST or None, is_test=row.is_test) if row.is_open else None
    if form is not None and request.method == "POST" and form.is_valid():
        try:
            operations.answer(dispute_id=dispute_id, given=form.given(), by_id=staff_of(request).pk, at=now)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已答复，客户会收到消息。"))
            return redirect("cis:dispute", dispute_id=dispute_id)
    context = {
        "row": row,
        "form": form,
        "head": customers.get_head(row.account_no),
        "may_back_bill": may(staff_of(request), "cis.correct_bills"),
    }
    return render(request, "cis/disputes/one.html", context, status=422 if form is not None and form.errors else 200)


@requires(OVERSEES)
@require_safe
def report(request: HttpRequest) -> HttpResponse:
    """How many were answered in time, by month and unit, and those that were not."""
    asked = _asked(request)
    context = {
        "rows": queries.in_time_by_month(**asked),
        "late": queries.list_late(**asked),
        "kind": asked["kind"],
        "kinds": [(kind.value, _(kind.label)) for kind in Kind],
        "query": request.GET.urlencode(),
        "may_open": may(staff_of(request), HANDLES),
    }
    return render(request, "cis/disputes/report.html", context)


@requires(OVERSEES)
@require_safe
def report_export(request: HttpRequest) -> HttpResponseBase:
    """The report as a file."""
    return download("answers-in-time.csv", queries.report_rows(queries.in_time_by_month(**_asked(request))))


def _asked(request: HttpRequest) -> dict[str, Any]:
    """The months and the kind of the address; else the last twelve months and all."""
    newest = cycle_of(timezone.localdate())
    kind = request.GET.get("kind", "")

    def month(name: str, else_: int) -> int:
        typed = request.GET.get(name, "")
        value = int(typed) if typed.isdecimal() and len(typed) == 6 else 0
        return value if is_cycle(value) else else_

    return {
        "from_cycle": month("from", add_months(newest, -11)),
        "to_cycle": month("to", newest),
        "kind": kind if kind in Kind.values else "",
        "within": scope_of(staff_of(request), OVERSEES),
        "at": timezone.now(),
    }
