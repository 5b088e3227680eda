"""Signed requests of connected clients: who they are, how much they may ask, how they are told no."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView, set_rollback

from config.shared.api.problems import handler, problem
from config.shared.errors import BadInput, Refused
from config.shared.permission_table import CHANNEL
from payments.channel_codes import CODES, Letter
from payments.operations import rate_limits
from payments.operations.channel_requests import (
    MAX_BODY,
    Answer,
    Caller,
    RequestRefused,
    SignedRequest,
    admit,
    answer_once,
)

log = logging.getLogger(__name__)

FINGERPRINT_HEADER = "X-Client-Certificate-SHA256"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.~-]*")
_PLAIN_QUERY = re.compile(r"[\x21-\x7e]*")
_KEY = re.compile(r'"?([\x21\x23-\x5b\x5d-\x7e]{1,255})"?')
# What operations refuse, by the reason in the list of codes; a reason of the list stands for itself.
_REASONS = {
    "key-used-otherwise": "key-used-otherwise",
    "not-found": "account-not-found",
    "day-is-closed": "day-not-accepted",
    "prepayment-spent": "cannot-reverse",
    "bill-corrected": "cannot-reverse",
    "gone-back": "cannot-reverse",
}


class TooMany(RequestRefused):
    """More than the contract allows."""

    def __init__(self, taken: rate_limits.Taken) -> None:
        super().__init__("too-many-requests")
        self.taken = taken


class SignedRequestAuthentication(BaseAuthentication):
    """The client that signed the request; whoever signs nothing is refused here."""

    def authenticate(self, request: Request) -> tuple[Caller, str]:
        """
        The client and the id of its key.

        :raises RequestRefused: it is not let in
        """
        raw: HttpRequest = request._request
        if int(raw.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
            raise RequestRefused("too-large")
        query = raw.META.get("QUERY_STRING", "")
        # What was escaped on the way cannot be told from what was not: such a path is signed by nobody.
        if not _PLAIN_PATH.fullmatch(raw.path) or not _PLAIN_QUERY.fullmatch(query):
            raise RequestRefused("bad-header")
        caller = admit(
            request=SignedRequest(
                # As it came: Django reads pOST as POST, and nobody signed that.
                method=raw.META.get("REQUEST_METHOD", ""),
                target=f"{raw.path}?{query}" if query else raw.path,
                authorization=raw.headers.get("Authorization", ""),
                body=raw.body,
                address=raw.META.get("REMOTE_ADDR", ""),
                fingerprint=raw.headers.get(FINGERPRINT_HEADER, ""),
            ),
            at=timezone.now(),
        )
        return caller, caller.key_id

    def authenticate_header(self, _request: Request) -> str:
        """What a 401 asks for."""
        return "DAYINGXIAO-RSA2048-SHA256"


class SignedRequestScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names this authentication."""

    target_class = "payments.api.signed_requests.SignedRequestAuthentication"
    name = "signedRequest"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        """A signature in the Authorization header; see docs/channels.md."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": 'DAYINGXIAO-RSA2048-SHA256 client="…",key="…",nonce="…",timestamp="…",signature="…"',
        }


def needs_channel(act: str) -> type[BasePermission]:
    """A permission class: a client that signed the request; `act` is query, pay or reverse."""

    class NeedsChannel(BasePermission):
        """A connected client, whose own objects the view finds and no others."""

        audience = CHANNEL

        def has_permission(self, request: Request, _view: object) -> bool:
            """Whether a client signed."""
            return isinstance(request.user, Caller)

    NeedsChannel.__name__ = f"NeedsChannel_{act}"
    return NeedsChannel


class PlainJSON(JSONParser):
    """JSON whose brackets are not nested beyond what anybody means."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """
        What the body says.

        :raises ParseError: it is no JSON, or nested too deeply to be read
        """
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise exceptions.ParseError("nested too deeply") from error


class ChannelView(APIView):
    """A view for connected clients: signed requests, limits with their headers, refusals with a code of the list."""

    authentication_classes = [SignedRequestAuthentication]
    throttle_classes = []
    parser_classes = [PlainJSON]
    letter: ClassVar[Letter] = "Q"
    missing: ClassVar[str] = "account-not-found"
    """the reason where an operation finds nothing"""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Take a token once it is known whose."""
        super().initial(request, *args, **kwargs)
        caller = caller_of(request)
        is_query = request.method in ("GET", "HEAD", "OPTIONS")
        limit = caller.limits.queries_per_minute if is_query else caller.limits.payments_per_minute
        self.taken = rate_limits.take(f"{caller.client_id}:{'query' if is_query else 'pay'}", limit=limit, period_s=60)
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
        """Every refusal as a problem with a code of the list; a real fault is written down and answered as 0011."""
        if isinstance(exc, Refused):
            return self._refused(exc)
        if isinstance(exc, exceptions.APIException):
            return self._api_refused(exc)
        log.exception("channel request failed")
        set_rollback()
        return self._problem("system-error", "")

    def _refused(self, refused: Refused) -> Response:
        set_rollback()
        if isinstance(refused, RequestRefused):
            answer = self._problem(refused.reason, "")
        else:
            reason = self.missing if refused.code == "not-found" else _REASONS.get(refused.code, refused.code)
            errors = refused.errors if isinstance(refused, BadInput) else None
            answer = self._problem(reason if reason in CODES else "bad-input", refused.message, errors)
        if isinstance(refused, TooMany):
            self.taken = refused.taken
            answer["Retry-After"] = str(max(refused.taken.wait_s, 1))
        if answer.status_code == 401:
            answer["WWW-Authenticate"] = SignedRequestAuthentication().authenticate_header(self.request)
        return answer

    def _api_refused(self, error: exceptions.APIException) -> Response:
        plain = handler(error, {})
        errors = plain.data.get("errors") if plain is not None else None
        reason = "bad-input"
        if isinstance(error, exceptions.MethodNotAllowed):
            reason = "method-not-allowed"
        answer = self._problem(reason, "" if errors else str(error.detail), errors)
        return answer

    def _problem(self, reason: str, detail: str, errors: list[dict[str, Any]] | None = None) -> Response:
        row = CODES[reason]
        title = row.en if (get_language() or "").startswith("en") else row.zh
        extra = {"detail": detail} if detail and detail != title else {}
        return problem(
            code=row.code(self.letter), title=title, status_code=row.status, errors=errors, reason=reason, **extra
        )

    def once(self, request: Request, act: Any, check_stands: Callable[[], None] | None = None) -> HttpResponse:
        """
        Answer a request that changes something: the first answer under its Idempotency-Key, for ever the same bytes.

        `act` gives (status, plain values); `check_stands` refuses a first answer that is true no more.

        :raises RequestRefused: no key, a key of other content, or its request runs at this moment
        """
        found = _KEY.fullmatch(request.headers.get("Idempotency-Key", ""))
        if found is None:
            raise RequestRefused("key-missing")

        def written() -> tuple[int, bytes]:
            status, values = act()
            return status, json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()

        answer: Answer = answer_once(
            client_id=caller_of(request).client_id,
            route=f"{request.method} {request.path}",
            key=found[1],
            body=request._request.body,
            at=timezone.now(),
            act=written,
            check_stands=check_stands,
        )
        response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
        if not answer.is_first:
            response["Idempotency-Replayed"] = "true"
        return response


def caller_of(request: Request) -> Caller:
    """The client of a request that was let in."""
    if not isinstance(request.user, Caller):
        raise TypeError("the view does not ask for a signed request")
    return request.user


def read_body(form: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """
    What the body says, checked.

    :raises ValidationError: it is not as agreed
    """
    asked = form(data=request.data)
    asked.is_valid(raise_exception=True)
    values: dict[str, Any] = asked.validated_data
    return values
