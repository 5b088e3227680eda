"""What customers were told, as a part of the customer's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cis.queries.notices import list_account_messages
from config.shared.web.pages import requires

_SHOWN = 10


@never_cache
@require_safe
@requires("cis.view_customer")
def account_messages(request: HttpRequest, account_no: str) -> HttpResponse:
    """The newest messages about an account: what, how, whether it arrived."""
    rows = list_account_messages(account_no=account_no, limit=_SHOWN)
    return render(request, "cis/_account_messages.html", {"rows": rows})
