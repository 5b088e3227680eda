"""The console: money that a provider has for us and that fits no order."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from payments.operations.held_money import ask_to_settle
from payments.queries.held_money import get_held, list_held, waiting_for


class SettleForm(forms.Form):
    """Whose money it is, and how one knows."""

    account_no = forms.CharField(
        label=gettext_lazy("记到户号"), max_length=20, widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )
    reason = forms.CharField(
        label=gettext_lazy("怎么核实的"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("例如“客户来电报了支付平台的单号和金额”。审批人凭它决定。"),
    )


@never_cache
@require_safe
@requires("payments.settle_held")
def held_list(request: HttpRequest) -> HttpResponse:
    """What waits, the oldest first, and what was settled last."""
    return render(request, "payments/held/list.html", {"page": list_held(at=timezone.now())})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("payments.settle_held")
@requires_step_up
def held(request: HttpRequest, held_id: int) -> HttpResponse:
    """One sum: what is known of it, and the request that it be booked to somebody."""
    row = get_held(held_id, at=timezone.now())
    form = SettleForm(request.POST if request.method == "POST" else None, initial={"account_no": row.account_no})
    if request.method == "POST" and form.is_valid():
        try:
            approval_id = ask_to_settle(
                notice_id=held_id,
                account_no=form.cleaned_data["account_no"].strip(),
                reason=form.cleaned_data["reason"],
                asked_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("申请已提交。另一人批准后才入账。"))
            return redirect("approval", approval_id=approval_id)
    context = {"row": row, "form": form, "waiting": waiting_for(held_id)}
    return render(request, "payments/held/one.html", context, status=422 if form.errors else 200)
