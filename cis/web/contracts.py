"""The form that changes an account's contract capacity."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations.contracts import MOST_KVA, change_capacity
from cis.queries import customers as queries
from cis.queries.audit import record_of
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires


class CapacityForm(forms.Form):
    """The new capacity, from when, and why."""

    capacity_kva = forms.IntegerField(
        label=gettext_lazy("新的合同容量（kVA）"),
        min_value=1,
        max_value=MOST_KVA,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    from_on = forms.DateField(
        label=gettext_lazy("从哪一天起执行"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("选抄表例日最好：计费周期中间变更的，这一期电费要由电费会计处理后才能发行。"),
    )
    reason = forms.CharField(
        label=gettext_lazy("变更原因"),
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("例如增容申请的编号，会一直留在这个户的记录里。"),
    )


@requires("cis.change_contract")
def capacity(request: HttpRequest, account_no: str) -> HttpResponse:
    """Ask for the new capacity, change it, and lead back to the customer."""
    head = queries.get_head(account_no)
    saw(request, record_of(head.account_id))
    form = CapacityForm(request.POST or None, initial={"from_on": timezone.localdate()})
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            change_capacity(
                account_id=head.account_id,
                capacity_kva=form.cleaned_data["capacity_kva"],
                from_on=form.cleaned_data["from_on"],
                reason=form.cleaned_data["reason"],
                changed_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            messages.success(request, _("合同容量已变更，客户画像和可压负荷随后自动更新。"))
            return redirect("cis:account", account_no=account_no)
    known = queries.list_contracts(head.account_id, today=timezone.localdate())
    context = {
        "head": head,
        "form": form,
        "current": next((row for row in known if row.is_current), None),
        "draft": draft_of(request, form, name="change-capacity", subject=account_no),
    }
    return render(request, "cis/capacity.html", context, status=409 if refused else 422 if form.errors else 200)
