"""
What went wrong outside every view: a page that says what happened, what is safe, what to do, what to quote.

A program that asked an address of the API gets a problem document instead (RFC 9457).
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from config.shared import logs
from config.shared.errors import PROBLEM, problem_body
from config.shared.web.drafts import keep_sent, ticket_in


def _page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    return render(request, template, {"request_id": logs.request_id.get()}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    del exception
    return _page(request, "shared/400.html", 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    del exception
    return _page(request, "shared/403.html", 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404; in the API also of an address whose number has not the shape of one."""
    del exception
    if request.path.startswith("/api/"):
        title = _("没有这个地址。请核对地址和其中的编号。")
        body = problem_body(code="not-found", title=title, status=404, request_id=logs.request_id.get())
        return JsonResponse(body, status=404, content_type=PROBLEM)
    return _page(request, "shared/404.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: drawn without context processors, for those may be what failed."""
    if request.path.startswith("/api/"):
        title = _("系统出了故障，已记录。请用同一个请求再试；还不行，把 request_id 告诉我们。")
        request_id = getattr(request, "request_id", "")
        fault = problem_body(code="server-error", title=title, status=500, request_id=request_id)
        return JsonResponse(fault, status=500, content_type=PROBLEM)
    body = render(None, "shared/500.html", {"request_id": getattr(request, "request_id", "")})
    body.status_code = 500
    return body


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that came back without its token: the page was left open too long."""
    del reason
    ticket = ticket_in(request)
    user_id = request.user.pk if request.user.is_authenticated else None
    if ticket is not None and user_id in (None, ticket.user_id) and keep_sent(request, ticket):
        # Its owner signed in again meanwhile: the form comes back with its text and a new token.
        return redirect(ticket.address)
    return _page(request, "shared/403_csrf.html", 403)
