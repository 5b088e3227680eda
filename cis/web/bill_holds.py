"""Held bills: the work list, and one with its history beside it, to release or to send back."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations import bill_holds as operations
from cis.queries import bill_holds as queries
from cis.queries import customers
from cis.queries.audit import record_of
from cis.web.portal_sign_in import refuse
from config.shared.errors import Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires

HANDLES = "cis.correct_bills"


class FoundForm(forms.Form):
    """What was found out about the bill."""

    reason = forms.CharField(
        label=gettext_lazy("核实结果"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("放行的写明为什么用了这么多；退回的写明要核对什么。"),
    )


@requires(HANDLES)
@require_safe
def hold_list(request: HttpRequest) -> HttpResponse:
    """Bills that wait before they are issued, the largest first."""
    within = scope_of(staff_of(request), HANDLES)
    return render(request, "cis/bills/holds.html", {"rows": queries.list_holds(within=within)})


@requires(HANDLES)
@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: HttpRequest, hold_id: int) -> HttpResponse:
    """One held bill: why, beside what; ask for its release or send it back."""
    user, now = staff_of(request), timezone.now()
    within = scope_of(user, HANDLES)
    page = queries.get_hold(hold_id, within=within)
    saw(request, record_of(page.held.account_id))
    form = FoundForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            if request.POST.get("act") == "send-back":
                operations.send_back(hold_id=hold_id, reason=reason, by_id=user.pk, at=now, within=within)
                messages.success(request, _("已退回，相关示数进入存疑示数，处理后自动出账。"))
                return redirect("cis:bill_holds")
            operations.ask_release(hold_id=hold_id, reason=reason, by_id=user.pk, at=now, within=within)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已送审批，第二人批准后原样发行。"))
            return redirect("cis:bill_holds")
    context = {
        "page": page,
        "held": page.held,
        "head": customers.get_head(page.held.account_no),
        "form": form,
        "is_waiting": page.held.state == "waiting",
    }
    return render(request, "cis/bills/hold.html", context, status=422 if form.errors else 200)
