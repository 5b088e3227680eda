"""The forms that change an account's contract: its capacity, and how it is charged."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations.contracts import MOST_KVA, change_capacity, change_terms
from cis.queries import customers as queries
from cis.queries.audit import record_of
from cis.rating.power_factors import STANDARDS_E2
from cis.rating.rules.basic_charge import DemandMode
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
        help_text=gettext_lazy("计费周期中间变更的，两部制的基本电费按天分段计。"),
    )
    reason = forms.CharField(
        label=gettext_lazy("变更原因"),
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("例如增容申请的编号，会一直留在这个户的记录里。"),
    )


class TermsForm(forms.Form):
    """How the basic charge is paid, and the power-factor standard."""

    demand_mode = forms.TypedChoiceField(
        label=gettext_lazy("基本电费怎样计收"),
        coerce=int,
        choices=[
            (int(DemandMode.NOT_AGREED), gettext_lazy("不计收（单一制）")),
            (int(DemandMode.CAPACITY), gettext_lazy("按变压器容量")),
            (int(DemandMode.CONTRACT), gettext_lazy("按合同最大需量")),
            (int(DemandMode.ACTUAL), gettext_lazy("按实际最大需量")),
            (int(DemandMode.EXEMPT), gettext_lazy("两部制，免收基本电费")),
        ],
    )
    contract_demand_kw = forms.IntegerField(
        label=gettext_lazy("合同最大需量（kW）"),
        required=False,
        min_value=1,
        max_value=MOST_KVA,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy("只有按合同最大需量计收的才填；低于容量 40% 的按 40% 计。"),
    )
    pf_standard_e2 = forms.TypedChoiceField(
        label=gettext_lazy("功率因数标准"),
        coerce=int,
        choices=[(0, gettext_lazy("不考核")), *((one, f"{one / 100:.2f}") for one in reversed(STANDARDS_E2))],
    )
    from_on = forms.DateField(
        label=gettext_lazy("从哪一天起执行"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("请选抄表例日：一期电费只能按一种方式计收。"),
    )
    reason = forms.CharField(
        label=gettext_lazy("变更原因"),
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("例如客户申请的编号，会一直留在这个户的记录里。"),
    )


@requires("cis.change_contract")
def terms(request: HttpRequest, account_no: str) -> HttpResponse:
    """Ask how the account is charged from now on, change it, and lead back to the customer."""
    head = queries.get_head(account_no)
    saw(request, record_of(head.account_id))
    known = queries.list_contracts(head.account_id, today=timezone.localdate())
    current = next((row for row in known if row.is_current), None)
    initial = {
        "from_on": timezone.localdate(),
        "demand_mode": current.demand_mode if current else int(DemandMode.NOT_AGREED),
        "contract_demand_kw": (current.contract_demand_kw or None) if current else None,
        "pf_standard_e2": current.pf_standard_e2 if current else 0,
    }
    form = TermsForm(request.POST or None, initial=initial)
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            change_terms(
                account_id=head.account_id,
                demand_mode=form.cleaned_data["demand_mode"],
                contract_demand_kw=form.cleaned_data["contract_demand_kw"] or 0,
                pf_standard_e2=form.cleaned_data["pf_standard_e2"],
                from_on=form.cleaned_data["from_on"],
                reason=form.cleaned_data["reason"],
                changed_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            messages.success(request, _("计费方式已变更，从执行之日起的电费按新的方式计算。"))
            return redirect("cis:account", account_no=account_no)
    context = {
        "head": head,
        "form": form,
        "current": current,
        "draft": draft_of(request, form, name="change-terms", subject=account_no),
    }
    return render(request, "cis/terms.html", context, status=409 if refused else 422 if form.errors else 200)


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
