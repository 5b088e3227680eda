"""What the code on a receipt leads to: whether it is ours, and still good. For anybody, without a script."""

from __future__ import annotations

import segno
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from payments import operations, queries, receipts
from payments.queries import PaymentRow
from payments.queries.receipt_checks import ReceiptCheck, Verdict, check_receipt, issuer_name, public_keys
from payments.signing.receipt_code import FORMAT


def address_of_codes(request: HttpRequest) -> str:
    """Where codes lead to: the house's public address where one is set, for a caller may name any host."""
    page = reverse("payments:verify_page")
    return f"{settings.PUBLIC_ADDRESS}{page}" if settings.PUBLIC_ADDRESS else request.build_absolute_uri(page)


def code_of(request: HttpRequest, payment: PaymentRow) -> str:
    """The signed code of a receipt."""
    return operations.receipt_code(payment=payment, address=address_of_codes(request), at=timezone.now())


@never_cache
@login_not_required
@require_safe
def verify(request: HttpRequest, token: str) -> HttpResponse:
    """
    The receipt that a message or an older paper leads to: number, day, amount, masked name, whether it was taken back.

    Whoever has it open shows its code to somebody else, who need not ask us.
    """
    receipt = queries.get_receipt(receipts.receipt_no_in(token), on=timezone.localdate())
    code = code_of(request, receipt.payment)
    context = {
        "payment": receipt.payment,
        "code": code,
        "drawing": segno.make(code, error="m").svg_data_uri(border=4, light="#fff"),
        "check_url": reverse("payments:verify_code", args=[_end_of(code)]),
    }
    return render(request, "payments/verify.html", context)


@never_cache
@login_not_required
@require_safe
def verify_page(request: HttpRequest) -> HttpResponse:
    """Paste what a code says; the camera of a telephone leads to `verify_code` instead."""
    pasted = "".join(request.GET.get("code", "").split())
    return _answer(request, pasted, check_receipt(pasted) if pasted else None)


@never_cache
@login_not_required
@require_safe
def verify_code(request: HttpRequest, signed: str) -> HttpResponse:
    """What a scanned code says of the receipt."""
    here = request.build_absolute_uri(reverse("payments:verify_page"))
    text = f"{address_of_codes(request)}{signed}/"
    checked = check_receipt(text)
    if checked.verdict == Verdict.ALTERED and here != address_of_codes(request):
        text = f"{here}{signed}/"
        checked = check_receipt(text)
    return _answer(request, text, checked)


@cache_control(public=True, max_age=300)
@login_not_required
@require_safe
def verify_keys(request: HttpRequest) -> HttpResponse:
    """The public keys, for whoever verifies without us."""
    keys = [
        {
            "key_id": key.key_id,
            "public_key": key.public_key,
            "made_at": key.made_at,
            "retired_at": key.retired_at,
            "withdrawn_at": key.withdrawn_at,
        }
        for key in public_keys()
    ]
    said = {"format": FORMAT, "algorithm": "Ed25519", "issuer": issuer_name(), "address": address_of_codes(request)}
    return JsonResponse({**said, "keys": keys}, json_dumps_params={"ensure_ascii": False})


def _answer(request: HttpRequest, text: str, checked: ReceiptCheck | None) -> HttpResponse:
    context = {"text": text, "check": checked, "facts": checked.facts if checked else None}
    return render(request, "payments/receipt_check/page.html", context)


def _end_of(code: str) -> str:
    return code.rstrip("/").rpartition("/")[2]
