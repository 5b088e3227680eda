"""A customer's own fee control: what is left, for how long, when to be warned, emergency credit."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations.fee_control import choose_warning, give_credit
from cis.queries import fee_control as queries
from cis.queries import portal
from cis.queries.portal import Right
from cis.web.portal_sign_in import refuse
from config.shared.errors import Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import staff_of
from config.shared.web.parts import render_part
from config.shared.web.portal_pages import for_customers, preferred_account


class WarningForm(forms.Form):
    """One's own threshold; nothing: that of the agreement."""

    warn = forms.DecimalField(
        label=gettext_lazy("余额低于多少提醒我"),
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(10_000),
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def fee_control(request: HttpRequest) -> HttpResponse:
    """The balance of the account one looks at, in yuan and in days; choose the threshold, ask for emergency credit."""
    user_id, now = staff_of(request).pk, timezone.now()
    mine = portal.my_accounts(user_id=user_id, preferred=preferred_account(request), today=timezone.localdate())
    mine.current.require(Right.BILLS)
    control = queries.account_control(mine.current.account_id, at=now)
    own = control.own_warn_fen if control is not None else None
    act = request.POST.get("act", "")
    form = WarningForm(
        request.POST if act == "warn" else None,
        initial={"warn": yuan_from_fen(own).removesuffix(".00") if own is not None else ""},
    )
    ask = forms.Form(request.POST if act == "credit" else None)
    used = ask if act == "credit" else form
    if request.method == "POST" and used.is_valid():
        try:
            if act == "credit":
                fen = give_credit(account_id=mine.current.account_id, channel="portal", by_id=user_id, at=now)
                said = _("应急用电额度 %(yuan)s 元已生效，这一期有效，请尽快充值。") % {"yuan": yuan_from_fen(fen)}
            else:
                typed = form.cleaned_data["warn"]
                choose_warning(
                    account_id=mine.current.account_id, warn_fen=None if typed is None else int(typed * 100), at=now
                )
                said = _("提醒值已保存，从明天的余额起按它提醒。")
        except Refused as refused:
            refuse(used, refused)
        else:
            messages.success(request, said)
            return redirect("cis:portal_fee_control")
    context = {"mine": mine, "control": control, "form": form, "ask": ask}
    return render(request, "cis/portal/fee_control.html", context, status=422 if used.errors else 200)


@for_customers
@require_safe
def balance_part(request: HttpRequest, account_no: str) -> HttpResponse:
    """What is left, on the first page; nothing where no agreement holds."""
    account = portal.my_account(user_id=staff_of(request).pk, account_no=account_no, today=timezone.localdate())
    account.require(Right.BILLS)
    control = queries.account_control(account.account_id, at=timezone.now())
    shown = control if control is not None and not control.has_ended else None
    return render_part(request, "cis/portal/_fee_balance.html", {"control": shown}, title=_("电费余额"))
