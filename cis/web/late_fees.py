"""Waiving a late fee: asked for here with a reason, decided on the approvals' page."""

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
from django.views.decorators.http import require_http_methods

from cis.operations import late_fees as operations
from cis.queries.audit import record_of
from cis.queries.late_fees import late_fee_of_bill, paid_late_fee
from cis.web.portal_sign_in import refuse
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires

COLLECTS = "cis.collect_arrears"


class WaiverForm(forms.Form):
    """Why the late fee is not to be paid."""

    reason = forms.CharField(
        label=gettext_lazy("减免理由"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("例如抄表错误、账单没有送达，写明核实经过。"),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(COLLECTS)
def waive(request: HttpRequest, bill_no: str) -> HttpResponse:
    """Ask that the late fee of a bill up to today is waived."""
    now, user = timezone.now(), staff_of(request)
    account_no, account_id, bill_id, fee = late_fee_of_bill(bill_no, on=timezone.localdate())
    # What is owed comes first; with nothing owed, what was paid may be given back.
    paid_fen = 0 if fee else paid_late_fee(bill_id)
    saw(request, record_of(account_id))
    form = WaiverForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            asked: dict[str, Any] = {
                "bill_id": bill_id,
                "reason": form.cleaned_data["reason"],
                "asked_by_id": user.pk,
                "at": now,
                "within": scope_of(user, COLLECTS),
            }
            if paid_fen:
                approval_id = operations.ask_give_back(**asked)
            else:
                approval_id = operations.ask_waiver(amount_fen=None, **asked)
        except NotFound:
            raise
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("申请已提交，另一人批准后生效。"))
            return redirect("approval", approval_id=approval_id)
    context = {
        "paid_fen": paid_fen,
        "form": form,
        "fee": fee,
        "bill_no": bill_no,
        "account_no": account_no,
        "today": timezone.localdate(),
    }
    return render(request, "cis/collecting/waive.html", context, status=422 if form.is_bound else 200)
