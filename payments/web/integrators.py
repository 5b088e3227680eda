"""The page for whoever connects to us: how to sign, what to call, what to run, what the codes mean."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from payments import integrators
from payments.channel_codes import CODES, LETTERS, Letter
from payments.models.webhooks import OFFERED_KINDS
from payments.queries.webhooks import kind_choices

_ROUTES: tuple[tuple[str, str, Letter], ...] = (
    ("GET", "/api/v1/channel/accounts/{account_no}/bills", "Q"),
    ("POST", "/api/v1/channel/payments", "P"),
    ("GET", "/api/v1/channel/payments/{serial}", "S"),
    ("POST", "/api/v1/channel/payments/{serial}/reversals", "R"),
)


@login_not_required
@require_safe
def integrators_page(request: HttpRequest) -> HttpResponse:
    """For engineers of banks and agents; names no customer and no client."""
    word = 1 if (get_language() or "").startswith("en") else 0
    context = {
        "routes": [(method, path, LETTERS[letter][word]) for method, path, letter in _ROUTES],
        "codes": [(row.number, row.status, row.reason, row.en if word else row.zh) for row in CODES.values()],
        "letters": [(f"E{letter}", words[word]) for letter, words in LETTERS.items()],
        "curl": integrators.CURL,
        "python": integrators.PYTHON,
        "receipt": integrators.RECEIPT,
        "receiver": integrators.RECEIVER,
        "events": kind_choices(OFFERED_KINDS),
    }
    return render(request, "payments/integrators.html", context)
