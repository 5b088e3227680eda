"""The customer pays and keeps receipts."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries import dues, portal, portal_people
from cis.queries.portal import Right
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.portal_pages import for_customers, preferred_account
from payments import operations, queries, receipts
from payments.channels import CHANNELS
from payments.channels.base import Payer, Scene
from payments.web.console import pdf_answer
from payments.web.forms import WalletForm
from payments.words import METHODS


def _mine(request: HttpRequest) -> portal.MyAccounts:
    return portal.my_accounts(
        user_id=staff_of(request).pk, preferred=preferred_account(request), today=timezone.localdate()
    )


def _own_only(request: HttpRequest, mine: portal.MyAccounts) -> int | None:
    """Whose payments are shown of the account looked at: everybody's, or only the person's own."""
    return None if mine.current.may(Right.RECEIPTS) else staff_of(request).pk


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest) -> HttpResponse:
    """Choose what to pay, then go to the wallet."""
    mine = _mine(request)
    mine.current.require(Right.PAY)
    owed = dues.get_dues(account_id=mine.current.account_id, on=timezone.localdate())
    channels = [name for name, one in CHANNELS.items() if one.is_available()]
    if request.method != "POST":
        choice = "asked" if owed.advance_fen else "all" if owed.to_pay_fen > 0 else "other"
        first = {"form_key": uuid.uuid4().hex, "choice": choice, "channel": next(iter(channels), "")}
        form = WalletForm(initial=first, bills=owed.open_bills, channels=channels)
        return _draw_pay(request, mine, owed, form, status=200)
    form = WalletForm(request.POST, bills=owed.open_bills, channels=channels)
    if form.is_valid():
        channel = form.cleaned_data["channel"]
        amount_fen, bill_ids = _what_is_paid(owed, form.cleaned_data)
        try:
            started = operations.start_order(
                account_id=mine.current.account_id,
                amount_fen=amount_fen,
                bill_ids=bill_ids,
                form_key=form.cleaned_data["form_key"],
                created_by_id=staff_of(request).pk,
                channel=channel,
                payer=payer_of(request),
                notify_url=request.build_absolute_uri(reverse("payments:notice", args=[channel])),
                return_url=request.build_absolute_uri(reverse("payments:portal_orders")) + "{order}/",
                at=timezone.now(),
            )
        except operations.AlreadyPaid as paid:
            messages.warning(request, paid.message)
            return redirect("payments:portal_order", out_trade_no=paid.facts["out_trade_no"])
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            if started.payment_address.startswith("/"):
                return redirect(started.payment_address)
            return _draw_way(request, mine, channel, started)
    return _draw_pay(request, mine, owed, form, status=422)


def _what_is_paid(owed: dues.Dues, typed: dict[str, Any]) -> tuple[int, list[int]]:
    """How much, and the bills it is for where some were chosen."""
    if typed["choice"] == "other":
        return typed["amount"], []
    if typed["choice"] == "asked":
        return owed.asked_fen, []
    if typed["choice"] == "all":
        return owed.to_pay_fen, []
    return sum(bill.to_pay_fen for bill in owed.open_bills if bill.bill_id in typed["bills"]), typed["bills"]


def _draw_pay(
    request: HttpRequest, mine: portal.MyAccounts, owed: dues.Dues, form: WalletForm, *, status: int
) -> HttpResponse:
    context = {
        "mine": mine,
        "dues": owed,
        "today": timezone.localdate(),
        "may_debit": mine.current.may(Right.RECEIPTS),
        "form": form,
        "is_offered": any(one.is_available() for one in CHANNELS.values()),
    }
    return render(request, "payments/portal/pay.html", context, status=status)


def payer_of(request: HttpRequest) -> Payer:
    """Where the payer looks at us, and who they are to WeChat where they look from there."""
    browser = request.headers.get("User-Agent", "")
    ip = str(request.META.get("REMOTE_ADDR", ""))
    if "MicroMessenger" in browser:
        openid = portal_people.openid_of(user_id=staff_of(request).pk, app_id=settings.WECHAT_PAY["app_id"])
        return Payer(Scene.WECHAT if openid else Scene.PHONE, ip, openid)
    return Payer(Scene.PHONE if "Mobile" in browser else Scene.DESKTOP, ip)


def _draw_way(
    request: HttpRequest, mine: portal.MyAccounts, channel: str, started: operations.StartedOrder
) -> HttpResponse:
    """How the payer goes on. A form may lead to no other house, so this page does."""
    begun = started.begun
    context = {
        "mine": mine,
        "order": queries.get_order(started.out_trade_no, account_ids=mine.ids, payer_id=staff_of(request).pk),
        "channel_word": METHODS[channel],
        "address": begun.address,
        "code": segno.make(begun.code, error="m").svg_data_uri(border=2, light="#fff") if begun.code else "",
        "app": dict(begun.app),
        "scan_with": _simulated_scan(begun.code) if begun.code else "",
    }
    return render(request, "payments/portal/way.html", context)


def _simulated_scan(code: str) -> str:
    """Where the simulated payer scans a code; empty where real ones do."""
    said = settings.WECHAT_PAY
    if not settings.SIMULATORS or said["private_pem"]:
        return ""
    return f"{said['gateway']}/user/?{urlencode({'code_url': code})}"


@for_customers
@require_safe
def order(request: HttpRequest, out_trade_no: str) -> HttpResponse:
    """Where the wallet sends the customer back to: paid, or not yet."""
    mine = _mine(request)
    page = queries.get_order(
        out_trade_no, account_ids=mine.ids, of_all=mine.ids_with(Right.RECEIPTS), payer_id=staff_of(request).pk
    )
    if request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request"):
        # A page that waits for the payment asks: it is led here once there is something to see.
        is_over = page.state != "created" or bool(page.trouble)
        return HttpResponse(status=204, headers={"HX-Redirect": request.path} if is_over else {})
    return render(request, "payments/portal/order.html", {"mine": mine, "order": page})


@for_customers
@require_safe
def receipt_list(request: HttpRequest) -> HttpResponse:
    """The receipts of the account, newest first."""
    before = request.GET.get("before", "")
    mine = _mine(request)
    rows = queries.list_receipts(
        account_id=mine.current.account_id,
        payer_id=_own_only(request, mine),
        before=int(before) if before.isdecimal() and len(before) < 19 else None,
        limit=21,
    )
    next_url = f"{request.path}?before={rows[19].payment_id}" if len(rows) > 20 else ""
    # What went back stands below the newest receipts, for those who see all of the account's.
    is_first = mine.current.may(Right.RECEIPTS) and not before
    context = {
        "mine": mine,
        "payments": rows[:20],
        "has_statement": mine.current.may(Right.RECEIPTS) and mine.current.may(Right.BILLS),
        "refunds": queries.list_refunds(account_id=mine.current.account_id) if is_first else (),
        "next_url": next_url,
    }
    return render(request, "payments/portal/receipts.html", context)


@for_customers
@require_safe
def receipt(request: HttpRequest, receipt_no: str) -> HttpResponse:
    """One receipt of the customer's own."""
    mine = _mine(request)
    found = _own_receipt(request, mine, receipt_no)
    context = {
        "mine": mine,
        "receipt": found,
        "payment": found.payment,
        "sees_holder": found.account_id in mine.ids_with(Right.HOLDER),
    }
    return render(request, "payments/portal/receipt.html", context)


@for_customers
@require_safe
def receipt_pdf(request: HttpRequest, receipt_no: str, paper: receipts.Paper) -> HttpResponse:
    """The customer's own receipt as PDF."""
    mine = _mine(request)
    found = _own_receipt(request, mine, receipt_no)
    if found.account_id not in mine.ids_with(Right.HOLDER):
        found = replace(found, name="", address="", payment=replace(found.payment, masked_name=""))
    return pdf_answer(request, found, paper)


def _own_receipt(request: HttpRequest, mine: portal.MyAccounts, receipt_no: str) -> queries.Receipt:
    return queries.get_receipt(
        receipt_no,
        on=timezone.localdate(),
        account_ids=mine.ids,
        of_all=mine.ids_with(Right.RECEIPTS),
        payer_id=staff_of(request).pk,
    )
