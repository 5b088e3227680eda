"""
The one box that finds anything, as a page.

What was typed may be a telephone number: it comes in the body of a POST and stays in the session, sealed, under a short
token. Only the token stands in the address, and so in histories and logs.
"""

from __future__ import annotations

import secrets

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cis.queries import search as queries
from config.shared import finding
from config.shared.permissions import staff_of
from config.shared.personal_data import decrypt, encrypt
from config.shared.web.page_finder import find_pages
from config.shared.web.pages import requires

_SHOWN = 20
_LONGEST = 100
_KEPT = "searches"
_REMEMBERED = 5
_ACCOUNTS = "cis.finders.find_accounts"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("cis.view_customer")
def search(request: HttpRequest) -> HttpResponse:
    """What fits the text; a single hit opens at once."""
    if request.method == "POST":
        token = _keep(request, request.POST.get("q", "").strip()[:_LONGEST])
        return _answer(request, token, opens_at_once=True)
    return _answer(request, request.GET.get("t", ""), opens_at_once=False)


def _answer(request: HttpRequest, token: str, *, opens_at_once: bool) -> HttpResponse:
    text, today, user = _kept(request, token), timezone.localdate(), staff_of(request)
    accounts = queries.find(text, limit=_SHOWN + 1, today=today) if text else []
    others = [*find_pages(text, user=user), *finding.find(text, user=user, today=today, without=(_ACCOUNTS,))]
    if opens_at_once:
        urls = [reverse("cis:account", args=[row.account_no]) for row in accounts] + [row.url for row in others]
        return redirect(urls[0] if len(urls) == 1 else f"{reverse('cis:search')}?t={token}" if token else "cis:search")
    context = {
        "search_text": text,
        "found": accounts[:_SHOWN],
        "others": others,
        "has_more": len(accounts) > _SHOWN,
        "finder_is_focused": not accounts,
    }
    return render(request, "cis/search.html", context)


def _keep(request: HttpRequest, text: str) -> str:
    """Keep what was typed for this session; gives its token, empty for nothing."""
    if not text:
        return ""
    token = secrets.token_urlsafe(6)
    kept = list(request.session.get(_KEPT, {}).items())[1 - _REMEMBERED :]
    request.session[_KEPT] = dict([*kept, (token, encrypt(text))])
    return token


def _kept(request: HttpRequest, token: str) -> str:
    sealed = request.session.get(_KEPT, {}).get(token, "")
    return decrypt(sealed) if sealed else ""
