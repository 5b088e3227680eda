"""Pages for what went wrong outside every view; each says what happened, what is safe, what to do, what to quote."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from config.shared import logs
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
    """404."""
    del exception
    return _page(request, "shared/404.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: drawn without context processors, for those may be what failed."""
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
