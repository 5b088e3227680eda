"""What keeps customers from being cut off: protections of one account, and times in which nobody is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cis.operations import protections as operations
from cis.operations.fee_control_commands import halt_stops
from cis.queries import customers
from cis.queries import protections as queries
from cis.queries.audit import record_of
from cis.web.portal_sign_in import refuse
from config.shared.errors import Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires

COLLECTS, APPROVES = "cis.collect_arrears", "cis.approve_disconnection"
_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class ProtectForm(forms.Form):
    """What protects the account, on what basis, for how long."""

    kind = forms.ChoiceField(label=gettext_lazy("保护种类"), widget=forms.RadioSelect)
    basis = forms.CharField(
        label=gettext_lazy("依据"), max_length=200, help_text=gettext_lazy("证件、文件或证明的名称和编号。")
    )
    from_on = forms.DateField(
        label=gettext_lazy("从哪一天起"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until_on = forms.DateField(
        label=gettext_lazy("到哪一天止"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["kind"].choices = queries.choices_of_protections()  # type: ignore[attr-defined]


class EndForm(forms.Form):
    """Why a protection should end."""

    protection_id = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label=gettext_lazy("解除的理由"), max_length=200)


@requires(COLLECTS)
@require_http_methods(["GET", "HEAD", "POST"])
def protect(request: HttpRequest, account_no: str) -> HttpResponse:
    """What protects an account from being cut off: set it, or ask that it ends."""
    user, now = staff_of(request), timezone.now()
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    is_end = request.POST.get("act") == "end"
    form = ProtectForm(
        request.POST if request.method == "POST" and not is_end else None, initial={"from_on": timezone.localdate()}
    )
    end = EndForm(request.POST if is_end else None)
    used: forms.Form = end if is_end else form
    if request.method == "POST" and used.is_valid():
        typed = used.cleaned_data
        try:
            if is_end:
                operations.ask_end_protection(account_id=head.account_id, **typed, asked_by_id=user.pk, at=now)
                messages.success(request, _("已提交审批，批准前保护仍然有效。"))
            else:
                operations.protect(account_id=head.account_id, **typed, by_id=user.pk, at=now)
                messages.success(request, _("保护已登记，正在办的停电已中止。"))
        except Refused as refused:
            refuse(used, refused)
        else:
            return redirect("cis:protect", account_no=account_no)
    context = {
        "head": head,
        "form": form,
        "end": end,
        "rows": queries.list_protections(head.account_id, today=timezone.localdate()),
    }
    return render(request, "cis/collecting/protect.html", context, status=422 if used.errors else 200)


class QuietForm(forms.Form):
    """When nobody is cut off, and why."""

    kind = forms.ChoiceField(label=gettext_lazy("种类"), widget=forms.RadioSelect)
    from_at = forms.DateTimeField(label=gettext_lazy("从"), widget=_MOMENT)
    until_at = forms.DateTimeField(label=gettext_lazy("到"), widget=_MOMENT)
    reason = forms.CharField(
        label=gettext_lazy("原因"), max_length=200, help_text=gettext_lazy("例如「高温橙色预警」。")
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["kind"].choices = queries.choices_of_quiet_times()  # type: ignore[attr-defined]


class HaltForm(forms.Form):
    """Until when nobody is stopped, and why."""

    hours = forms.IntegerField(label=gettext_lazy("停发多少小时"), min_value=1, max_value=720, initial=24)
    reason = forms.CharField(label=gettext_lazy("原因"), max_length=200)


@requires(APPROVES)
@require_http_methods(["GET", "HEAD", "POST"])
def quiet_times(request: HttpRequest) -> HttpResponse:
    """Times in which nobody of one's part is cut off; the whole of it, for the head of the unit to say."""
    user, now = staff_of(request), timezone.now()
    within = scope_of(user, APPROVES)
    is_halt = request.POST.get("act") == "halt"
    form = QuietForm(request.POST if request.method == "POST" and not is_halt else None)
    halt = HaltForm(request.POST if is_halt else None)
    used: forms.Form = halt if is_halt else form
    if request.method == "POST" and used.is_valid():
        try:
            messages.success(request, _set_quiet(used, queries.units_of(within), user.pk, now, is_halt=is_halt))
        except Refused as refused:
            refuse(used, refused)
        else:
            return redirect("cis:quiet_times")
    context = {"form": form, "halt": halt, "rows": queries.list_quiet_times(within=within, at=now)}
    return render(request, "cis/collecting/quiet.html", context, status=422 if used.errors else 200)


def _set_quiet(form: forms.Form, unit_ids: Iterable[int], by_id: int, at: datetime, *, is_halt: bool) -> str:
    """Enter the time for each unit; gives what to say."""
    typed = form.cleaned_data
    if not is_halt:
        for unit_id in unit_ids:
            operations.set_quiet_time(org_unit_id=unit_id, **typed, by_id=by_id, at=at)
        return _("登记了，这段时间不停电。")
    until = at + timedelta(hours=typed["hours"])
    under_way = sum(
        halt_stops(org_unit_id=unit_id, until_at=until, reason=typed["reason"], by_id=by_id, at=at)
        for unit_id in unit_ids
    )
    return _("停电指令已停发，%(count)s 条在途的正在撤回。") % {"count": under_way}
