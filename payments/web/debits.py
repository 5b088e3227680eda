"""Bank batch debit: the console's batches, agreements and banks; signing in a hall and in the portal."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries import dues, portal
from cis.queries.audit import record_of
from cis.queries.portal import Right
from config.shared.errors import NotFound, Refused
from config.shared.permissions import staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.portal_pages import for_customers, preferred_account
from config.shared.web.step_up import requires_step_up
from payments.operations import debit_batches
from payments.operations.debit_agreements import BankTerms, DebitTerms, end_debit, set_up_bank, sign_debit
from payments.queries.debits import (
    BankRow,
    agreements_of,
    bank_of,
    get_batch,
    list_agreements,
    list_banks,
    list_batches,
)
from payments.simulators import debit_bank
from payments.web.forms import YuanField

WORK, SIGN = "payments.work_debits", "payments.sign_debits"
# So many rows are booked while the page waits; the clock books the rest.
BOOKED_AT_ONCE = 200
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class FreezeForm(forms.Form):
    """Which bank is asked, for which day."""

    bank = forms.ChoiceField(label=gettext_lazy("银行"))
    debit_on = forms.DateField(
        label=gettext_lazy("扣款日"), widget=_DAY, help_text=gettext_lazy("违约金算到这一天；今天到 31 天以内。")
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        choices = [(bank.code, bank.name) for bank in list_banks()]
        self.fields["bank"].choices = choices  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    """What the bank answered."""

    file = forms.FileField(
        label=gettext_lazy("银行回盘文件"), help_text=gettext_lazy("笔数、金额或校验值不对的整份不收。")
    )


class BankForm(forms.Form):
    """How a bank takes part."""

    name = forms.CharField(label=gettext_lazy("银行名称"), max_length=100)
    code = forms.SlugField(
        label=gettext_lazy("代号"), max_length=16, help_text=gettext_lazy("小写字母和数字，写在文件头里。")
    )
    client_code = forms.CharField(
        label=gettext_lazy("接入方代号"),
        max_length=16,
        required=False,
        help_text=gettext_lazy("这家银行在“代收渠道”里的代号；填了，银行才能用接口签约。"),
    )
    separator = forms.ChoiceField(
        label=gettext_lazy("文件格式"),
        required=False,
        choices=[
            ("|", gettext_lazy("竖线分隔")),
            (",", gettext_lazy("逗号分隔")),
            (";", gettext_lazy("分号分隔")),
            ("", gettext_lazy("定长")),
        ],
    )
    encoding = forms.ChoiceField(label=gettext_lazy("编码"), choices=[("utf-8", "UTF-8"), ("gb18030", "GB18030")])
    return_codes = forms.CharField(
        label=gettext_lazy("回盘代码"),
        widget=forms.Textarea(attrs={"rows": 7}),
        initial="0000=ok\n0001=short\n0002=closed\n0003=refused\n0004=limit\n0005=blocked\n9999=other",
        help_text=gettext_lazy("每行一个“代码=结果”。结果：ok、short、blocked、limit、closed、refused、other。"),
    )
    max_tries = forms.IntegerField(label=gettext_lazy("最多扣几次"), min_value=1, max_value=9, initial=3)
    retry_days = forms.IntegerField(label=gettext_lazy("隔几天再扣"), min_value=0, max_value=31, initial=3)

    def terms(self) -> BankTerms:
        """As they are kept."""
        typed = self.cleaned_data
        lines = [line.partition("=") for line in typed["return_codes"].split() if line]
        return BankTerms(
            typed["name"], typed["separator"], typed["encoding"], {key: word for key, _is, word in lines},
            typed["max_tries"], typed["retry_days"], typed["client_code"].strip(),
        )  # fmt: skip


class SignForm(forms.Form):
    """What is agreed."""

    bank = forms.ChoiceField(label=gettext_lazy("银行"))
    holder = forms.CharField(
        label=gettext_lazy("银行卡户名"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    card_no = forms.CharField(
        label=gettext_lazy("银行卡号或账号"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy("8 到 32 位数字。加密保存，以后只显示后四位。"),
    )
    limit_fen = YuanField(label=gettext_lazy("每次代扣限额（元）"), help_text=gettext_lazy("超过这个数的欠费不代扣。"))
    valid_until = forms.DateField(
        label=gettext_lazy("到期日"), required=False, widget=_DAY, help_text=gettext_lazy("不填就一直有效，直到解约。")
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        choices = [(bank.code, bank.name) for bank in list_banks()]
        self.fields["bank"].choices = choices  # type: ignore[attr-defined]


class EndForm(forms.Form):
    """Why it ends."""

    reason = forms.CharField(
        label=gettext_lazy("解约原因"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


# --- Batches ------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(WORK)
@requires_step_up
def batches(request: HttpRequest) -> HttpResponse:
    """Every batch; a new one is frozen here."""
    form = FreezeForm(request.POST if request.method == "POST" else None, initial={"debit_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            batch_id = debit_batches.freeze_batch(
                bank_code=form.cleaned_data["bank"],
                debit_on=form.cleaned_data["debit_on"],
                by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            return redirect("payments:debit_batch", debit_batch_id=batch_id)
    context = {"rows": list_batches(), "banks": list_banks(), "form": form}
    return render(request, "payments/debits/batches.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(WORK)
@requires_step_up
def batch(request: HttpRequest, debit_batch_id: int) -> HttpResponse:
    """One batch: its sums and rows, its file, the bank's answer."""
    form = AnswerForm()
    refused: Refused | None = None
    if request.method == "POST":
        act = request.POST.get("act", "")
        if act == "answer":
            form = AnswerForm(request.POST, request.FILES)
        try:
            done = _act(request, debit_batch_id, act, form)
        except NotFound:
            raise
        except Refused as fault:
            refused = fault
        else:
            if done is not None:
                return done
    context = {
        "page": get_batch(debit_batch_id),
        "form": form,
        "refused": refused,
        "is_simulated": settings.SIMULATORS,
    }
    return render(request, "payments/debits/batch.html", context, status=422 if refused or form.errors else 200)


