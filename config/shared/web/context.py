"""What the frame of every page needs: where one can go, who is signed in, from which hall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from config import navigation
from config.shared.models import User
from config.shared.permissions import may


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A destination as the frame shows it."""

    label: str | Promise
    icon: str
    url: str
    is_current: bool


def frame(request: HttpRequest) -> dict[str, object]:
    """`navigation`, `user_display` and `hall_display`; empty for somebody who is not signed in."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"navigation": []}
    is_customer = user.kind == User.Kind.CUSTOMER
    destinations = navigation.PORTAL if is_customer else navigation.CONSOLE
    return {
        "navigation": _reachable(request, user, destinations),
        "user_display": user.display_name or user.username,
        "hall_display": user.org_unit.shown_name if user.org_unit is not None else "",
    }


def _reachable(
    request: HttpRequest, user: User, destinations: Sequence[navigation.Destination]
) -> list[NavigationItem]:
    allowed = [place for place in destinations if not place.permission or may(user, place.permission)]
    urls = [(place, url) for place in allowed if (url := _address(place.url_name))]
    # The longest address the page lies under is where one is.
    roots = [(root, url) for place, url in urls for root in (url, *place.under)]
    current = max(
        (pair for pair in roots if request.path.startswith(pair[0])), key=lambda pair: len(pair[0]), default=("", "")
    )[1]
    return [NavigationItem(place.label, place.icon, url, url == current) for place, url in urls]


def _address(url_name: str) -> str:
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""
