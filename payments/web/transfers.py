"""The console: bank statements, whose the money of their lines is, and the pool of what nobody knows yet."""

from __future__ import annotations

import re
from typing import Any, cast

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
from config.shared.money import NotMoney, fen_from_yuan, yuan_from_fen
from config.shared.permissions import staff_of
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from payments.operations import bank_accounts, bank_returns, claims
from payments.operations.claims import Done, Part, claim_sub_accounts
from payments.operations.statements import keep_statement
from payments.queries import transfers as pages
from payments.queries.transfers import LinePage

WORK = "payments.work_transfers"


class StatementForm(forms.Form):
    """A bank's statement of one day."""

    file = forms.FileField(
        label=gettext_lazy("银行流水文件"),
        help_text=gettext_lazy("账号和日期写在文件第一行。余额、笔数、合计或校验值有一处不对，整份不收。"),
    )


class BankAccountForm(forms.Form):
    """One of the utility's own accounts."""

    number = forms.CharField(
        label=gettext_lazy("我方账号"), max_length=40, widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )
    bank = forms.CharField(label=gettext_lazy("开户行"), max_length=100)


class SubAccountForm(forms.Form):
    """A virtual sub-account's number and whose it is."""

    number = forms.CharField(label=gettext_lazy("虚拟子账户号"), max_length=60)
    account_no = forms.CharField(
        label=gettext_lazy("户号"), max_length=20, widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )
    from_on = forms.DateField(
        label=gettext_lazy("从哪天起"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )


class PartsField(forms.CharField):
    """An account number a line, with its amount in yuan; one number alone takes all."""

    def clean(self, value: Any) -> Any:
        """The parts in their order."""
        parts: list[Part] = []
        for line in str(super().clean(value)).splitlines():
            words = line.replace("，", " ").replace("\t", " ").split()
            if not words:
                continue
            if len(words) > 2 or not re.fullmatch(r"[0-9A-Za-z-]{1,32}", words[0]):
                raise forms.ValidationError(_("请每行写一个户号和它的金额，例如“4210000012 186.40”。"), code="parts")
            try:
                parts.append(Part(words[0], fen_from_yuan(words[1]) if len(words) == 2 else None))
            except NotMoney as error:
                raise forms.ValidationError(
                    _("“%(text)s”不是金额，请写成 186.40 这样。") % {"text": words[1]}, code="not-money"
                ) from error
        return parts


class ClaimForm(forms.Form):
    """For which accounts the money is, and how one knows."""

    parts = PartsField(
        label=gettext_lazy("记到户号"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("每行一个户号和金额，合计等于到账金额；只有一户时可以只写户号。"),
    )
    reason = forms.CharField(
        label=gettext_lazy("怎么核实的"),
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("例如“企业财务来电报了回单号和金额”。"),
    )


class ReasonForm(forms.Form):
    """Why a claim is taken back, or money goes back."""

    reason = forms.CharField(
        label=gettext_lazy("原因"), max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


@never_cache
@require_safe
@requires(WORK)
def pool(request: HttpRequest) -> HttpResponse:
    """What nobody knows yet, by age, and every line that waits."""
    return render(request, "payments/transfers/pool.html", {"page": pages.pool(at=timezone.now())})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(WORK)
@requires_step_up
def transfer(request: HttpRequest, line_id: int) -> HttpResponse:
    """One sum: proposals with their reasons, the claim, the way back."""
    page = pages.get_line(line_id, at=timezone.now())
    act = request.POST.get("act", "") if request.method == "POST" else ""
    forms_of_page: dict[str, forms.Form] = {
        "claim": ClaimForm(request.POST if act == "claim" else None, initial=_proposed(request, page)),
        "undo": ReasonForm(request.POST if act == "undo" else None, auto_id="undo_%s"),
        "back": ReasonForm(request.POST if act == "back" else None, auto_id="back_%s"),
    }
    form = forms_of_page.get(act)
    refused: Refused | None = None
    if (act == "paid" and request.POST.get("out_line", "").isdecimal()) or (form is not None and form.is_valid()):
        try:
            return _acted(request, line_id, act, form.cleaned_data if form else {})
        except Refused as fault:
            refused = fault
            if form is not None:
                form.add_error(None, fault.message)
    context = {"page": page, "row": page.row, "form": forms_of_page, "refused": refused, "act": act}
    return render(request, "payments/transfers/line.html", context, status=422 if act else 200)


def _proposed(request: HttpRequest, page: LinePage) -> dict[str, str]:
    """The proposal that was followed, to be looked at before it is claimed."""
    place = request.GET.get("proposal", "")
    if not place.isdecimal() or not 1 <= int(place) <= len(page.proposals):
        return {}
    chosen = page.proposals[int(place) - 1]
    return {
        "parts": "\n".join(f"{part.account_no} {yuan_from_fen(part.amount_fen)}" for part in chosen.parts),
        "reason": _("；").join(chosen.reasons),
    }


def _acted(request: HttpRequest, line_id: int, act: str, said: dict[str, Any]) -> HttpResponse:
    by_id, now = staff_of(request).pk, timezone.now()
    if act == "paid":
        bank_returns.note_paid(line_id=line_id, out_line_id=int(request.POST["out_line"]), by_id=by_id, at=now)
        messages.success(request, _("已记为退回付出。"))
        return redirect("payments:transfer", line_id=line_id)
    if act == "claim":
        done = claims.claim(line_id=line_id, parts=said["parts"], reason=said["reason"], claimed_by_id=by_id, at=now)
        messages.success(request, _("已认领入账。") if done.claim_id else _("申请已提交。另一人批准后才入账。"))
    elif act == "undo":
        done = claims.undo_claim(line_id=line_id, reason=said["reason"], undone_by_id=by_id, at=now)
        messages.success(
            request, _("已撤销认领，款重新待认领。") if done.claim_id else _("申请已提交。另一人批准后才撤销。")
        )
    else:
        done = Done(
            approval_id=bank_returns.ask_to_send_back(line_id=line_id, reason=said["reason"], asked_by_id=by_id, at=now)
        )
        messages.success(request, _("申请已提交。另一人批准后才退回。"))
    if done.approval_id:
        return redirect("approval", approval_id=done.approval_id)
    return redirect("payments:transfer", line_id=line_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(WORK)
@requires_step_up
def statements(request: HttpRequest) -> HttpResponse:
    """The days of all bank accounts; bring a day's statement, write down an account."""
    now, by_id = timezone.now(), staff_of(request).pk
    is_adding = request.POST.get("act") == "add"
    is_bringing = request.method == "POST" and not is_adding
    form = StatementForm(*((request.POST, request.FILES) if is_bringing else ()))
    adding = BankAccountForm(request.POST if is_adding else None)
    asked = adding if is_adding else form
    refused: Refused | None = None
    if request.method == "POST" and asked.is_valid():
        try:
            if is_adding:
                bank_accounts.add_bank_account(**adding.cleaned_data, by_id=by_id, at=now)
                messages.success(request, _("账户已登记。"))
                return redirect("payments:bank_statements")
            sent: Any = form.cleaned_data["file"]
            kept = keep_statement(name=str(sent.name), file=cast(Any, sent.file), by_id=by_id, at=now)
            claim_sub_accounts(statement_id=kept.statement_id, at=now)
        except Refused as fault:
            refused = fault
        else:
            messages.success(request, _("这份流水以前收过，没有变化。") if kept.is_repeat else _("流水已收下并入账。"))
            return redirect("payments:bank_statement", statement_id=kept.statement_id)
    context = {
        "rows": pages.list_statements(),
        "accounts": pages.bank_accounts(),
        "form": form,
        "adding": adding,
        "refused": refused,
    }
    is_wrong = refused is not None or bool(asked.errors)
    return render(request, "payments/transfers/statements.html", context, status=422 if is_wrong else 200)


@never_cache
@require_safe
@requires(WORK)
def statement(request: HttpRequest, statement_id: int) -> HttpResponse:
    """One day of a bank account: how its balance moved, line by line."""
    row, lines = pages.get_statement(statement_id, at=timezone.now())
    return render(request, "payments/transfers/statement.html", {"row": row, "lines": lines})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(WORK)
@requires_step_up
def sub_accounts(request: HttpRequest) -> HttpResponse:
    """Virtual sub-accounts and whose they are; assign one, end one."""
    now = timezone.now()
    ended = request.POST.get("end", "")
    is_assigning = request.method == "POST" and not ended
    form = SubAccountForm(request.POST if is_assigning else None, initial={"from_on": timezone.localdate()})
    refused: Refused | None = None
    if ended.isdecimal() or (is_assigning and form.is_valid()):
        try:
            if ended:
                bank_accounts.end_sub_account(sub_account_id=int(ended), until_on=timezone.localdate())
                messages.success(request, _("子账户已停用，从今天起的到账不再自动入账。"))
            else:
                bank_accounts.assign_sub_account(**form.cleaned_data, by_id=staff_of(request).pk, at=now)
                messages.success(request, _("子账户已对应到户号。"))
        except Refused as fault:
            refused = fault
        else:
            return redirect("payments:sub_accounts")
    context = {"rows": pages.list_sub_accounts(), "form": form, "refused": refused}
    is_wrong = refused is not None or bool(form.errors)
    return render(request, "payments/transfers/sub_accounts.html", context, status=422 if is_wrong else 200)