def _act(request: HttpRequest, batch_id: int, act: str, form: AnswerForm) -> HttpResponse | None:
    """Send, answer, cancel or try again; None where the form is not whole."""
    now, here = timezone.now(), redirect("payments:debit_batch", debit_batch_id=batch_id)
    if act == "send":
        sent = debit_batches.send_batch(batch_id=batch_id, at=now)
        response = HttpResponse(sent.content, content_type="application/octet-stream")
        response["Content-Disposition"] = f'attachment; filename="debit-{get_batch(batch_id).batch.number}.txt"'
        return response
    if act == "cancel":
        debit_batches.cancel_batch(batch_id=batch_id)
        messages.success(request, _("批次已撤销，其中的户可以照常交费。"))
        return here
    if act == "again":
        debit_batches.try_again(batch_id=batch_id)
        debit_batches.book_answers(batch_id=batch_id, at=now, most=BOOKED_AT_ONCE)
        return here
    if act == "simulate" and settings.SIMULATORS:
        sent = debit_batches.send_batch(batch_id=batch_id, at=now)
        content = debit_bank.answer(debit_batches.layout_of_batch(batch_id), sent.content)
    elif act == "answer" and form.is_valid():
        content = form.cleaned_data["file"].read()
    else:
        return None
    is_new = debit_batches.take_answer(
        batch_id=batch_id, content=content, sha256=hashlib.sha256(content).hexdigest(), by_id=staff_of(request).pk,
        at=now,
    )  # fmt: skip
    debit_batches.book_answers(batch_id=batch_id, at=now, most=BOOKED_AT_ONCE)
    messages.success(request, _("回盘已收下，正在逐户入账。") if is_new else _("这份回盘早已收下，没有重复入账。"))
    return here


# --- Banks and agreements -----------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(WORK)
@requires_step_up
def bank_edit(request: HttpRequest, bank_code: str = "") -> HttpResponse:
    """A bank that debits for us, or a new one."""
    known = bank_of(bank_code) if bank_code else None
    form = BankForm(request.POST if request.method == "POST" else None, initial=_initial(known))
    if known is not None:
        form.fields["code"].disabled = True
    if request.method == "POST" and form.is_valid():
        try:
            set_up_bank(code=form.cleaned_data["code"], terms=form.terms())
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("代扣银行已保存。"))
            return redirect("payments:debits")
    title = _("修改代扣银行") if known else _("开通代扣银行")
    context = {"form": form, "title": title}
    return render(request, "payments/debits/bank.html", context, status=422 if form.errors else 200)


def _initial(known: BankRow | None) -> dict[str, Any]:
    if known is None:
        return {}
    return {
        "name": known.name,
        "code": known.code,
        "client_code": known.client_code,
        "separator": known.separator,
        "encoding": known.encoding,
        "return_codes": "\n".join(f"{code}={word}" for code, word in known.return_codes.items()),
        "max_tries": known.max_tries,
        "retry_days": known.retry_days,
    }


@never_cache
@require_safe
@requires(SIGN)
def agreements(request: HttpRequest) -> HttpResponse:
    """The newest agreements, or those of an account or a card."""
    text = request.GET.get("q", "")[:40]
    return render(request, "payments/debits/agreements.html", {"rows": list_agreements(text=text), "q": text})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(SIGN)
def account_debit(request: HttpRequest, account_no: str) -> HttpResponse:
    """Sign or end in a hall."""
    owed = dues.get_dues(account_id=dues.account_id_of(account_no), on=timezone.localdate())
    saw(request, record_of(owed.account_id))
    return _signing(
        request, owed.account_id, "hall", "payments/debits/account.html", {"dues": owed},
        redirect("payments:account_debit", account_no=account_no),
    )  # fmt: skip


@never_cache
@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def portal_debit(request: HttpRequest) -> HttpResponse:
    """Sign or end for one's own account."""
    mine = portal.my_accounts(
        user_id=staff_of(request).pk, preferred=preferred_account(request), today=timezone.localdate()
    )
    mine.current.require(Right.RECEIPTS)
    return _signing(
        request, mine.current.account_id, "portal", "payments/portal/debit.html", {"mine": mine},
        redirect("payments:portal_debit"),
    )  # fmt: skip


def _signing(
    request: HttpRequest, account_id: int, place: str, template: str, more: dict[str, Any], done: HttpResponse
) -> HttpResponse:
    known = agreements_of(account_id)
    active = next((one for one in known if one.is_active), None)
    form_type = SignForm if active is None else EndForm
    form: forms.Form = form_type(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            _sign_or_end(form, account_id, place, staff_of(request).pk)
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("代扣已签约。") if active is None else _("代扣已解约。"))
            return done
    context = {**more, "active": active, "known": known, "form": form, "has_banks": bool(list_banks())}
    return render(request, template, context, status=422 if form.errors else 200)


def _sign_or_end(form: forms.Form, account_id: int, place: str, by_id: int) -> None:
    typed, now = form.cleaned_data, timezone.now()
    if "reason" in typed:
        end_debit(account_id=account_id, reason=typed["reason"], ended_by_id=by_id, at=now)
        return
    terms = DebitTerms(
        typed["holder"], typed["card_no"], typed["limit_fen"], timezone.localdate(), typed["valid_until"]
    )
    sign_debit(
        account_id=account_id, bank_code=typed["bank"], terms=terms, place=place, signed_by_id=by_id, at=now
    )  # fmt: skip
