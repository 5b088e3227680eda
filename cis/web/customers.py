"""The customer all around, and the forms that change who and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import customers as operations
from cis.queries import customers as queries
from cis.queries.audit import record_of
from config.navigation import SLOTS
from config.shared import working_place
from config.shared.display_formats import format_month
from config.shared.errors import Refused
from config.shared.permissions import may, staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import render_part_or_page, requires
from config.shared.web.parts import address_of, parts_for

KINDS = (("person", gettext_lazy("个人")), ("enterprise", gettext_lazy("企业")))


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a stale form: what stands there now, what was typed."""

    label: str | Promise
    now: str
    typed: str

    @property
    def differs(self) -> bool:
        """Whether the two are not the same."""
        return self.now != self.typed


class CustomerForm(forms.Form):
    """A customer's particulars with the version they were opened at."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    name = forms.CharField(label=gettext_lazy("客户名称"), max_length=200)
    kind = forms.ChoiceField(label=gettext_lazy("类别"), choices=KINDS)
    phone = forms.CharField(
        label=gettext_lazy("新的联系电话"),
        required=False,
        max_length=20,
        help_text=gettext_lazy("不改就空着。"),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    identity_no = forms.CharField(
        label=gettext_lazy("新的证件号码"),
        required=False,
        max_length=32,
        help_text=gettext_lazy("不改就空着。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class PremiseForm(forms.Form):
    """A supply address with the version it was opened at."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    address = forms.CharField(label=gettext_lazy("用电地址"), max_length=200)
    door = forms.CharField(
        label=gettext_lazy("新的门牌（楼栋、房号）"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("不改就空着。"),
    )


class ReasonForm(forms.Form):
    """Why something is done."""

    reason = forms.CharField(
        label=gettext_lazy("查看原因"),
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("会连同您的姓名和时间记入审计，例如「核对来电人身份」。"),
    )


@requires("cis.view_customer")
def account(request: HttpRequest, account_no: str) -> HttpResponse:
    """The 360: who, what is owed, the newest bills; every other part comes on its own. Opens the customer as a tab."""
    view = queries.get_360(account_no, today=timezone.localdate())
    saw(request, record_of(view.head.account_id))
    user = staff_of(request)
    label = f"{view.head.customer_name} {account_no}"
    working_place.open_customer(user_id=user.pk, subject=account_no, label=label, at=timezone.now())
    context = {
        "view": view,
        "head": view.head,
        "receivable_fen": view.receivable_fen,
        "prepayment_fen": view.prepayment_fen,
        "chart": usage_chart(view.bills),
        "parts": parts_for(request, SLOTS["customer-360"], account_no=account_no),
        "may_edit": may(user, "cis.edit_customer"),
        "may_reveal": may(user, "cis.see_personal_data"),
        "may_bill": may(user, "cis.issue_bill"),
        "may_correct": may(user, "cis.correct_bills"),
        "pay_url": pay_url(request, account_no),
    }
    return render(request, "cis/account.html", context)


def pay_url(request: HttpRequest, account_no: str) -> str:
    """Where this user takes the customer's money; empty where they may not."""
    may_take = may(staff_of(request), "payments.take_payment")
    return address_of("payments:desk_account", account_no=account_no) if may_take else ""


def usage_chart(bills: Sequence[queries.BillRow]) -> dict[str, Any] | None:
    """Monthly energy of the newest revision of each period, oldest first, as `shared/charts.js` draws it."""
    newest = [bill for bill in bills if not bill.is_replaced][::-1]
    if len(newest) < 2:
        return None
    return {
        "x": [format_month(bill.cycle) for bill in newest],
        "x_name": _("月份"),
        "unit": _("度"),
        "scale": 100,
        "kind": "bar",
        "series": [{"name": _("用电量"), "values": [bill.energy_kwh_e2 for bill in newest]}],
    }


@requires("cis.see_personal_data")
def personal_data(request: HttpRequest, account_no: str) -> HttpResponse:
    """Ask for a reason, then show what is normally masked, once."""
    form = ReasonForm(request.POST or None)
    shown = None
    if request.method == "POST" and form.is_valid():
        shown = operations.reveal_personal_data(
            account_no=account_no,
            user_id=staff_of(request).pk,
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
        )
    head = queries.get_head(account_no)
    saw(request, record_of(head.account_id))
    response = render_part_or_page(
        request,
        part="cis/_reveal.html",
        page="cis/personal_data.html",
        context={"head": head, "form": form, "shown": shown},
        status=422 if form.errors else 200,
    )
    response["Cache-Control"] = "no-store"
    return response


@requires("cis.edit_customer")
def customer_edit(request: HttpRequest, account_no: str) -> HttpResponse:
    """Change who the customer is; a stale form comes back with both texts beside each other."""
    card = queries.get_customer_card(account_no)
    if request.method != "POST":
        form = CustomerForm(initial={"version": card.version, "name": card.name, "kind": card.kind})
        return _customer_page(request, account_no, form, card)
    form = CustomerForm(request.POST)
    if not form.is_valid():
        return _customer_page(request, account_no, form, card, status=422)
    typed = form.cleaned_data
    try:
        operations.edit_customer(
            customer_id=card.customer_id,
            expected_version=typed["version"],
            kind=typed["kind"],
            name=typed["name"],
            phone=typed["phone"] or None,
            identity_no=typed["identity_no"] or None,
        )
    except operations.StaleEdit as refused:
        now = refused.facts["current"]
        kinds = dict(KINDS)
        differences = [
            Difference(_("客户名称"), now["name"], typed["name"]),
            Difference(_("类别"), str(kinds[now["kind"]]), str(kinds[typed["kind"]])),
            Difference(_("联系电话"), now["phone_masked"], typed["phone"] or _("（不改）")),
            Difference(_("证件号码"), now["identity_masked"], typed["identity_no"] or _("（不改）")),
        ]
        form = CustomerForm({**request.POST.dict(), "version": now["version"]})
        return _customer_page(request, account_no, form, card, refused=refused, differences=differences, status=409)
    messages.success(request, _("客户资料已保存，各营业厅立即可见。"))
    return redirect("cis:account", account_no=account_no)


def _customer_page(
    request: HttpRequest,
    account_no: str,
    form: CustomerForm,
    card: queries.CustomerCard,
    *,
    refused: Refused | None = None,
    differences: Sequence[Difference] = (),
    status: int = 200,
) -> HttpResponse:
    head = queries.get_head(account_no)
    saw(request, record_of(head.account_id))
    context = {
        "head": head,
        "form": form,
        "draft": draft_of(request, form, name="edit-customer", subject=account_no),
        "card": card,
        "refused": refused,
        "differences": differences,
    }
    return render(request, "cis/customer_edit.html", context, status=status)


@requires("cis.edit_customer")
def premise_edit(request: HttpRequest, account_no: str) -> HttpResponse:
    """Change where the customer is supplied; a stale form comes back with both texts beside each other."""
    card = queries.get_premise_card(account_no)
    if request.method != "POST":
        return _premise_page(
            request, account_no, PremiseForm(initial={"version": card.version, "address": card.address}), card
        )
    form = PremiseForm(request.POST)
    if not form.is_valid():
        return _premise_page(request, account_no, form, card, status=422)
    typed = form.cleaned_data
    try:
        operations.edit_premise(
            premise_id=card.premise_id,
            expected_version=typed["version"],
            address=typed["address"],
            door=typed["door"] or None,
        )
    except operations.StaleEdit as refused:
        now = refused.facts["current"]
        differences = [
            Difference(_("用电地址"), now["address"], typed["address"]),
            Difference(_("门牌"), now["door_masked"], typed["door"] or _("（不改）")),
        ]
        form = PremiseForm({**request.POST.dict(), "version": now["version"]})
        return _premise_page(request, account_no, form, card, refused=refused, differences=differences, status=409)
    messages.success(request, _("用电地址已保存，各营业厅立即可见。"))
    return redirect("cis:account", account_no=account_no)


def _premise_page(
    request: HttpRequest,
    account_no: str,
    form: PremiseForm,
    card: queries.PremiseCard,
    *,
    refused: Refused | None = None,
    differences: Sequence[Difference] = (),
    status: int = 200,
) -> HttpResponse:
    head = queries.get_head(account_no)
    saw(request, record_of(head.account_id))
    context = {
        "head": head,
        "form": form,
        "draft": draft_of(request, form, name="edit-premise", subject=account_no),
        "card": card,
        "refused": refused,
        "differences": differences,
    }
    return render(request, "cis/premise_edit.html", context, status=status)
