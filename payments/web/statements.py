"""The statement of a month, at the counter and in the portal, as a page and as paper."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cis.queries import dues, portal
from cis.queries.audit import record_of
from cis.queries.portal import Right
from config.shared.display_formats import format_month
from config.shared.paper import pdf_of
from config.shared.permissions import staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.portal_pages import for_customers, preferred_account
from payments.queries.statements import Statement, cycle_in, get_statement


class MonthForm(forms.Form):
    """The month that a statement is of."""

    month = forms.ChoiceField(label=_("月份"))

    def __init__(self, *arguments: Any, months: tuple[int, ...], **more: Any) -> None:
        super().__init__(*arguments, **more)
        choices = [(str(month), format_month(month)) for month in months]
        self.fields["month"].choices = choices  # type: ignore[attr-defined]


@never_cache
@require_safe
@requires("payments.view_payments")
def statement(request: HttpRequest, account_no: str) -> HttpResponse:
    """One month of an account, for whoever answers its questions."""
    found = _of_account(request, account_no)
    return render(request, "payments/statements/statement.html", _context(found))


@never_cache
@require_safe
@requires("payments.view_payments")
def statement_pdf(request: HttpRequest, account_no: str) -> HttpResponse:
    """The statement to print."""
    return _pdf(_of_account(request, account_no))


@for_customers
@require_safe
def portal_statement(request: HttpRequest) -> HttpResponse:
    """One month of the customer's own account."""
    mine, found = _own(request)
    return render(request, "payments/statements/portal.html", {"mine": mine, **_context(found)})


@for_customers
@require_safe
def portal_statement_pdf(request: HttpRequest) -> HttpResponse:
    """The customer's own statement as PDF."""
    return _pdf(_own(request)[1])


def _of_account(request: HttpRequest, account_no: str) -> Statement:
    account_id = dues.account_id_of(account_no)
    saw(request, record_of(account_id))
    return get_statement(account_id=account_id, cycle=cycle_in(_asked(request)), today=timezone.localdate())


def _own(request: HttpRequest) -> tuple[portal.MyAccounts, Statement]:
    """Every payment stands on it, so it is for those who may see everybody's."""
    today = timezone.localdate()
    mine = portal.my_accounts(user_id=staff_of(request).pk, preferred=preferred_account(request), today=today)
    mine.current.require(Right.BILLS)
    mine.current.require(Right.RECEIPTS)
    found = get_statement(account_id=mine.current.account_id, cycle=cycle_in(_asked(request)), today=today)
    if not mine.current.may(Right.HOLDER):
        found = replace(found, masked_name="")
    return mine, found


def _asked(request: HttpRequest) -> str:
    return request.GET.get("month", "").strip()


def _context(found: Statement) -> dict[str, object]:
    return {"statement": found, "form": MonthForm(initial={"month": str(found.cycle)}, months=found.months)}


def _pdf(found: Statement) -> HttpResponse:
    pdf = pdf_of("payments/statements/paper.html", {"statement": found, "printed_at": timezone.now()})
    answer = HttpResponse(pdf, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="statement-{found.account_no}-{found.cycle}.pdf"'
    return answer
