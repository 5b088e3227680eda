"""What the code on a receipt leads to: whether it is ours, and still good."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from payments import queries, receipts


@never_cache
@login_not_required
@require_safe
def verify(request: HttpRequest, token: str) -> HttpResponse:
    """For anybody who holds the paper: number, day, amount, masked name, and whether it was taken back."""
    receipt = queries.get_receipt(receipts.receipt_no_in(token), on=timezone.localdate())
    return render(request, "payments/verify.html", {"payment": receipt.payment})
