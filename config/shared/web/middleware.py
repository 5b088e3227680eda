"""What wraps every request: a request id, and refusals that reached the top turned into pages."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config.shared import logs
from config.shared.errors import Refused

log = logging.getLogger(__name__)

_ACCEPTED = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


class RequestIdMiddleware:
    """Takes the request id a proxy gave, or makes one; logs, errors and the answer carry it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the id set around everything that happens inside."""
        given = request.headers.get("X-Request-Id", "")
        name = given if _ACCEPTED.match(given) else uuid.uuid4().hex[:16]
        token = logs.request_id.set(name)
        request.request_id = name  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
        finally:
            logs.request_id.reset(token)
        response["X-Request-Id"] = name
        return response

    def process_view(self, request: HttpRequest, *_of_view: object) -> None:
        """
        An address that holds a NUL leads nowhere: Postgres keeps no text with one, so nothing can be looked up by it.

        :raises BadRequest: there is one
        """
        if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("NUL in the address")

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A refusal that no page caught becomes a page that says it; everything else stays an error."""
        if not isinstance(exception, Refused):
            return None
        log.info("refused", extra={"code": exception.code})
        return render(
            request,
            "shared/refused.html",
            {"refused": exception, "request_id": logs.request_id.get()},
            status=exception.status,
        )
