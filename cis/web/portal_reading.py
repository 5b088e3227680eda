"""Reading one's own meter in the portal: the registers as they stand, an answer at once, and a second look."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cis.operations.self_readings import NotPlausible, report_reading
from cis.queries import portal
from cis.queries.own_meters import OwnMeter, own_meters
from cis.queries.portal import Right
from config.shared.display_formats import format_energy, format_register
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.units import REGISTER_SCALE, scaled
from config.shared.web.portal_pages import for_customers, preferred_account


class ReadingForm(forms.Form):
    """A value for every register of a meter."""

    def __init__(self, meter: OwnMeter, typed: Any = None) -> None:
        super().__init__(typed, prefix=f"m{meter.installation_id}")
        for one in meter.registers:
            self.fields[one.code] = forms.DecimalField(
                label=one.name,
                min_value=Decimal(0),
                max_digits=16,
                decimal_places=4,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
                help_text=_("上次 %(value)s（%(day)s）")
                % {"value": format_register(one.last_value_e4), "day": one.last_on.isoformat()},
            )
        self.fields["confirmed"] = forms.BooleanField(
            label=_("我再看过了，就是这个数"), required=False, widget=forms.HiddenInput
        )

    def ask_again(self) -> None:
        """Show the box that stands by the value."""
        self.fields["confirmed"].widget = forms.CheckboxInput()


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def reading(request: HttpRequest) -> HttpResponse:
    """Type what the meter shows; each meter has a form of its own."""
    now, user_id = timezone.now(), staff_of(request).pk
    mine = portal.my_accounts(user_id=user_id, preferred=preferred_account(request), today=timezone.localdate())
    mine.current.require(Right.USAGE)
    meters = own_meters(account_id=mine.current.account_id, day=timezone.localdate())
    sent = request.POST.get("installation", "") if request.method == "POST" else ""
    shown, doubted, status = [], "", 200
    for meter in meters:
        is_sent = sent == str(meter.installation_id)
        form = ReadingForm(meter, request.POST if is_sent else None)
        if is_sent and form.is_valid():
            try:
                done = report_reading(
                    account_id=mine.current.account_id,
                    installation_id=meter.installation_id,
                    values_e4={
                        one.register: scaled(str(form.cleaned_data[one.code]), REGISTER_SCALE)
                        for one in meter.registers
                    },
                    is_confirmed=form.cleaned_data["confirmed"],
                    reported_by_id=user_id,
                    at=now,
                )
            except NotPlausible as refused:
                doubted = refused.message
                form.ask_again()
            except Refused as refused:
                form.add_error(None, refused.message)
            else:
                messages.success(request, _answer(done.is_accepted, done.energy_kwh_e2))
                return redirect("cis:portal_reading")
        if is_sent:
            status = 422
        shown.append((meter, form, [form[one.code] for one in meter.registers], is_sent))
    context = {"mine": mine, "meters": shown, "doubted": doubted, "today": timezone.localdate()}
    return render(request, "cis/portal/reading.html", context, status=status)


def _answer(is_accepted: bool, energy_kwh_e2: int | None) -> str:
    if not is_accepted:
        return _("已经收到。这个数和以往相差较大，工作人员核实后才会用来算电费。")
    if energy_kwh_e2 is None:
        return _("已经收到。")
    return _("已经收到，核对无误。从上次抄表到今天用了 %(kwh)s 度。") % {"kwh": format_energy(energy_kwh_e2)}
