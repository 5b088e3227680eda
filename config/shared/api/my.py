"""
Views for customers' own apps: a bearer token and nothing else, limits of their own, one's own rights.

Cookies and keys count for nothing here, so there is nothing that another site could send along.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.shared import rate_limits
from config.shared.app_sessions import Caller, recognise
from config.shared.errors import NotAllowed, Refused
from config.shared.models import User
from config.shared.permission_table import APP
from config.shared.personal_data import blind_index

_MINUTE_S = 60
_BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9_-]{1,128})")


class SessionMissing(exceptions.NotAuthenticated):
    """The request carries no token."""

    default_code = "session_missing"


class SessionEnded(exceptions.AuthenticationFailed):
    """The token is nobody's, or nobody's any more."""

    default_code = "session_ended"


class TelephoneNeeded(NotAllowed):
    """Only the WeChat of this session is known."""

    code = "telephone-needed"


class TooMany(Refused):
    """More than one app may ask."""

    code = "too-many-requests"
    status = 429

    def __init__(self, taken: rate_limits.Taken) -> None:
        super().__init__(_("操作太频繁，请稍后再试。"))
        self.taken = taken


class AppSessionAuthentication(BaseAuthentication):
    """The session whose token the request carries."""

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, Caller] | None:
        """
        The user and the session; None where there is no token.

        :raises SessionEnded: the token is not, or no longer, one of a session
        """
        said = request.headers.get("Authorization", "")
        if not said:
            return None
        bearer = _BEARER.fullmatch(said.strip())
        found = recognise(bearer[1], at=timezone.now()) if bearer is not None else None
        if found is None:
            raise SessionEnded(_("登录已过期，请重新登录。"))
        caller, user = found
        return user or AnonymousUser(), caller

    def authenticate_header(self, _request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


class AppSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names this authentication."""

    target_class = "config.shared.api.my.AppSessionAuthentication"
    name = "appSession"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        """The token of `POST /api/v1/my/sessions`."""
        return {"type": "http", "scheme": "bearer", "description": "token of POST /api/v1/my/sessions"}


class OfSession(BasePermission):
    """A living session, even one whose telephone is not proved yet."""

    audience = APP

    def has_permission(self, request: Request, _view: object) -> bool:
        """Whether there is a session."""
        if not isinstance(request.auth, Caller):
            raise SessionMissing(_("请先登录。"))
        return True


class OfPerson(OfSession):
    """A session of somebody who proved a telephone; which accounts they see is the portal's own rule."""

    def has_permission(self, request: Request, view: object) -> bool:
        """Whether there is a person."""
        super().has_permission(request, view)
        if caller_of(request).user_id is None:
            raise TelephoneNeeded(_("请先用手机验证码登录。"))
        return True


class MyView(APIView):
    """A view for customers' apps. `kind` is which limit its changing methods take from."""

    authentication_classes = [AppSessionAuthentication]
    permission_classes: list[Any] = [OfPerson]
    throttle_classes = []
    kind: ClassVar[str] = "write"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Take a token once it is known whose."""
        super().initial(request, *args, **kwargs)
        self.take(request, "read" if request.method in ("GET", "HEAD", "OPTIONS") else self.kind)

    def take(self, request: Request, kind: str) -> None:
        """
        Take one of what the person may ask in this minute; their apps share it, for the limit is no app's.

        :raises TooMany: there is none left
        """
        self.taken = rate_limits.take(
            f"my:{_whose(request, kind)}:{kind}", limit=settings.MY_API_LIMITS[kind], period_s=_MINUTE_S
        )
        if not self.taken.is_allowed:
            raise TooMany(self.taken)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say what is left of the limit."""
        taken: rate_limits.Taken | None = getattr(self, "taken", None)
        if taken is not None:
            response["RateLimit-Limit"] = str(taken.limit)
            response["RateLimit-Remaining"] = str(taken.remaining)
            response["RateLimit-Reset"] = str(taken.full_in_s)
        response["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """As the house answers, with how long to wait where there was too much."""
        answer = super().handle_exception(exc)
        if isinstance(exc, TooMany):
            answer["Retry-After"] = str(max(exc.taken.wait_s, 1))
        return answer


class DoorView(MyView):
    """A view for those who are not signed in yet; limited by network address."""

    permission_classes = [AllowAny]
    kind = "door"


def _whose(request: Request, kind: str) -> str:
    """What a limit counts by: the person, the session of nobody known, or the network address."""
    caller = request.auth
    if kind == "door" or not isinstance(caller, Caller):
        return f"at:{blind_index(address_of(request)).hex()[:24]}"
    return f"person:{caller.user_id}" if caller.user_id is not None else f"session:{caller.session_id}"


def caller_of(request: Request) -> Caller:
    """The session of a request that was let in."""
    if not isinstance(request.auth, Caller):
        raise TypeError("the view does not ask for a session")
    return request.auth


def person_of(request: Request) -> int:
    """The id of the user whose app asks."""
    user_id = caller_of(request).user_id
    if user_id is None:
        raise TypeError("the view does not ask for a person")
    return user_id


def address_of(request: Request) -> str:
    """The network address that asks."""
    return str(request.META.get("REMOTE_ADDR", ""))


def read_input(form: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """
    What was sent, checked.

    :raises ValidationError: it is not as agreed
    """
    asked = form(data=data)
    asked.is_valid(raise_exception=True)
    values: dict[str, Any] = asked.validated_data
    return values
