"""What coming prices mean for key accounts, for whoever answers for them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from crm.queries.price_effects import effects_ahead
from crm.queries.sight import Sight


@requires("crm.view_key_accounts")
@require_safe
def price_effect_list(request: HttpRequest) -> HttpResponse:
    """The key accounts that a version ahead concerns, by how much."""
    user = staff_of(request)
    rows = effects_ahead(
        sight=Sight(user.pk, scope_of(user, "crm.view_key_accounts")), today=timezone.localdate(), now=timezone.now()
    )
    context = {
        "rows": rows,
        "total_fen": sum(row.change_fen for row in rows),
        "is_demonstration": any(row.is_demonstration for row in rows),
    }
    return render(request, "crm/price_effects.html", context)
