"""Reading a meter on the spot, with a photograph; and photographs as files."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations.self_readings import NotPlausible, report_reading
from cis.queries import customers
from cis.queries.audit import record_of
from cis.queries.own_meters import own_meters
from cis.queries.reading_photos import get_photo
from cis.web.portal_reading import ReadingForm, picture
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires


@requires("cis.take_reading")
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest, account_no: str) -> HttpResponse:
    """Type what a customer's meter shows today; each meter has a form of its own."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    sent = request.POST.get("installation", "") if request.method == "POST" else ""
    shown, doubted, status = [], "", 200
    for meter in own_meters(account_id=head.account_id, day=timezone.localdate()):
        is_sent = sent == str(meter.installation_id)
        form = ReadingForm(meter, request.POST if is_sent else None, request.FILES if is_sent else None)
        if is_sent and form.is_valid():
            try:
                done = report_reading(
                    account_id=head.account_id,
                    installation_id=meter.installation_id,
                    values_e4=form.values_e4(meter),
                    photo=form.photo(),
                    is_confirmed=form.cleaned_data["confirmed"],
                    reported_by_id=staff_of(request).pk,
                    at=timezone.now(),
                    by_staff=True,
                )
            except NotPlausible as refused:
                doubted = refused.message
                form.ask_again()
            except Refused as refused:
                form.add_error(None, refused.message)
            else:
                text = _("示数已登记。") if done.is_accepted else _("示数已登记，和以往相差较大，等审核。")
                messages.success(request, text)
                return redirect("cis:account", account_no=account_no)
        if is_sent:
            status = 422
        shown.append((meter, form, [form[one.code] for one in meter.registers], is_sent))
    context = {"head": head, "meters": shown, "doubted": doubted, "today": timezone.localdate()}
    return render(request, "cis/readings/take.html", context, status=status)


@requires("cis.view_customer")
@require_safe
def photo(request: HttpRequest, photo_id: int) -> HttpResponseBase:
    """A photograph of a meter."""
    found = get_photo(photo_id)
    saw(request, record_of(found.account_id))
    return picture(found.key)
