"""The one box that finds anybody."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from cis.queries import search as queries
from config.shared.web.pages import requires

_SHOWN = 20


@requires("cis.view_customer")
def search(request: HttpRequest) -> HttpResponse:
    """What fits the text; a single hit opens at once."""
    text = request.GET.get("q", "").strip()
    found = queries.find(text, limit=_SHOWN + 1, today=timezone.localdate()) if text else []
    if len(found) == 1:
        return redirect("cis:account", account_no=found[0].account_no)
    context = {
        "search_text": text,
        "found": found[:_SHOWN],
        "has_more": len(found) > _SHOWN,
        "finder_is_focused": not found,
    }
    return render(request, "cis/search.html", context)
