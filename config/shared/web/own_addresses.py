"""Where a page may send the browser back to: our own addresses only, whatever a form or a link asks for."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def own_address(request: HttpRequest, wanted: str, *, otherwise: str = "/") -> str:
    """The address if it is one of ours, else another one of ours."""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else otherwise
