"""The guide desk (引导台): staff take a ticket for whoever asks for help."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from halls import operations
from halls.models import Ticket
from halls.queries import guide, halls, tickets
from halls.web.forms import GuideForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("halls.call_tickets")
def take(request: HttpRequest) -> HttpResponse:
    """Take a ticket for somebody, with or without their account; `?ticket=` shows the one just taken."""
    user, now = staff_of(request), timezone.now()
    own = halls.list_halls(within=scope_of(user, "halls.call_tickets"))
    form = GuideForm(own, data=request.POST or None, initial={"form_key": uuid.uuid4().hex})
    if form.is_valid():
        typed = form.cleaned_data
        try:
            taken = operations.take_ticket(
                hall_id=halls.get_managed_hall(typed["hall"], within=[one.path for one in own]).hall_id,
                kind=typed["kind"],
                channel=Ticket.Channel.COUNTER,
                form_key=f"{user.pk}:{typed['form_key']}",
                is_green=typed["is_green"],
                account_id=guide.account_said(typed["who"]),
                taken_by_id=user.pk,
                at=now,
            )
        except NotFound as unknown:
            form.add_error("who", unknown.message)
        except guide.SeveralAccounts as several:
            form.add_error("who", several.message)
        except operations.NotDoneHere as refused:
            form.add_error("kind", refused.message)
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            return redirect(f"{reverse('halls:guide')}?ticket={taken.token}")
    context = {"form": form, "taken": _taken(request), "has_halls": bool(own), "title": _("引导台取号")}
    return render(request, "halls/guide.html", context, status=422 if form.errors else 200)


def _taken(request: HttpRequest) -> tickets.TicketView | None:
    token = request.GET.get("ticket", "")
    if request.method == "POST" or not token:
        return None
    try:
        return tickets.get_ticket(token, at=timezone.now())
    except NotFound:
        return None
