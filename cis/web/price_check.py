"""For anybody, tenants above all: what electricity may cost, how to read a bill, and how to report an overcharge."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cis.models import OverchargeReport
from cis.operations import overcharges as operations
from cis.operations import price_checks
from cis.queries import overcharges
from cis.queries.price_check import check_price
from cis.web.portal_sign_in import address_of, refuse
from config.shared.errors import Refused


class FiguresForm(forms.Form):
    """A place, and what somebody charged for how much; all of it may be left out."""

    where = forms.CharField(
        label=_("地址或户号"),
        max_length=100,
        required=False,
        help_text=_("例如「桂苑小区」或 10 位户号；不填就列出本地居民的电价。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    energy = forms.DecimalField(
        label=_("收了多少度的钱"),
        required=False,
        min_value=Decimal("0.01"),
        max_value=Decimal(100_000),
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    paid = forms.DecimalField(
        label=_("一共收了多少元"),
        required=False,
        min_value=Decimal("0.01"),
        max_value=Decimal(1_000_000),
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    @property
    def energy_kwh_e2(self) -> int | None:
        """The energy in 0.01 kWh."""
        return _hundredths(self.cleaned_data.get("energy"))

    @property
    def paid_fen(self) -> int | None:
        """The amount in fen."""
        return _hundredths(self.cleaned_data.get("paid"))


class ReportForm(FiguresForm):
    """What happened, where, and where an answer may go."""

    form_key = forms.CharField(max_length=40, widget=forms.HiddenInput)
    charged_by = forms.ChoiceField(
        label=_("谁收的"),
        choices=[(code, label) for code, label in OverchargeReport.ChargedBy.choices],
        widget=forms.RadioSelect,
        initial=OverchargeReport.ChargedBy.LANDLORD,
    )
    text = forms.CharField(
        label=_("怎么收的"),
        max_length=operations.MAX_TEXT,
        help_text=_("例如「每度收 1.5 元，每月微信转给房东，有收款记录」。"),
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    telephone = forms.CharField(
        label=_("手机号"),
        max_length=20,
        required=False,
        help_text=_("可以不填。填了，有答复时发短信告诉您；不会告诉房东。"),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}),
    )

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]
        self.fields["where"].required = True
        self.fields["where"].help_text = _("例如「桂苑小区 3 栋 501」，或者户号。")


def _hundredths(value: Decimal | None) -> int | None:
    return None if value is None else int(value * 100)


_LINES = {
    "hotline": settings.SERVICE_HOTLINE,
    "supervision_line": settings.SUPERVISION_LINE,
    "market_line": settings.MARKET_LINE,
}


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """The legal price of a place; typed things are sent and not put into the address, where others could read them."""
    form = FiguresForm(request.POST if request.method == "POST" else None)
    found = None
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            price_checks.count_check(asked_from=address_of(request), at=timezone.now())
        except Refused as refused:
            refuse(form, refused)
            status = refused.status
        else:
            found = check_price(
                where=form.cleaned_data["where"],
                energy_kwh_e2=form.energy_kwh_e2,
                paid_fen=form.paid_fen,
                today=timezone.localdate(),
            )
    elif form.errors:
        status = 422
    context = {"form": form, "found": found, **_LINES}
    return render(request, "cis/price_check/check.html", context, status=status)


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """Say that somebody charges too much; what was typed stays in the form until it is taken."""
    form = ReportForm(request.POST if request.method == "POST" else None, initial={"form_key": uuid.uuid4().hex})
    status = 200
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            taken = operations.report_overcharge(
                where=typed["where"],
                charged_by=typed["charged_by"],
                text=typed["text"],
                energy_kwh_e2=form.energy_kwh_e2,
                paid_fen=form.paid_fen,
                telephone=typed["telephone"],
                language=get_language() or "",
                form_key=typed["form_key"],
                asked_from=address_of(request),
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
            status = refused.status
        else:
            return redirect("cis:overcharge_state", overcharge_token=taken.token)
    elif form.errors:
        status = 422
    return render(request, "cis/price_check/report.html", {"form": form, **_LINES}, status=status)


@never_cache
@login_not_required
@require_safe
def state(request: HttpRequest, overcharge_token: str) -> HttpResponse:
    """What became of a report, for whoever holds its address."""
    return render(
        request, "cis/price_check/state.html", {"report": overcharges.report_state(overcharge_token), **_LINES}
    )
