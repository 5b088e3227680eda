"""Small things that pages share: permission checks, parts for htmx, health for probes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from config.shared.errors import NotAllowed, NotFound
from config.shared.models import User
from config.shared.permissions import may

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def requires(permission: str) -> Callable[[View[P]], View[P]]:
    """Let a page in only to users who hold the permission; strangers are asked to sign in."""

    def wrap(view: View[P]) -> View[P]:
        @wraps(view)
        def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if getattr(request.user, "kind", "") == User.Kind.CUSTOMER:
                # Customers are strangers here: they need not know what there is.
                raise NotFound(_("没有这个页面。"))
            if not may(request.user, permission):
                raise NotAllowed(_("您的岗位没有这项权限。需要时请联系管理员。"))
            return view(request, *args, **kwargs)

        setattr(checked, "required_permission", permission)  # noqa: B010 - a mark that architecture tests read
        return cast("View[P]", checked)

    return wrap


def render_part_or_page(
    request: HttpRequest, *, part: str, page: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """The part when htmx asks for it, the whole page otherwise and on a history restore."""
    htmx = getattr(request, "htmx", None)
    wants_part = bool(htmx) and not getattr(htmx, "history_restore_request", False)
    response = render(request, part if wants_part else page, context, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-History-Restore-Request"])
    return response


@never_cache
@login_not_required
def health(_request: HttpRequest) -> JsonResponse:
    """For probes: 200 when the database answers, 503 otherwise; says nothing else."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except Exception:
        # Any failure to reach the database is the same news to a probe.
        return JsonResponse({"status": "unavailable"}, status=503)
    return JsonResponse({"status": "ok"})
