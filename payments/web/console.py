"""The counter: take a payment, its receipt, the day's payments, reversal, day closing."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations import ledger
from cis.queries import dues
from cis.queries.audit import record_of
from config.shared.display_formats import format_yuan
from config.shared.errors import NotFound, Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import render_part
from config.shared.web.step_up import requires_step_up
from config.shared.web.tables import answer
from payments import operations, queries, receipts
from payments.operations.drawers import DrawerNotOpen
from payments.operations.taking import is_form_key
from payments.web.day_table import PAYMENTS
from payments.web.forms import DayForm, ReversalForm, TakePaymentForm
from payments.web.verify import code_of


@never_cache
@require_safe
@requires("payments.take_payment")
def desk(request: HttpRequest) -> HttpResponseBase:
    """Whose money is taken next, and what this hall took today."""
    wanted = request.GET.get("account_no", "").strip()
    if wanted:
        return redirect("payments:desk_account", account_no=wanted)
    return _day(request, timezone.localdate(), "payments/desk.html")


@never_cache
@require_safe
@requires("payments.view_payments")
def day_list(request: HttpRequest) -> HttpResponseBase:
    """What was taken on a day in the halls the user answers for."""
    asked = DayForm(request.GET)
    day = asked.cleaned_data["day"] if asked.is_valid() else timezone.localdate()
    return _day(request, day, "payments/day_list.html")


def _day(request: HttpRequest, day: date, template: str) -> HttpResponseBase:
    paths = scope_of(staff_of(request), "payments.view_payments")
    is_whole = not getattr(request, "htmx", None) and "export" not in request.GET
    return answer(
        request,
        PAYMENTS,
        lambda ask: queries.page_of_payments(ask, day=day, paths=paths),
        page=template,
        context={
            "page": queries.day_totals(day=day, paths=paths) if is_whole else None,
            "refunds": queries.refunds_of_day(day=day, paths=paths) if is_whole else (),
            "form": DayForm(initial={"day": day}),
            "day": day,
        },
        file_name=_("收款"),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("payments.take_payment")
def pay(request: HttpRequest, account_no: str) -> HttpResponse:
    """
    Take a payment for an account.

    The page's address carries the form's key from the moment it is drawn, so that a reload, the way back and a second
    click all speak of the same payment; a key that was used leads to its receipt.
    """
    here = reverse("payments:desk_account", args=[account_no])
    key = request.POST.get("form_key", "") if request.method == "POST" else request.GET.get("key", "")
    if request.method != "POST" and not is_form_key(key):
        return redirect(f"{here}?key={uuid.uuid4().hex}")
    page = queries.pay_form(account_no=account_no, form_key=key, on=timezone.localdate())
    saw(request, record_of(page.dues.account_id))
    if request.method != "POST" and page.taken_receipt_no:
        messages.warning(request, _("这张收款单已经收过款，没有重复收取。下面是当时的收据。"))
        return redirect("payments:payment", receipt_no=page.taken_receipt_no)
    if request.method != "POST":
        due = page.dues.asked_fen
        initial = {"form_key": key, "method": "cash", "amount": format_yuan(due) if due > 0 else ""}
        return _draw_pay(request, page, TakePaymentForm(initial=initial, bills=page.dues.open_bills), status=200)
    form = TakePaymentForm(request.POST, bills=page.dues.open_bills)
    if form.is_valid():
        staff = staff_of(request)
        try:
            taken = operations.take_payment(
                account_id=page.dues.account_id,
                amount_fen=form.cleaned_data["amount"],
                method=form.cleaned_data["method"],
                reference=form.cleaned_data["reference"],
                bill_ids=form.cleaned_data["bills"],
                org_unit_id=staff.org_unit_id,
                received_by_id=staff.pk,
                form_key=key,
                at=timezone.now(),
            )
        except Refused as refused:
            form.add_error(None, ValidationError(refused.message, code=refused.code))
        else:
            if taken.is_repeat:
                messages.warning(request, _("这张收款单已经收过款，没有重复收取。下面是当时的收据。"))
            else:
                messages.success(request, _("已收款，请打印收据交给客户。"))
            return redirect("payments:payment", receipt_no=taken.receipt_no)
    return _draw_pay(request, page, form, status=422)


def _draw_pay(request: HttpRequest, page: queries.PayForm, form: TakePaymentForm, *, status: int) -> HttpResponse:
    draft = draft_of(request, form, name="take-payment", subject=page.dues.account_no)
    context = {
        "dues": page.dues,
        "today": timezone.localdate(),
        "form": form,
        "draft": draft,
        "needs_drawer": form.has_error("__all__", DrawerNotOpen.code),
        "may_refund": page.dues.prepayment_fen > 0 and may(staff_of(request), "payments.ask_refund"),
    }
    return render(request, "payments/pay.html", context, status=status)


@never_cache
@require_safe
@requires("payments.view_payments")
def payment(request: HttpRequest, receipt_no: str) -> HttpResponse:
    """One payment: where it went, its receipt to print, the way to reverse it."""
    receipt = queries.get_receipt(receipt_no, on=timezone.localdate())
    saw(request, record_of(receipt.account_id))
    is_today = receipt.payment.business_date == ledger.open_business_date(timezone.now())
    context = {
        "receipt": receipt,
        "payment": receipt.payment,
        "may_reverse": is_today
        and not receipt.payment.is_reversed
        and receipt.payment.method not in ("wallet", "cheque")
        and may(staff_of(request), "payments.reverse_payment"),
        "is_taker": receipt.payment.clerk_id == staff_of(request).pk,
        "may_take": may(staff_of(request), "payments.take_payment"),
    }
    return render(request, "payments/payment.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("payments.reverse_payment")
@requires_step_up
def reverse_payment(request: HttpRequest, receipt_no: str) -> HttpResponse:
    """Take a payment back, or ask for it where somebody else took it: what will happen, to whom, how much, and why."""
    receipt = queries.get_receipt(receipt_no, on=timezone.localdate())
    is_taker = receipt.payment.clerk_id == staff_of(request).pk
    form = ReversalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _take_back(request, receipt, form.cleaned_data["reason"], is_taker=is_taker)
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
    saw(request, record_of(receipt.account_id))
    return render(
        request,
        "payments/reversal.html",
        {
            "receipt": receipt,
            "payment": receipt.payment,
            "is_taker": is_taker,
            "form": form,
            "draft": draft_of(request, form, name="reverse-payment", subject=receipt_no),
        },
        status=422 if request.method == "POST" else 200,
    )


def _take_back(request: HttpRequest, receipt: queries.Receipt, reason: str, *, is_taker: bool) -> HttpResponse:
    staff, payment = staff_of(request), receipt.payment
    within = scope_of(staff, "payments.reverse_payment")
    if not is_taker:
        approval_id = operations.ask_to_reverse(
            payment_id=payment.payment_id, reason=reason, asked_by_id=staff.pk, at=timezone.now(), within=within
        )
        messages.success(request, _("冲正申请已提交。另一人批准后才能把钱退给客户。"))
        return redirect("approval", approval_id=approval_id)
    operations.reverse_payment(
        payment_id=payment.payment_id, reason=reason, reversed_by_id=staff.pk, at=timezone.now(), within=within
    )
    messages.success(request, _("已冲正。请收回原收据，并把钱退给客户。"))
    return redirect("payments:payment", receipt_no=payment.receipt_no)


@never_cache
@require_safe
@requires("payments.view_payments")
def receipt_pdf(request: HttpRequest, receipt_no: str, paper: receipts.Paper) -> HttpResponse:
    """The receipt to print."""
    receipt = queries.get_receipt(receipt_no, on=timezone.localdate())
    saw(request, record_of(receipt.account_id))
    return pdf_answer(request, receipt, paper)


def pdf_answer(request: HttpRequest, receipt: queries.Receipt, paper: receipts.Paper) -> HttpResponse:
    """A receipt as an answer that a browser shows and names well."""
    code = code_of(request, receipt.payment)
    answer = HttpResponse(
        receipts.render_receipt(receipt, paper=paper, verify_url=code), content_type="application/pdf"
    )
    answer["Content-Disposition"] = f'inline; filename="receipt-{receipt.payment.receipt_no}.pdf"'
    return answer


@never_cache
@require_safe
@requires("payments.view_payments")
def account_payments(request: HttpRequest, account_no: str) -> HttpResponse:
    """The payments of an account, as a part of the customer's page."""
    context = {
        "account_no": account_no,
        "payments": queries.list_account_payments(account_no=account_no),
        "refunds": queries.list_account_refunds(account_no=account_no),
    }
    saw(request, record_of(dues.account_id_of(account_no)))
    back = reverse("cis:account", args=[account_no]), _("返回客户")
    return render_part(request, "payments/_account_payments.html", context, title=_("收费记录"), back=back)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("cis.close_day")
def day(request: HttpRequest) -> HttpResponse:
    """What was taken on a day everywhere the user answers for, and the day's closing."""
    asked = DayForm(request.POST if request.method == "POST" else request.GET)
    yesterday = timezone.localdate() - timedelta(days=1)
    wanted = asked.cleaned_data["day"] if asked.is_valid() else yesterday
    if request.method == "POST" and asked.is_valid():
        try:
            ledger.close_day(
                business_date=wanted,
                closed_by_id=staff_of(request).pk,
                at=timezone.now(),
                within=scope_of(staff_of(request), "cis.close_day"),
            )
        except Refused as refused:
            asked.add_error(None, refused.message)
        else:
            messages.success(request, _("营业日 %(day)s 已日结。") % {"day": wanted})
            return redirect(f"{request.path}?day={wanted:%Y-%m-%d}")
    page = queries.day_totals(day=wanted, paths=scope_of(staff_of(request), "cis.close_day"))
    form = asked if request.method == "POST" else DayForm(initial={"day": wanted})
    return render(request, "payments/day.html", {"page": page, "form": form}, status=422 if form.errors else 200)
