"""Parts of pages that are fetched on their own, fail on their own, and are pages of their own without a script."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe

from config.navigation import Slot
from config.shared.models import User
from config.shared.permissions import may

log = logging.getLogger(__name__)

PLAIN = "plain"
"""`?plain=1` asks a page to hold its parts itself; those who have no script get there by a link."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part on its page: fetched from `url` by the browser, or already here as `body`; `is_failed` when it broke."""

    title: str | Promise
    url: str
    is_wide: bool
    body: SafeString | None = None
    is_failed: bool = False


def address_of(url_name: str, **arguments: object) -> str:
    """The address, or empty text where its app is not there."""
    try:
        return reverse(url_name, kwargs=arguments or None)
    except NoReverseMatch:
        return ""


def parts_for(request: HttpRequest, slots: Iterable[Slot], **arguments: object) -> list[Part]:
    """
    The parts this user may see; an app that is switched off leaves none.

    With `?plain=1` each is drawn here, so that the page is read without a script; one that breaks is marked and noted.
    """
    user = request.user
    if not isinstance(user, User):
        return []
    is_plain = request.GET.get(PLAIN) == "1"
    parts = []
    for slot in slots:
        url = address_of(slot.url_name, **arguments) if may(user, slot.permission) else ""
        if not url:
            continue
        body = _drawn(request, url) if is_plain else None
        parts.append(Part(slot.title, url, slot.is_wide, body, is_plain and body is None))
    return parts


def parts_inside(request: HttpRequest, slots: Iterable[Slot], **arguments: object) -> list[SafeString]:
    """
    The parts of a page that is read without a script, such as the portal's: drawn here, one after the other.

    For customers the slots without a permission, for staff those they may see; one that breaks leaves a gap, is noted,
    and the page around it is still right.
    """
    user = request.user
    if not isinstance(user, User):
        return []
    is_customer = user.kind == User.Kind.CUSTOMER
    shown = [slot for slot in slots if (not slot.permission if is_customer else may(user, slot.permission))]
    urls = [url for slot in shown if (url := address_of(slot.url_name, **arguments))]
    return [body for url in urls if (body := _drawn(request, url))]


def _drawn(request: HttpRequest, url: str) -> SafeString | None:
    """What the view behind an address says as a part of this request; None when it broke or said no."""
    found = resolve(url)
    asked = copy.copy(request)
    asked.path = asked.path_info = url
    asked.method = "GET"
    asked.is_part = True  # type: ignore[attr-defined]
    try:
        answer = found.func(asked, *found.args, **found.kwargs)
    except Exception:
        # A part that fails fails alone, whatever broke in it; the page around it is still right.
        log.exception("a part of a page failed", extra={"part": found.view_name})
        return None
    if answer.status_code != 200:
        return None
    text: str = answer.content.decode()
    return mark_safe(text)  # noqa: S308 (drawn by our own template)


def render_part(
    request: HttpRequest,
    part: str,
    context: dict[str, Any],
    *,
    title: str,
    aside: str = "",
    back: tuple[str, str] | None = None,
) -> HttpResponse:
    """
    The part for htmx and for pages that hold it; a page of its own, in the frame of its console, for everybody else.

    `aside` is the template of the column on the right, for parts about a customer; `back` the address and the words of
    the way back from a page of its own.
    """
    htmx = getattr(request, "htmx", None)
    is_part = getattr(request, "is_part", False) or (htmx and not getattr(htmx, "history_restore_request", False))
    if is_part:
        response = render(request, part, context)
    else:
        back_url, back_label = back or ("", "")
        around = {"part": part, "title": title, "aside": aside, "back_url": back_url, "back_label": back_label}
        response = render(request, "shared/part_page.html", {**context, **around})
    patch_vary_headers(response, ["HX-Request", "HX-History-Restore-Request"])
    return response


@dataclass(frozen=True, slots=True)
class TodoRow:
    """One thing to do, as a line of a home page: `text` leads to `url`; `end` stands at the right, finished text."""

    text: str
    url: str = ""
    note: str = ""
    end: str = ""
    is_bad: bool = False


def render_todo(
    request: HttpRequest,
    *,
    title: str,
    rows: Iterable[TodoRow],
    nothing: str,
    nothing_icon: str = "",
    lead: str = "",
    all_url: str = "",
    all_label: str = "",
) -> HttpResponse:
    """
    What is to do in one matter: a sentence, the first few, the way to all of them; `nothing` where there is none.

    `nothing_icon` takes the place of the tick where nothing is no success.
    """
    context = {
        "rows": list(rows),
        "nothing": nothing,
        "nothing_icon": nothing_icon,
        "lead": lead,
        "all_url": all_url,
        "all_label": all_label,
    }
    return render_part(request, "shared/_todo.html", context, title=title)
