"""The portal: what do I owe, bills explained, usage by day and by quarter-hour, prices; each by one's own right."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from cis.queries import (
    advances,
    bill_corrections,
    billing,
    dues,
    outages,
    portal,
    prices,
    readings,
    running_bills,
    why_more,
)
from cis.queries.portal import Right
from cis.web import why_more as why_words
from cis.web.bills import in_words
from cis.web.usage import day_file, month_file, of_day, of_month
from config.navigation import SLOTS
from config.shared.permissions import staff_of
from config.shared.web.parts import parts_inside
from config.shared.web.portal_pages import PREFERRED_ACCOUNT, for_customers, offered, preferred_account

_PAGE = 24


@for_customers
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Look at another of one's accounts."""
    account = portal.my_account(
        user_id=staff_of(request).pk, account_no=request.POST.get("account_no", ""), today=timezone.localdate()
    )
    request.session[PREFERRED_ACCOUNT] = account.account_no
    return redirect("cis:portal_home")


def _mine(request: HttpRequest, right: Right | None = None) -> portal.MyAccounts:
    """The person's accounts; refused where the one looked at does not give the right."""
    mine = portal.my_accounts(
        user_id=staff_of(request).pk, preferred=preferred_account(request), today=timezone.localdate()
    )
    if right is not None:
        mine.current.require(right)
    return mine


@for_customers
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What do I owe, what was my last bill, what did I use this month."""
    try:
        mine = _mine(request)
    except portal.NoAccounts:
        return redirect("cis:portal_me")
    current, today = mine.current, timezone.localdate()
    owed = dues.get_dues(account_id=current.account_id, on=today)
    last, days = None, []
    if current.sees_bills:
        bills = billing.list_bills(
            account_id=current.account_id, limit=1, first_day=current.first_day, last_day=current.last_day
        )
        last = next(iter(bills), None)
    if current.sees_usage:
        start = max(today.replace(day=1), current.first_day or date.min)
        end = min(today, current.last_day or today) + timedelta(days=1)
        days = readings.daily_usage(current.account_id, start, max(start, end))
    first_due = min((bill.due_on for bill in owed.open_bills), default=None)
    context = {
        "mine": mine,
        "dues": owed,
        "last": last,
        "due_on": first_due,
        "today": today,
        "is_overdue": first_due is not None and first_due < today,
        "used_kwh_e2": sum(day.energy_wh for day in days) // 10 if days else None,
        "used_until": days[-1].day if days else None,
        "outages": outages.known_to_account(current.account_id, at=timezone.now()) if current.lives_there else [],
        "parts": parts_inside(request, SLOTS["portal-home"], account_no=current.account_no),
        "offers": offered(current.rights, on_home=True),
    }
    return render(request, "cis/portal/home.html", context)


@for_customers
@require_safe
def bill_list(request: HttpRequest) -> HttpResponse:
    """The account's bills, newest first."""
    mine = _mine(request, Right.BILLS)
    before = request.GET.get("before", "")
    rows = billing.list_bills(
        account_id=mine.current.account_id,
        limit=_PAGE + 1,
        before=int(before) if before.isdecimal() and len(before) < 19 else None,
        first_day=mine.current.first_day,
        last_day=mine.current.last_day,
    )
    next_url = f"{request.path}?before={rows[_PAGE - 1].bill_id}" if len(rows) > _PAGE else ""
    running = None
    if not before and mine.current.sees_usage and mine.current.is_open:
        running = running_bills.running_bill(mine.current.account_id, today=timezone.localdate())
        # A tenant who came in the middle of a period would see what was used before them.
        if running is not None and (mine.current.first_day or date.min) > running.period_start:
            running = None
    context = {"mine": mine, "bills": rows[:_PAGE], "next_url": next_url, "running": running}
    return render(request, "cis/portal/bills.html", context)


@for_customers
@require_safe
def bill(request: HttpRequest, bill_no: str) -> HttpResponse:
    """One bill of one of the customer's accounts: every line with the rule behind it."""
    mine = _mine(request)
    page = portal.get_my_bill(bill_no, mine=mine)
    against = why_words.against_of(request.GET.get("beside", ""))
    own_days = mine.own_days_of(page.account_id)
    taken = advances.advances_of_bill(page.bill.bill_id)
    context = {
        "mine": mine,
        "page": page,
        "bill": page.bill,
        "advances": taken,
        "advances_paid_fen": sum(one.paid_fen for one in taken),
        "lines": in_words(page),
        "why": why_words.in_words(why_more.why_more(bill_no, against=against, within=own_days)),
        "why_against": against,
        "history": bill_corrections.history_of_bill(page.bill.bill_id),
        "is_overdue": page.bill.open_fen > 0 and page.bill.due_on < timezone.localdate(),
        "parts": parts_inside(request, SLOTS["portal-bill"], account_no=page.bill.account_no),
    }
    return render(request, "cis/portal/bill.html", context)


@for_customers
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """A month by day, by period where the tariff has windows; each day leads to its quarter-hours."""
    mine = _mine(request, Right.USAGE)
    month = of_month(mine.current.account_id, request.GET.get("month", ""), within=_own_days(mine))
    return render(request, "cis/portal/usage.html", {"mine": mine, **month})


@for_customers
@require_safe
def usage_day(request: HttpRequest, day: date) -> HttpResponse:
    """One day by quarter-hour."""
    mine = _mine(request, Right.USAGE)
    _check_own_day(mine, day)
    return render(request, "cis/portal/usage_day.html", {"mine": mine, **of_day(mine.current.account_id, day)})


@for_customers
@require_safe
def usage_export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """A month's days and quarter-hours as CSV that spreadsheets open."""
    mine = _mine(request, Right.USAGE)
    current = mine.current
    return month_file(current.account_id, current.account_no, request.GET.get("month", ""), within=_own_days(mine))


@for_customers
@require_safe
def usage_day_export(request: HttpRequest, day: date) -> HttpResponse | StreamingHttpResponse:
    """A day's quarter-hours with period and cost as CSV that spreadsheets open."""
    mine = _mine(request, Right.USAGE)
    _check_own_day(mine, day)
    return day_file(mine.current.account_id, mine.current.account_no, day)


@for_customers
@require_safe
def price_page(request: HttpRequest) -> HttpResponse:
    """What electricity may cost here and by which paper, and where to complain about somebody who takes more."""
    mine = _mine(request, Right.PRICES)
    page = prices.legal_prices(account_id=mine.current.account_id, today=timezone.localdate())
    return render(request, "cis/portal/prices.html", {"mine": mine, "page": page})


def _own_days(mine: portal.MyAccounts) -> tuple[date | None, date | None]:
    return mine.current.first_day, mine.current.last_day


def _check_own_day(mine: portal.MyAccounts, day: date) -> None:
    """
    Refuse a day outside a tenant's time.

    :raises NotFound: it is not theirs to see
    """
    first, last = _own_days(mine)
    if (first is not None and day < first) or (last is not None and day > last):
        raise portal.not_own_day()


@for_customers
@require_safe
def outage_page(request: HttpRequest) -> HttpResponse:
    """Is my home out, now or soon: every interruption that concerns the account one looks at."""
    mine = _mine(request, Right.ADDRESS)
    rows = outages.known_to_account(mine.current.account_id, at=timezone.now())
    return render(request, "cis/portal/outages.html", {"mine": mine, "outages": rows})
