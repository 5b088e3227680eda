"""The console: a cheque taken at the counter, banked, cleared by the bank's line, or returned."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries.audit import record_of
from config.shared.display_formats import format_yuan
from config.shared.errors import NotFound, Refused
from config.shared.permissions import staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from payments import queries
from payments.operations import cheques
from payments.operations.cheques import Paper
from payments.operations.taking import is_form_key
from payments.queries.cheques import get_cheque, list_cheques
from payments.web.forms import YuanField

WORK = "payments.work_transfers"


class ChequeForm(forms.Form):
    """What stands on the cheque."""

    form_key = forms.CharField(widget=forms.HiddenInput)
    amount = YuanField(label=gettext_lazy("支票金额（元）"), help_text=gettext_lazy("支票只能交欠费，不能多交。"))
    number = forms.CharField(
        label=gettext_lazy("支票号码"), max_length=30, widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )
    bank = forms.CharField(label=gettext_lazy("付款银行"), max_length=100)
    drawer = forms.CharField(label=gettext_lazy("出票人"), max_length=200)
    issued_on = forms.DateField(
        label=gettext_lazy("出票日期"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=gettext_lazy("自出票日起 10 天内要送存银行（票据法第九十一条）。"),
    )


class BankedForm(forms.Form):
    """When it was taken to the bank."""

    banked_on = forms.DateField(
        label=gettext_lazy("送存日期"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )


class ReturnForm(forms.Form):
    """Why it came back."""

    reason = forms.CharField(
        label=gettext_lazy("退票原因"),
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("例如“存款不足”“印鉴不符”“客户取回”。"),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("payments.take_payment")
def take(request: HttpRequest, account_no: str) -> HttpResponse:
    """Take a cheque for an account; the address carries the form's key, as for any payment at the counter."""
    key = request.POST.get("form_key", "") if request.method == "POST" else request.GET.get("key", "")
    if request.method != "POST" and not is_form_key(key):
        return redirect(f"{reverse('payments:cheque_take', args=[account_no])}?key={uuid.uuid4().hex}")
    page = queries.pay_form(account_no=account_no, form_key=key, on=timezone.localdate())
    saw(request, record_of(page.dues.account_id))
    if request.method != "POST" and page.taken_receipt_no:
        messages.warning(request, _("这张收款单已经收过款，没有重复收取。下面是当时的收据。"))
        return redirect("payments:payment", receipt_no=page.taken_receipt_no)
    due = page.dues.to_pay_fen
    form = ChequeForm(
        request.POST if request.method == "POST" else None,
        initial={"form_key": key, "amount": format_yuan(due) if due > 0 else ""},
    )
    if form.is_bound and form.is_valid():
        staff, said = staff_of(request), form.cleaned_data
        try:
            taken = cheques.take_cheque(
                account_id=page.dues.account_id,
                amount_fen=said["amount"],
                paper=Paper(said["number"], said["bank"], said["drawer"], said["issued_on"]),
                form_key=key,
                org_unit_id=staff.org_unit_id,
                received_by_id=staff.pk,
                at=timezone.now(),
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("支票已收，账单已销。请打印收据交给客户；退票的，账单会重新变为未交清。"))
            return redirect("payments:payment", receipt_no=taken.receipt_no)
    context = {"form": form, "dues": page.dues}
    return render(request, "payments/cheques/take.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
@requires(WORK)
def cheque_list(request: HttpRequest) -> HttpResponse:
    """What is on its way, the oldest first, and what ended last."""
    return render(request, "payments/cheques/list.html", {"page": list_cheques(at=timezone.now())})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(WORK)
@requires_step_up
def cheque(request: HttpRequest, cheque_id: int) -> HttpResponse:
    """One cheque: bank it, say which line is its money, or return it."""
    row, money = get_cheque(cheque_id, at=timezone.now())
    act = request.POST.get("act", "") if request.method == "POST" else ""
    banked = BankedForm(request.POST if act == "bank" else None, initial={"banked_on": timezone.localdate()})
    back = ReturnForm(request.POST if act == "return" else None)
    form = {"bank": banked, "return": back}.get(act)
    refused: Refused | None = None
    if (form is not None and form.is_valid()) or (act == "clear" and request.POST.get("line", "").isdecimal()):
        try:
            messages.success(request, _act(request, cheque_id, act, form.cleaned_data if form else {}))
        except NotFound:
            raise
        except Refused as fault:
            refused = fault
        else:
            return redirect("payments:cheque", cheque_id=cheque_id)
    context = {"row": row, "money": money, "banked": banked, "back": back, "refused": refused}
    return render(request, "payments/cheques/cheque.html", context, status=422 if act else 200)


def _act(request: HttpRequest, cheque_id: int, act: str, said: dict[str, Any]) -> str:
    """Do it, and what to say of it."""
    by_id, now = staff_of(request).pk, timezone.now()
    if act == "bank":
        cheques.bank_cheque(cheque_id=cheque_id, banked_on=said["banked_on"], at=now)
        return _("已记为送存。")
    if act == "clear":
        cheques.clear_cheque(cheque_id=cheque_id, line_id=int(request.POST["line"]), by_id=by_id, at=now)
        return _("支票已到账。")
    cheques.return_cheque(cheque_id=cheque_id, reason=said["reason"], by_id=by_id, at=now)
    return _("已退票：收款已冲正，账单重新变为未交清，客户会收到通知。")
