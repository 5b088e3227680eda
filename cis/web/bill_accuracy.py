"""The accuracy of bills by month: as published and as it stands today."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cis.queries import bill_accuracy as queries
from cis.queries import bill_list
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires

_MONTHS = 13


@requires("cis.see_statistics")
@require_safe
def bill_accuracy(request: HttpRequest) -> HttpResponse:
    """The months of the part one answers for, newest first."""
    cycles = bill_list.list_cycles()[:_MONTHS]
    within = scope_of(staff_of(request), "cis.see_statistics")
    parts = [queries.months_of(path=path, cycles=cycles) for path in within[:1]]
    return render(request, "cis/analysis/accuracy.html", {"rows": parts[0] if parts else []})
