"""
A little wallet: checks our order as a real one would, asks its user, tells us by a signed HTTP POST.

It knows nothing of our database. What was paid is kept in the cache, so that a second confirmation is no second
payment and a notice can be sent again under its own id, with a new time and nonce, as providers do.
"""

from __future__ import annotations

import logging
import re
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from payments.channels import wallet_keys
from payments.signing import rsa2

log = logging.getLogger(__name__)

NOTICE_TIMEOUT_S = 10
TIME_WINDOW_S = 300
KEPT_S = 24 * 60 * 60
_AMOUNT = re.compile(r"[0-9]{1,10}\.[0-9]{2}")
_ORDER_NO = re.compile(r"[A-Za-z0-9_-]{8,64}")
_FIELDS = (
    "app_id",
    "out_trade_no",
    "subject",
    "total_amount",
    "timestamp",
    "time_expire",
    "notify_url",
    "return_url",
    "sign_type",
    "sign",
)


def fault_of(order: Mapping[str, str], *, at: datetime) -> str:
    """Why the wallet would not show this order, as a code; empty when it would."""
    if any(not order.get(name) for name in _FIELDS):
        return "missing-field"
    if order["sign_type"] != "RSA2" or not rsa2.is_signed(order, order["sign"], wallet_keys.merchant_public()):
        return "bad-signature"
    if order["app_id"] != settings.WALLET_APP_ID:
        return "unknown-merchant"
    if not _ORDER_NO.fullmatch(order["out_trade_no"]):
        return "bad-order-number"
    if not _AMOUNT.fullmatch(order["total_amount"]) or order["total_amount"].replace("0", "") == ".":
        return "bad-amount"
    now = at.timestamp()
    if not order["time_expire"].isdecimal() or int(order["time_expire"]) <= now:
        return "expired"
    if not order["timestamp"].isdecimal() or int(order["timestamp"]) > now + TIME_WINDOW_S:
        return "bad-time"
    if any(urlsplit(order[name]).scheme not in ("http", "https") for name in ("notify_url", "return_url")):
        return "bad-address"
    return ""


@never_cache
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    """Show the order; when its user confirms, take the money, tell the merchant, send the user back."""
    if not settings.SIMULATORS:
        raise Http404
    sent = request.POST if request.method == "POST" else request.GET
    order = {name: sent.get(name, "") for name in _FIELDS}
    fault = fault_of(order, at=timezone.now())
    if fault:
        return render(request, "payments/sim/wallet_refused.html", {"fault": fault}, status=400)
    if request.method != "POST":
        return render(request, "payments/sim/wallet.html", {"order": order, "fields": order.items()})
    paid = _paid(order)
    if not tell_merchant(order["out_trade_no"]):
        return render(request, "payments/sim/wallet_untold.html", {"order": order, "paid": paid}, status=502)
    return redirect(order["return_url"])


@never_cache
@csrf_exempt
@login_not_required
@require_POST
def repeat(request: HttpRequest) -> HttpResponse:
    """Send the notice of a paid order again."""
    if not settings.SIMULATORS:
        raise Http404
    out_trade_no = request.POST.get("out_trade_no", "")
    known = cache.get(_place(out_trade_no))
    if known is None:
        raise Http404
    if not tell_merchant(out_trade_no):
        return render(request, "payments/sim/wallet_untold.html", {"order": known["order"]}, status=502)
    return redirect(known["order"]["return_url"])


def _place(out_trade_no: str) -> str:
    return f"sim-wallet:{out_trade_no[:64]}"


def _paid(order: dict[str, str]) -> dict[str, str]:
    """The wallet's own record of the order; the first confirmation makes it."""
    record = {"notify_id": uuid.uuid4().hex, "trade_no": uuid.uuid4().hex, "order": order}
    cache.add(_place(order["out_trade_no"]), record, KEPT_S)
    kept: dict[str, str] = cache.get(_place(order["out_trade_no"]))
    return kept


def notice_of(out_trade_no: str, *, at: datetime) -> dict[str, str]:
    """The signed notice of a paid order, with a fresh time and nonce."""
    known = cache.get(_place(out_trade_no))
    order = known["order"]
    fields = {
        "notify_id": known["notify_id"],
        "trade_no": known["trade_no"],
        "app_id": order["app_id"],
        "out_trade_no": out_trade_no,
        "total_amount": order["total_amount"],
        "trade_status": "TRADE_SUCCESS",
        "timestamp": str(int(at.timestamp())),
        "nonce": uuid.uuid4().hex,
        "sign_type": "RSA2",
    }
    fields["sign"] = rsa2.sign(fields, wallet_keys.provider_private())
    return fields


def tell_merchant(out_trade_no: str) -> bool:
    """POST the notice to the merchant's address; whether the answer was `success`."""
    address = cache.get(_place(out_trade_no))["order"]["notify_url"]
    body = urlencode(notice_of(out_trade_no, at=timezone.now())).encode()
    request = urllib.request.Request(address, data=body, method="POST")  # noqa: S310 - http(s) only, signed by the merchant
    try:
        with urllib.request.urlopen(request, timeout=NOTICE_TIMEOUT_S) as answer:  # noqa: S310
            return bool(answer.read(64) == b"success")
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        log.warning("simulated wallet could not tell the merchant", extra={"error": str(error)})
        return False
