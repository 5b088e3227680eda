"""The console: what channels say that they took, day by day, against our books, and every difference."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from payments.operations.day_files import days_to_fetch, fetch_day, fetchable
from payments.operations.differences import WAYS, ask_to_resolve, settle_day, take_over
from payments.operations.reconciling import keep_file, reconcile
from payments.queries.reconciliation import channel_words, get_day, get_difference, list_days, waiting_for
from payments.web.forms import YuanField


class FileForm(forms.Form):
    """A channel's file of one day."""

    file = forms.FileField(
        label=gettext_lazy("渠道对账文件"), help_text=gettext_lazy("渠道和日期写在文件第一行。数不对的文件整份不收。")
    )


class FetchForm(forms.Form):
    """Which provider is asked, for which of its days."""

    channel = forms.ChoiceField(label=gettext_lazy("渠道"))
    day = forms.DateField(
        label=gettext_lazy("账务日"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        words = channel_words()
        cast(forms.ChoiceField, self.fields["channel"]).choices = [(code, words[code]) for code in fetchable()]


class SettleForm(forms.Form):
    """What the bank statement shows, and what the channel kept."""

    received_fen = YuanField(label=gettext_lazy("银行流水到账（元）"))
    fee_fen = YuanField(label=gettext_lazy("渠道手续费（元）"), initial="0.00")


class ResolveForm(forms.Form):
    """How a difference ends, and how one knows."""

    way = forms.ChoiceField(
        label=gettext_lazy("怎么处理"), choices=[(way.value, way.label) for way in WAYS], widget=forms.RadioSelect
    )
    account_no = forms.CharField(
        label=gettext_lazy("记到户号"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        help_text=gettext_lazy("只在“记到户号”时填。"),
    )
    reason = forms.CharField(label=gettext_lazy("怎么核实的"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("payments.reconcile")
@requires_step_up
def reconciliations(request: HttpRequest) -> HttpResponse:
    """The days of all channels; a file brought or fetched here is kept and held against our books at once."""
    now = timezone.now()
    again = request.POST.get("file_id", "")
    is_fetching = "channel" in request.POST
    form = FileForm(*((request.POST, request.FILES) if request.method == "POST" and not (again or is_fetching) else ()))
    yesterday = now.astimezone(settings.BILLING_TIME_ZONE).date() - timedelta(days=1)
    fetch = FetchForm(request.POST if is_fetching else None, initial={"day": yesterday})
    refused: Refused | None = None
    if request.method == "POST" and (again.isdecimal() or (fetch if is_fetching else form).is_valid()):
        by_id = staff_of(request).pk
        try:
            if again:
                file_id = int(again)
            elif is_fetching:
                file_id = fetch_day(**fetch.cleaned_data, by_id=by_id, at=now)
            else:
                sent: Any = form.cleaned_data["file"]
                file_id = keep_file(name=str(sent.name), file=cast(Any, sent.file), by_id=by_id, at=now).pk
            outcome = reconcile(file_id=file_id, by_id=by_id, at=now)
        except Refused as fault:
            refused = fault
        else:
            return redirect("payments:reconciliation", reconciliation_id=outcome.reconciliation_id)
    words = channel_words()
    context = {
        "page": list_days(at=now),
        "form": form,
        "fetch": fetch if fetchable() else None,
        "missing": [(words[code], day) for code, day in days_to_fetch(at=now)],
        "refused": refused,
    }
    is_wrong = bool(refused or form.errors or fetch.errors)
    return render(request, "payments/reconciliation/list.html", context, status=422 if is_wrong else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("payments.reconcile")
@requires_step_up
def reconciliation(request: HttpRequest, reconciliation_id: int) -> HttpResponse:
    """One day: how ours comes to theirs, its differences, and what the channel paid for it."""
    page = get_day(reconciliation_id, at=timezone.now())
    form = SettleForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            settle_day(
                reconciliation_id=reconciliation_id,
                received_fen=form.cleaned_data["received_fen"],
                fee_fen=form.cleaned_data["fee_fen"],
                by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("已记到账，这一天结清。"))
            return redirect("payments:reconciliation", reconciliation_id=reconciliation_id)
    context = {"page": page, "form": form}
    return render(request, "payments/reconciliation/day.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("payments.reconcile")
@requires_step_up
def difference(request: HttpRequest, difference_id: int) -> HttpResponse:
    """One difference: both sides, whose it is, and the request that it be ended."""
    row = get_difference(difference_id, at=timezone.now())
    staff = staff_of(request)
    is_taking = request.method == "POST" and request.POST.get("act") == "take"
    if is_taking:
        take_over(difference_id=difference_id, by_id=staff.pk)
        messages.success(request, _("这笔差异由您负责了。"))
        return redirect("payments:difference", difference_id=difference_id)
    form = ResolveForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            approval_id = ask_to_resolve(
                difference_id=difference_id,
                way=form.cleaned_data["way"],
                account_no=form.cleaned_data["account_no"].strip(),
                reason=form.cleaned_data["reason"],
                asked_by_id=staff.pk,
                at=timezone.now(),
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("申请已提交。另一人批准后才入账。"))
            return redirect("approval", approval_id=approval_id)
    context = {"row": row, "form": form, "waiting": waiting_for(difference_id), "is_mine": row.owner_id == staff.pk}
    return render(request, "payments/reconciliation/difference.html", context, status=422 if form.errors else 200)
