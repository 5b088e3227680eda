"""What the frame of every page needs: where one can go, who is signed in, from which hall, whom they serve."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from config import navigation
from config.shared import working_place
from config.shared.models import User
from config.shared.permissions import may
from config.shared.web import consoles
from config.shared.web.parts import address_of, parts_for


def frame(request: HttpRequest) -> dict[str, object]:
    """
    Where one is and may go, what the search box may find, who is signed in, which customers are open.

    `consoles` is empty for people who have one: there is nothing to switch to. Somebody who is not signed in has a bare
    frame.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"navigation": [], "frame_template": "shared/bare.html", "service_phone": settings.SERVICE_HOTLINE}
    console = consoles.console_at(request.path, user)
    offered = consoles.consoles_of(user)
    return {
        "navigation": consoles.menu_items(request, user, console) if console else [],
        "console_key": console.key if console else "",
        "console_label": console.label if console else "",
        "frame_template": console.frame if console else "shared/bare.html",
        "consoles": [
            consoles.NavigationItem(one.label, one.icon, address_of(one.home), one is console) for one in offered
        ]
        if len(offered) > 1
        else [],
        "service_phone": settings.SERVICE_HOTLINE,
        "may_find": any(may(user, permission) for _name, permission in navigation.FINDERS),
        "user_display": user.display_name or user.username,
        "hall_display": user.org_unit.shown_name if user.org_unit is not None else "",
        # Asked for by the frame of the counter only, and not by parts.
        "bar_parts": SimpleLazyObject(lambda: parts_for(request, navigation.SLOTS["console-bar"])),
        "open_customers": SimpleLazyObject(lambda: working_place.open_customers(user_id=user.pk)),
    }
