"""The customer: where to go, take a ticket from home, follow it, rate."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries import portal
from cis.queries.places import place_of_account
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.pages import render_part_or_page
from config.shared.web.portal_pages import for_customers, preferred_account
from halls import operations
from halls.models import Ticket
from halls.queries import halls, nearest, tickets
from halls.service_kinds import SERVICE_KINDS
from halls.web.forms import RatingForm, TakeForm


def _account_id(request: HttpRequest) -> int | None:
    """The account looked at; a person without one may take a ticket all the same."""
    try:
        mine = portal.my_accounts(
            user_id=staff_of(request).pk, preferred=preferred_account(request), today=timezone.localdate()
        )
    except portal.NoAccounts:
        return None
    return mine.current.account_id


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def hall_list(request: HttpRequest) -> HttpResponse:
    """Halls by the way there and the wait, for what one comes for; take a ticket at one of them."""
    now = timezone.now()
    user_id = staff_of(request).pk
    account_id = _account_id(request)
    refusal = ""
    if request.method == "POST":
        form = TakeForm(request.POST)
        if form.is_valid():
            try:
                operations.take_ticket(
                    hall_id=halls.get_hall(request.POST.get("hall", "")).hall_id,
                    kind=form.cleaned_data["kind"],
                    channel=Ticket.Channel.PORTAL,
                    form_key=f"{user_id}:{form.cleaned_data['form_key']}",
                    is_green=form.cleaned_data["is_green"],
                    account_id=account_id,
                    person_id=user_id,
                    at=now,
                )
            except operations.AlreadyWaiting as waiting:
                messages.warning(request, waiting.message)
                return redirect("halls:portal_ticket")
            except Refused as refused:
                refusal = refused.message
            else:
                return redirect("halls:portal_ticket")
        else:
            refusal = _("请选择要办的业务。")
    wanted = request.POST.get("kind") or request.GET.get("kind", "")
    kind = wanted if wanted in SERVICE_KINDS else next(iter(SERVICE_KINDS))
    start = place_of_account(account_id) if account_id is not None else None
    latest = tickets.latest_ticket(user_id, at=now)
    context = {
        "choices": nearest.hall_choices(kind, start=start, at=now),
        "kinds": SERVICE_KINDS,
        "kind": kind,
        "kind_word": SERVICE_KINDS[kind].name,
        "has_start": start is not None,
        "form_key": uuid.uuid4().hex,
        "refusal": refusal,
        "latest": latest if latest is not None and (latest.is_live or latest.may_rate or latest.may_return) else None,
    }
    return render(request, "halls/portal/halls.html", context, status=422 if refusal else 200)


@for_customers
@require_safe
def my_ticket(request: HttpRequest) -> HttpResponse:
    """One's newest ticket: people before one, minutes, why; the rating afterwards."""
    view = tickets.latest_ticket(staff_of(request).pk, at=timezone.now())
    context = {"ticket": view, "rating": RatingForm(), "halls_url": reverse("halls:portal_halls")}
    return render_part_or_page(request, part="halls/_ticket.html", page="halls/portal/ticket.html", context=context)
