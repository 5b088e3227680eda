"""Binding an account to oneself: number, quality and proof, then the code where a code is the proof."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cis.operations import portal_claims
from cis.operations.portal_bindings import Terms
from cis.queries import portal_people
from cis.web.letters import LETTER_HELP, LetterField, keep_letter
from cis.web.portal_sign_in import CodeForm, address_of, messages_page, refuse
from config.shared.errors import Refused
from config.shared.money import fen_from_yuan
from config.shared.permissions import staff_of
from config.shared.web.portal_pages import PREFERRED_ACCOUNT, for_customers

_BINDING = "portal_binding"

ROLES = (
    ("owner", gettext_lazy("户主：我就是户名上的人（要先实名）")),
    ("payer", gettext_lazy("代缴人：我只帮着交电费")),
    ("tenant", gettext_lazy("租户：我租住在这里")),
    ("delegate", gettext_lazy("家人代管：我替家里人看账单、办事")),
    ("agent", gettext_lazy("受托代理人：我有授权委托书")),
)
WAYS = (
    ("code", gettext_lazy("户名，加上户号登记手机的验证码")),
    ("payment", gettext_lazy("最近一次交费的金额（只限代缴人）")),
)


class BindForm(forms.Form):
    """Which account, as what, and what proves it."""

    account_no = forms.CharField(
        label=gettext_lazy("户号"),
        max_length=32,
        help_text=gettext_lazy("印在电费账单和短信里，一般是 10 位数字。"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=gettext_lazy("我的身份"), choices=ROLES, widget=forms.RadioSelect, initial="payer")
    way = forms.ChoiceField(label=gettext_lazy("怎么证明"), choices=WAYS, widget=forms.RadioSelect, initial="code")
    holder_name = forms.CharField(
        label=gettext_lazy("户名"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("电费账单上的姓名或单位全称。用验证码证明时填。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    amount = forms.DecimalField(
        label=gettext_lazy("最近一次交费金额"),
        max_digits=11,
        decimal_places=2,
        required=False,
        help_text=gettext_lazy("用交费金额证明时填，要和收据分文不差。"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    letter = LetterField(label=gettext_lazy("授权委托书"), required=False, help_text=LETTER_HELP)
    until_on = forms.DateField(
        label=gettext_lazy("委托书的截止日期"),
        required=False,
        help_text=gettext_lazy("受托代理人填，到期自动解除。"),
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def clean(self) -> dict[str, Any]:
        """What the chosen proof needs is there."""
        typed = super().clean() or {}
        if typed.get("way") == "code" and not typed.get("holder_name"):
            self.add_error("holder_name", _("请填写户名。"))
        if typed.get("way") == "payment" and typed.get("amount") is None:
            self.add_error("amount", _("请填写最近一次交费的金额，单位元。"))
        return typed


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def bind(request: HttpRequest) -> HttpResponse:
    """Step one; an amount binds at once, a name sends a code to the registered telephone, and never says whether."""
    form = BindForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        typed, user_id = form.cleaned_data, staff_of(request).pk
        try:
            terms = _terms(typed)
            if typed["way"] == "payment":
                portal_claims.bind_by_last_payment(
                    user_id=user_id,
                    account_no=typed["account_no"],
                    terms=terms,
                    amount_fen=fen_from_yuan(str(typed["amount"])),
                    at=timezone.now(),
                )
                return _bound(request, typed["account_no"])
            portal_claims.ask_to_bind(
                user_id=user_id,
                account_no=typed["account_no"],
                holder_name=typed["holder_name"],
                terms=terms,
                asked_from=address_of(request),
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            request.session[_BINDING] = {
                "account_no": typed["account_no"],
                "role": terms.role,
                "until_on": terms.until_on.isoformat() if terms.until_on else "",
                "letter_key": terms.letter_key,
                "letter_type": terms.letter_type,
            }
            return redirect("cis:portal_bind_code")
    context = {"form": form, "me": portal_people.get_me(staff_of(request).pk)}
    return render(request, "cis/portal/bind.html", context, status=422 if form.errors else 200)


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def bind_code(request: HttpRequest) -> HttpResponse:
    """Step two: the code that came to the registered telephone."""
    asked: dict[str, str] = request.session.get(_BINDING) or {}
    if not asked:
        return redirect("cis:portal_bind")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        today = timezone.localdate()
        terms = Terms(
            role=asked["role"],
            from_on=today if asked["role"] == "tenant" else None,
            until_on=date.fromisoformat(asked["until_on"]) if asked["until_on"] else None,
            letter_key=asked["letter_key"],
            letter_type=asked["letter_type"],
        )
        try:
            portal_claims.bind_by_code(
                user_id=staff_of(request).pk,
                account_no=asked["account_no"],
                terms=terms,
                code=form.cleaned_data["code"],
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            request.session.pop(_BINDING, None)
            return _bound(request, asked["account_no"])
    context = {"form": form, "asked": asked, "messages_url": messages_page()}
    return render(request, "cis/portal/bind_code.html", context, status=422 if form.errors else 200)


def _terms(typed: dict[str, Any]) -> Terms:
    """A tenant who proves it from home begins today; an earlier day takes a lease at a hall."""
    role = typed["role"]
    letter = keep_letter(typed["letter"]) if role == "agent" and typed["letter"] else None
    return Terms(
        role=role,
        from_on=timezone.localdate() if role == "tenant" else None,
        until_on=typed["until_on"] if role == "agent" else None,
        letter_key=letter.key if letter else "",
        letter_type=letter.media_type if letter else "",
    )


def _bound(request: HttpRequest, account_no: str) -> HttpResponse:
    number = "".join(account_no.split())
    request.session[PREFERRED_ACCOUNT] = number
    messages.success(request, _("户号 %(no)s 已绑定。") % {"no": number})
    return redirect("cis:portal_home")
