"""The working place: what the search box finds while one types, which customers are open."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from config.shared import finding, working_place
from config.shared.display_formats import format_clock
from config.shared.permissions import staff_of
from config.shared.web.own_addresses import own_address
from config.shared.web.page_finder import find_pages
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_todo

_LONGEST = 100
_SERVED = 8


@never_cache
@require_POST
def palette(request: HttpRequest) -> HttpResponse:
    """Pages, customers, bills and receipts that fit what was typed; each only for those who may open it."""
    text = request.POST.get("q", "").strip()[:_LONGEST]
    user = staff_of(request)
    found = [*find_pages(text, user=user), *finding.find(text, user=user, today=timezone.localdate())]
    return render(request, "shared/_palette.html", {"found": found, "search_text": text})


@requires("cis.view_customer")
def served_customers(request: HttpRequest) -> HttpResponse:
    """The customers one looked at last, as a part of a home page."""
    zone = timezone.get_current_timezone()
    served = working_place.last_served(user_id=staff_of(request).pk, limit=_SERVED)
    return render_todo(
        request,
        title=_("最近服务的客户"),
        rows=[
            TodoRow(one.label, reverse("cis:account", args=[one.subject]), end=format_clock(one.seen_at, zone))
            for one in served
        ],
        nothing=_("还没有。查找并打开过的客户会列在这里。"),
        nothing_icon="users",
    )


@require_POST
def customer_close(request: HttpRequest, place: int) -> HttpResponse:
    """Close a tab; back to where one was, or to the home page when that was the customer's own page."""
    user = staff_of(request)
    closed = next((one for one in working_place.open_customers(user_id=user.pk) if one.place == place), None)
    working_place.close_customer(user_id=user.pk, place=place)
    came_from = request.headers.get("Referer", "")
    if closed is None or f"/{closed.subject}/" in came_from:
        return redirect("home")
    return redirect(own_address(request, came_from, otherwise=reverse("home")))


urlpatterns = [
    path("console/palette/", palette, name="palette"),
    path("console/served/", served_customers, name="served_customers"),
    path("console/open-customers/<int:place>/close/", customer_close, name="customer_close"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    "palette": "everything found is filtered by the permission of what it leads to",
    "customer_close": "closes a tab of the user's own",
}
