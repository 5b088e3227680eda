"""Funds and subsidies by month for who keeps the books: bills beside the ledger, what differs, a file."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cis.queries import fund_sums
from cis.web.data import download
from config.shared.periods import add_months, cycle_of, is_cycle
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires

KEEPS_BOOKS = "cis.close_day"
_MONTHS = 13


@requires(KEEPS_BOOKS)
@require_safe
def month(request: HttpRequest) -> HttpResponse:
    """One month: every fund and subsidy."""
    within, months = scope_of(staff_of(request), KEEPS_BOOKS), _months()
    sums = fund_sums.sums_of_month(_asked(request), within=within)
    context = {
        "sums": sums,
        "months": [(one, one == sums.cycle) for one in months],
        "has_any": any(row.documents_fen or row.ledger_fen for row in sums.rows),
    }
    return render(request, "cis/analysis/fund_sums.html", context)


@requires(KEEPS_BOOKS)
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """A month, or with none named the last thirteen, as a file."""
    within = scope_of(staff_of(request), KEEPS_BOOKS)
    cycles = [_asked(request)] if request.GET.get("month") else list(reversed(_months()))
    fund_sums.check_scope(within)
    return download("funds.csv", fund_sums.months_for_export(cycles, within=within))


def _asked(request: HttpRequest) -> int:
    """The month of the address, else the running one."""
    typed = request.GET.get("month", "")
    asked = int(typed) if typed.isdecimal() and len(typed) == 6 else 0
    return asked if is_cycle(asked) else cycle_of(timezone.localdate())


def _months() -> list[int]:
    newest = cycle_of(timezone.localdate())
    return [add_months(newest, -back) for back in range(_MONTHS)]
