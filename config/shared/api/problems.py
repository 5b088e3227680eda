"""Every API error as an RFC 9457 problem with a stable `code` and the request id to quote."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from config.shared import logs
from config.shared.errors import PROBLEM, BadInput, Refused, problem_body


def problem(
    *, code: str, title: str, status_code: int, errors: list[dict[str, Any]] | None = None, **facts: Any
) -> Response:
    """An answer in the problem format."""
    body = problem_body(code=code, title=title, status=status_code, request_id=logs.request_id.get(), **facts)
    if errors:
        body["errors"] = errors
    return Response(body, status=status_code, content_type=PROBLEM)


def handler(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Translate what an API view raised; None leaves a real fault to the server-error page."""
    if isinstance(error, Refused):
        set_rollback()
        errors = error.errors if isinstance(error, BadInput) else None
        return problem(code=error.code, title=error.message, status_code=error.status, errors=errors, **error.facts)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    if isinstance(error, exceptions.ValidationError):
        return problem(
            code="bad-input",
            title="输入有误，请按 errors 改正后再试。",
            status_code=status.HTTP_422_UNPROCESSABLE_ENTITY,
            errors=_flatten(error.detail),
        )
    answer = problem(
        code=str(getattr(error, "default_code", "error")).replace("_", "-"),
        title=str(error.detail),
        status_code=error.status_code,
    )
    wait = getattr(error, "wait", None)
    if wait is not None:
        answer["Retry-After"] = str(int(wait))
    if getattr(error, "auth_header", None):
        answer["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    return answer


def _flatten(detail: Any, at: str = "") -> list[dict[str, Any]]:
    if isinstance(detail, dict):
        return [row for name, inner in detail.items() for row in _flatten(inner, f"{at}/{name}")]
    if isinstance(detail, list):
        return [row for inner in detail for row in _flatten(inner, at)]
    return [{"pointer": at or "/", "detail": str(detail), "code": getattr(detail, "code", "invalid")}]
