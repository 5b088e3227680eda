"""The portal: sign in, what do I owe, bills explained, usage by day and by quarter-hour."""

from __future__ import annotations

from datetime import date, timedelta

from django import forms
from django.contrib.auth import get_user_model, login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cis.operations import portal as operations
from cis.queries import billing, dues, portal, readings
from cis.web.bills import in_words
from cis.web.usage import day_file, month_file, of_day, of_month
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.portal_pages import PREFERRED_ACCOUNT, for_customers, preferred_account

_SIGNING_IN = "portal_signing_in"
_GOES_TO = "portal_goes_to"
_PAGE = 24


class AccountNoForm(forms.Form):
    """Whose account."""

    account_no = forms.CharField(
        label=gettext_lazy("户号"),
        max_length=32,
        help_text=gettext_lazy("印在电费账单和短信里，一般是 10 位数字。"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "username", "autofocus": True}),
    )


class CodeForm(forms.Form):
    """The code that came by message."""

    code = forms.CharField(
        label=gettext_lazy("验证码"),
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True}),
    )


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Step one: the account number. What follows looks the same whether or not it exists."""
    if request.method == "POST":
        form = AccountNoForm(request.POST)
        if form.is_valid():
            account_no = form.cleaned_data["account_no"]
            try:
                operations.send_sign_in_code(
                    account_no=account_no, asked_from=request.META.get("REMOTE_ADDR", ""), at=timezone.now()
                )
            except Refused as refused:
                form.add_error(None, refused.message)
            else:
                request.session[_SIGNING_IN] = account_no
                request.session[_GOES_TO] = request.POST.get("next", "")
                return redirect("cis:portal_code")
        return render(request, "cis/portal/sign_in.html", {"form": form, "next": request.POST.get("next")}, status=422)
    context = {"form": AccountNoForm(), "next": request.GET.get("next", ""), "messages_url": _messages_page()}
    return render(request, "cis/portal/sign_in.html", context)


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Step two: the code."""
    account_no = request.session.get(_SIGNING_IN, "")
    if not account_no:
        return redirect("cis:portal_sign_in")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user_id = operations.sign_in(account_no=account_no, code=form.cleaned_data["code"], at=timezone.now())
        except Refused as refused:
            form.add_error("code", refused.message)
        else:
            goes_to = request.session.get(_GOES_TO, "")
            # No password was checked, so the backend is named; the session gets a new key and the old one is lost.
            user = get_user_model().objects.get(pk=user_id)
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            request.session.pop(_SIGNING_IN, None)
            request.session.pop(_GOES_TO, None)
            request.session[PREFERRED_ACCOUNT] = "".join(account_no.split())
            if not url_has_allowed_host_and_scheme(
                goes_to, allowed_hosts={request.get_host()}, require_https=request.is_secure()
            ):
                goes_to = reverse("cis:portal_home")
            return redirect(goes_to)
    context = {"form": form, "account_no": account_no, "messages_url": _messages_page()}
    return render(request, "cis/portal/code.html", context, status=422 if form.errors else 200)


def _messages_page() -> str:
    """Where the demonstration shows the messages it sent; empty where real messages are sent."""
    try:
        return reverse("sim_messages")
    except NoReverseMatch:
        return ""


@for_customers
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Look at another of one's accounts."""
    account = portal.my_account(user_id=staff_of(request).pk, account_no=request.POST.get("account_no", ""))
    request.session[PREFERRED_ACCOUNT] = account.account_no
    return redirect("cis:portal_home")


def _mine(request: HttpRequest) -> portal.MyAccounts:
    return portal.my_accounts(user_id=staff_of(request).pk, preferred=preferred_account(request))


@for_customers
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What do I owe, what was my last bill, what did I use this month."""
    mine = _mine(request)
    account_id, today = mine.current.account_id, timezone.localdate()
    owed = dues.get_dues(account_id=account_id)
    days = readings.daily_usage(account_id, today.replace(day=1), today + timedelta(days=1))
    last = next(iter(billing.list_bills(account_id=account_id, limit=1)), None)
    first_due = min((bill.due_on for bill in owed.open_bills), default=None)
    context = {
        "mine": mine,
        "dues": owed,
        "last": last,
        "due_on": first_due,
        "is_overdue": first_due is not None and first_due < today,
        "used_kwh_e2": sum(day.energy_wh for day in days) // 10 if days else None,
        "used_until": days[-1].day if days else None,
    }
    return render(request, "cis/portal/home.html", context)


@for_customers
@require_safe
def bill_list(request: HttpRequest) -> HttpResponse:
    """The account's bills, newest first."""
    mine = _mine(request)
    before = request.GET.get("before", "")
    rows = billing.list_bills(
        account_id=mine.current.account_id,
        limit=_PAGE + 1,
        before=int(before) if before.isdecimal() and len(before) < 19 else None,
    )
    next_url = f"{request.path}?before={rows[_PAGE - 1].bill_id}" if len(rows) > _PAGE else ""
    return render(request, "cis/portal/bills.html", {"mine": mine, "bills": rows[:_PAGE], "next_url": next_url})


@for_customers
@require_safe
def bill(request: HttpRequest, bill_no: str) -> HttpResponse:
    """One bill of one of the customer's accounts: every line with the rule behind it."""
    mine = _mine(request)
    page = portal.get_my_bill(bill_no, mine=mine)
    context = {
        "mine": mine,
        "page": page,
        "bill": page.bill,
        "lines": in_words(page),
        "is_overdue": page.bill.open_fen > 0 and page.bill.due_on < timezone.localdate(),
    }
    return render(request, "cis/portal/bill.html", context)


@for_customers
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """A month by day, by period where the tariff has windows; each day leads to its quarter-hours."""
    mine = _mine(request)
    context = {"mine": mine, **of_month(mine.current.account_id, request.GET.get("month", ""))}
    return render(request, "cis/portal/usage.html", context)


@for_customers
@require_safe
def usage_day(request: HttpRequest, day: date) -> HttpResponse:
    """One day by quarter-hour."""
    mine = _mine(request)
    return render(request, "cis/portal/usage_day.html", {"mine": mine, **of_day(mine.current.account_id, day)})


@for_customers
@require_safe
def usage_export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """A month's days and quarter-hours as CSV that spreadsheets open."""
    current = _mine(request).current
    return month_file(current.account_id, current.account_no, request.GET.get("month", ""))


@for_customers
@require_safe
def usage_day_export(request: HttpRequest, day: date) -> HttpResponse | StreamingHttpResponse:
    """A day's quarter-hours with period and cost as CSV that spreadsheets open."""
    current = _mine(request).current
    return day_file(current.account_id, current.account_no, day)
