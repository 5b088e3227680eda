"""Limits on use: the utility's at the counter, the customer's own in the portal, and who passed one."""

from __future__ import annotations

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

from cis.models import UseLimit
from cis.operations import use_limits as operations
from cis.queries import customers, portal
from cis.queries import use_limits as queries
from cis.queries.audit import record_of
from cis.queries.portal import Right
from cis.web.portal_sign_in import refuse
from config.shared.errors import Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.portal_pages import for_customers, preferred_account

CONTROLS = "cis.control_fees"
Measure = UseLimit.Measure


class LimitForm(forms.Form):
    """How much a period, and at which share of it to warn."""

    measure = forms.ChoiceField(label=gettext_lazy("限什么"), widget=forms.RadioSelect, initial=Measure.KWH)
    amount = forms.DecimalField(
        label=gettext_lazy("每期限额（度或元）"),
        min_value=Decimal("0.01"),
        max_value=Decimal(10**9),
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    warn_percent = forms.IntegerField(
        label=gettext_lazy("用到百分之几先提醒"),
        min_value=1,
        max_value=99,
        initial=80,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    reason = forms.CharField(label=gettext_lazy("为什么限"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, by_utility: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["measure"].choices = [  # type: ignore[attr-defined]
            (Measure.KWH.value, _("用电量（度）")),
            (Measure.YUAN.value, _("电费（元）")),
        ]
        if not by_utility:
            del self.fields["reason"]

    def set(self, *, account_id: int, by_id: int, by_utility: bool, at: Any) -> None:
        """Set what was typed."""
        typed = self.cleaned_data
        operations.set_limit(
            account_id=account_id,
            measure=typed["measure"],
            amount=int(typed["amount"] * 100),
            warn_percent=typed["warn_percent"],
            reason=typed.get("reason", ""),
            by_id=by_id,
            by_utility=by_utility,
            at=at,
        )


def _act(request: HttpRequest, form: LimitForm, *, account_id: int, by_utility: bool) -> bool:
    """Set or end, as the button says; whether it was done."""
    now = timezone.now()
    try:
        if request.POST.get("act") == "end":
            operations.end_limit(
                account_id=account_id, measure=request.POST.get("which", ""), by_utility=by_utility, at=now
            )
        elif form.is_valid():
            form.set(account_id=account_id, by_id=staff_of(request).pk, by_utility=by_utility, at=now)
        else:
            return False
    except Refused as refused:
        refuse(form, refused)
        return False
    messages.success(request, _("已保存。"))
    return True


@requires(CONTROLS)
@require_http_methods(["GET", "HEAD", "POST"])
def account_limits(request: HttpRequest, account_no: str) -> HttpResponse:
    """What stands for an account, and the utility's own limit."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    form = LimitForm(request.POST if request.POST.get("act") == "set" else None, by_utility=True)
    if request.method == "POST" and _act(request, form, account_id=head.account_id, by_utility=True):
        return redirect("cis:account_limits", account_no=account_no)
    context = {
        "head": head,
        "form": form,
        "rows": queries.limits_of(head.account_id, today=timezone.localdate()),
        "notices": queries.list_notices(account_id=head.account_id, limit=24),
    }
    return render(request, "cis/limits/account.html", context, status=422 if request.method == "POST" else 200)


@requires(CONTROLS)
@require_safe
def limit_notices(request: HttpRequest) -> HttpResponse:
    """Who is near or beyond a limit, newest first."""
    rows = queries.list_notices(within=scope_of(staff_of(request), CONTROLS))
    return render(request, "cis/limits/list.html", {"rows": rows})


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def my_limits(request: HttpRequest) -> HttpResponse:
    """One's own limit, how far this period is, and what the utility has set."""
    mine = portal.my_accounts(
        user_id=staff_of(request).pk, preferred=preferred_account(request), today=timezone.localdate()
    )
    mine.current.require(Right.BINDINGS)
    form = LimitForm(request.POST if request.POST.get("act") == "set" else None, by_utility=False)
    if request.method == "POST" and _act(request, form, account_id=mine.current.account_id, by_utility=False):
        return redirect("cis:portal_limits")
    context = {
        "mine": mine,
        "form": form,
        "rows": queries.limits_of(mine.current.account_id, today=timezone.localdate()),
        "notices": queries.list_notices(account_id=mine.current.account_id, limit=12),
    }
    return render(request, "cis/portal/limits.html", context, status=422 if request.method == "POST" else 200)
