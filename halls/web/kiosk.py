"""What stands open in a hall: the kiosk, one's ticket, the screen on the wall, the display zone."""

from __future__ import annotations

import uuid

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.shared.errors import NotFound, Refused
from config.shared.web.pages import render_part_or_page
from halls import operations
from halls.models import Ticket
from halls.queries import display as displays
from halls.queries import halls, nearest, screen, tickets
from halls.service_kinds import SERVICE_KINDS
from halls.web.forms import RatingForm, TakeForm

KIOSK = "kiosk"


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def kiosk(request: HttpRequest, hall_code: str) -> HttpResponse:
    """Take a ticket: large buttons, one for each kind of service. `?elder=1`: larger still, and the green lane on."""
    hall = halls.get_hall(hall_code)
    now = timezone.now()
    is_elder = request.GET.get("elder") == "1"
    refusal = ""
    if request.method == "POST":
        form = TakeForm(request.POST)
        if form.is_valid():
            typed = form.cleaned_data
            try:
                taken = operations.take_ticket(
                    hall_id=hall.hall_id,
                    kind=typed["kind"],
                    channel=Ticket.Channel.KIOSK,
                    form_key=typed["form_key"],
                    is_green=typed["is_green"],
                    account_no=typed["account_no"],
                    device=KIOSK,
                    at=now,
                )
            except NotFound:
                raise
            except Refused as refused:
                refusal = refused.message
            else:
                return redirect("halls:ticket", ticket_token=taken.token)
        else:
            refusal = _("请选择要办的业务。")
    context = {
        "hall": hall,
        "is_open": hall.is_open(now),
        "kinds": nearest.kinds_with_wait(hall, at=now),
        "form_key": uuid.uuid4().hex,
        "is_elder": is_elder,
        "refusal": refusal,
        # What was typed stays; the key does not, for what was refused is no ticket.
        "account_no": request.POST.get("account_no", ""),
        "is_green": "is_green" in request.POST,
        # A kiosk is read standing, by everybody.
        "text_size": "elder",
    }
    return render(request, "halls/kiosk.html", context, status=422 if refusal else 200)


@never_cache
@login_not_required
@require_safe
def ticket(request: HttpRequest, ticket_token: str) -> HttpResponse:
    """One's ticket: the number, who is before one, how long it will take and why; the rating afterwards."""
    return _ticket_page(request, ticket_token, RatingForm())


def _ticket_page(request: HttpRequest, ticket_token: str, rating: RatingForm) -> HttpResponse:
    view = tickets.get_ticket(ticket_token, at=timezone.now())
    address = request.build_absolute_uri(reverse("halls:ticket", args=[ticket_token]))
    context = {
        "ticket": view,
        "rating": rating,
        "code": segno.make(address, error="m").svg_data_uri(border=0),
        "kiosk_url": reverse("halls:kiosk", args=[view.hall.code]),
    }
    status = 422 if rating.errors else 200
    return render_part_or_page(
        request, part="halls/_ticket.html", page="halls/ticket.html", context=context, status=status
    )


@never_cache
@login_not_required
@require_POST
def cancel(request: HttpRequest, ticket_token: str) -> HttpResponse:
    """Give the ticket back."""
    operations.cancel_ticket(token=ticket_token, at=timezone.now())
    messages.success(request, _("号票已取消。"))
    return redirect("halls:ticket", ticket_token=ticket_token)


@never_cache
@login_not_required
@require_POST
def come_back(request: HttpRequest, ticket_token: str) -> HttpResponse:
    """Come back after a missed call."""
    operations.return_missed(token=ticket_token, at=timezone.now())
    messages.success(request, _("已重新排队。前面还有几人、大约多久，看本页。"))
    return redirect("halls:ticket", ticket_token=ticket_token)


@never_cache
@login_not_required
@require_POST
def rate(request: HttpRequest, ticket_token: str) -> HttpResponse:
    """Rate the service."""
    form = RatingForm(request.POST)
    if not form.is_valid():
        # What was typed stays.
        return _ticket_page(request, ticket_token, form)
    operations.rate(
        token=ticket_token,
        score=form.cleaned_data["score"],
        reason=form.cleaned_data["reason"],
        comment=form.cleaned_data["comment"],
        at=timezone.now(),
    )
    messages.success(request, _("谢谢您的评价。"))
    return redirect("halls:ticket", ticket_token=ticket_token)


@never_cache
@login_not_required
@require_safe
def wall(request: HttpRequest, hall_code: str) -> HttpResponse:
    """The screen on the wall: numbers and counters; live over a websocket, by asking again where there is none."""
    state = screen.screen_of(hall_code, at=timezone.now())
    if state is None:
        raise NotFound(_("没有找到这个营业厅。"))
    context = {
        "screen": state,
        "socket": f"{settings.WEBSOCKET_URL}/live/{screen.SCREEN}/{hall_code}/",
        "state_url": reverse("halls:screen_state", args=[hall_code]),
    }
    return render(request, "halls/screen.html", context)


@never_cache
@login_not_required
@require_safe
def wall_state(_request: HttpRequest, hall_code: str) -> JsonResponse:
    """The same as plain values, for screens whose websocket is cut."""
    state = screen.screen_of(hall_code, at=timezone.now())
    if state is None:
        raise NotFound(_("没有找到这个营业厅。"))
    return JsonResponse(screen.plain_screen(state))


@never_cache
@login_not_required
@require_safe
def display(request: HttpRequest, hall_code: str) -> HttpResponse:
    """The display zone: prices, planned outages, how to save energy."""
    hall = halls.get_hall(hall_code)
    county_path = hall.path.rstrip("/").rpartition("/")[0] + "/"
    shown = displays.get_display(hall, county_path=county_path, at=timezone.now())
    response = render(request, "halls/display.html", {"display": shown, "kinds": SERVICE_KINDS})
    patch_vary_headers(response, ["Accept-Language"])
    return response
