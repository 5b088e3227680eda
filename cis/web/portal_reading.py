"""Reading one's own meter in the portal: the registers as they stand, an answer at once, and a second look."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, BinaryIO, cast

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations.reading_photos import Photo, make_ready
from cis.operations.self_readings import NotPlausible, report_reading
from cis.queries import portal
from cis.queries.own_meters import OwnMeter, own_meters
from cis.queries.portal import Right
from cis.queries.reading_photos import photo_of_account
from config.shared import files
from config.shared.display_formats import format_energy, format_register
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.units import REGISTER_SCALE, scaled
from config.shared.web.portal_pages import for_customers, preferred_account


class ReadingForm(forms.Form):
    """A value for every register of a meter."""

    def __init__(self, meter: OwnMeter, typed: Any = None, sent_files: Any = None) -> None:
        super().__init__(typed, sent_files, prefix=f"m{meter.installation_id}")
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
        self.fields["photo"] = forms.FileField(
            label=_("电能表照片"),
            required=False,
            widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png", "capture": "environment"}),
            help_text=_("拍清表号和数字，有疑问时一看就知道。照片里的位置信息不会保存。"),
        )
        self.fields["confirmed"] = forms.BooleanField(
            label=_("我再看过了，就是这个数"), required=False, widget=forms.HiddenInput
        )

    def photo(self) -> Photo | None:
        """
        The photograph made ready, where one was taken.

        :raises UnusablePhoto: it cannot be kept
        """
        file = self.cleaned_data.get("photo")
        return make_ready(cast(BinaryIO, file.file)) if file else None

    def values_e4(self, meter: OwnMeter) -> dict[int, int]:
        """Register to what was typed, in 10^-4 units."""
        return {one.register: scaled(str(self.cleaned_data[one.code]), REGISTER_SCALE) for one in meter.registers}

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
        form = ReadingForm(meter, request.POST if is_sent else None, request.FILES if is_sent else None)
        if is_sent and form.is_valid():
            try:
                done = report_reading(
                    account_id=mine.current.account_id,
                    installation_id=meter.installation_id,
                    values_e4=form.values_e4(meter),
                    photo=form.photo(),
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


@for_customers
@require_safe
def photo(request: HttpRequest, photo_id: int) -> HttpResponseBase:
    """A photograph of a meter of the account one looks at."""
    user_id, today = staff_of(request).pk, timezone.localdate()
    mine = portal.my_accounts(user_id=user_id, preferred=preferred_account(request), today=today)
    mine.current.require(Right.USAGE)
    here = mine.current
    return picture(
        photo_of_account(photo_id, account_id=here.account_id, first_day=here.first_day, last_day=here.last_day).key
    )


def picture(key: str) -> HttpResponseBase:
    """A kept photograph as an answer."""
    response = FileResponse(files.open_kept(key), content_type="image/jpeg")
    response["Content-Disposition"] = "inline"
    response["X-Content-Type-Options"] = "nosniff"
    return response
