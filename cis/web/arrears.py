"""Arrears as a whole: how old they are by cause, with a file to take away, and grades that are proposed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cis.queries import collecting, credit
from cis.web.data import download
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires

COLLECTS = "cis.collect_arrears"


@requires(COLLECTS)
@require_safe
def ageing(request: HttpRequest) -> HttpResponse:
    """How long the open cases of one's part are overdue, by cause."""
    within, today = scope_of(staff_of(request), COLLECTS), timezone.localdate()
    rows = collecting.ageing_by_cause(within=within, today=today)
    bands = collecting.bands()
    context = {
        "bands": bands,
        "rows": [{"row": row, "cells": list(zip(bands, row.cases, row.fen, strict=True))} for row in rows],
        "totals": [
            (band, sum(row.cases[number] for row in rows), sum(row.fen[number] for row in rows))
            for number, band in enumerate(bands)
        ],
        "all_cases": sum(row.all_cases for row in rows),
        "all_fen": sum(row.all_fen for row in rows),
    }
    return render(request, "cis/collecting/ageing.html", context)


@requires(COLLECTS)
@require_safe
def ageing_export(request: HttpRequest) -> HttpResponseBase:
    """The open cases behind the ageing, as a file."""
    within = scope_of(staff_of(request), COLLECTS)
    return download("arrears.csv", collecting.cases_for_export(within=within, today=timezone.localdate()))


@requires(COLLECTS)
@require_safe
def credit_proposals(request: HttpRequest) -> HttpResponse:
    """Credit grades that are proposed and not decided."""
    after = request.GET.get("after", "")
    rows, following = credit.list_proposals(
        within=scope_of(staff_of(request), COLLECTS),
        after=int(after) if after.isdecimal() and len(after) < 19 else 0,
    )
    return render(request, "cis/collecting/credit.html", {"rows": rows, "following": following})
