"""What a page says after it has shown somebody's record: this was seen."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils import timezone
from rest_framework.request import Request

from config.shared.looks import note_look
from config.shared.models import User
from config.shared.permissions import roles_of


def saw(request: HttpRequest | Request, subject: str) -> None:
    """
    Note that the signed-in member of staff, or a program, saw a record such as `account:17` on this request's page.

    Nothing is noted of customers: what they open is their own.
    """
    user = request.user
    if not isinstance(user, User) or user.kind == User.Kind.CUSTOMER:
        return
    match = request.resolver_match
    note_look(
        user_id=user.pk,
        org_unit_id=user.org_unit_id,
        role=",".join(roles_of(user)),
        subject=subject,
        page=match.view_name if match is not None else "",
        came_from=_page_before(request),
        at=timezone.now(),
    )


def _page_before(request: HttpRequest | Request) -> str:
    """The name of our own page that led here; empty when none did."""
    before = urlsplit(request.headers.get("Referer", ""))
    if not before.path or before.netloc != request.get_host():
        return ""
    try:
        return resolve(before.path).view_name
    except Resolver404:
        return ""
