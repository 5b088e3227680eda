"""Consoles: which of them a person is offered, their home pages, and what the frame of a page shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config import navigation
from config.navigation import Console, Destination
from config.shared.errors import NotAllowed
from config.shared.models import User
from config.shared.permissions import may, staff_of
from config.shared.web.parts import address_of, parts_for


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A destination as the frame shows it."""

    label: str | Promise
    icon: str
    url: str
    is_current: bool


def reachable(user: User, destinations: tuple[Destination, ...]) -> list[tuple[Destination, str]]:
    """The destinations the user may open, each with its address."""
    allowed = [place for place in destinations if not place.permission or may(user, place.permission)]
    return [(place, url) for place in allowed if (url := address_of(place.url_name))]


def is_offered(user: User, console: Console) -> bool:
    """Whether the console has anything that this user may see by a permission of theirs."""
    if console.for_customers or user.kind == User.Kind.CUSTOMER:
        return console.for_customers and user.kind == User.Kind.CUSTOMER
    wanted = [(place.url_name, place.permission) for place in console.menu]
    wanted += [(slot.url_name, slot.permission) for slot in console.to_do]
    return any(permission and may(user, permission) and address_of(url_name) for url_name, permission in wanted)


def consoles_of(user: User) -> list[Console]:
    """The consoles a user is offered, in the order of the table."""
    return [console for console in navigation.CONSOLES if is_offered(user, console)]


def console_at(address: str, user: User) -> Console | None:
    """The console an address lies in; elsewhere the user's first one, None when they have none."""
    here = next((console for console in navigation.CONSOLES if address.startswith(console.root)), None)
    if here is not None and here.for_customers == (user.kind == User.Kind.CUSTOMER):
        return here
    return next(iter(consoles_of(user)), None)


def menu_items(request: HttpRequest, user: User, console: Console) -> list[NavigationItem]:
    """The menu of a console, its home first, with where one is."""
    home = address_of(console.home)
    items = [] if console.for_customers else [(Destination(_("首页"), "house", console.home, ""), home)]
    items += reachable(user, console.menu)
    # The longest address the page lies under is where one is; a home is only itself.
    roots = [(root, url) for place, url in items if url != home for root in (url, *place.under)]
    current = max(
        (pair for pair in roots if request.path.startswith(pair[0])), key=lambda pair: len(pair[0]), default=None
    )
    here = current[1] if current else home if request.path == home else ""
    return [NavigationItem(place.label, place.icon, url, url == here) for place, url in items]


def _home_of(key: str) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        console = next(console for console in navigation.CONSOLES if console.key == key)
        user = staff_of(request)
        if not is_offered(user, console):
            raise NotAllowed(_("您的岗位没有这项权限。需要时请联系管理员。"))
        context = {
            "parts": parts_for(request, console.to_do),
            "places": menu_items(request, user, console)[1:],
            "finder_is_focused": True,
        }
        return render(request, "shared/home.html", context)

    view.__name__ = f"{key}_home"
    view.__doc__ = "What the person at this console has to do next; each part is served by the app that owns it."
    return view


def first_page(request: HttpRequest) -> HttpResponse:
    """The home page of the first console each person is offered."""
    console = next(iter(consoles_of(staff_of(request))), None)
    url = address_of(console.home) if console else ""
    return redirect(url) if url else render(request, "shared/no_role.html", status=403)


urlpatterns = [
    path("", first_page, name="home"),
    path("console/", _home_of("counter"), name="counter_home"),
    path("grid/", _home_of("district"), name="district_home"),
    path("dsm/", _home_of("analysis"), name="analysis_home"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    "home": "sends each person to their own first page",
    "counter_home": "offered to those who may see something in it; every part asks for its own permission",
    "district_home": "offered to those who may see something in it; every part asks for its own permission",
    "analysis_home": "offered to those who may see something in it; every part asks for its own permission",
}
