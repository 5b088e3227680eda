"""Addresses of messages to people: reports of providers, and the demonstration's telephones and mailboxes."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from config.shared.errors import Refused
from config.shared.messaging import receipts, simulated
from config.shared.messaging.channels import CHANNELS


def _take(request: HttpRequest, channel: str, take: Callable[..., int]) -> JsonResponse:
    """Check who calls before anything of the body is read, then take it; the answers are those Aliyun expects."""
    now = timezone.now()
    if int(request.headers.get("Content-Length") or 0) > receipts.MOST_BYTES:
        return JsonResponse({"code": 1, "msg": "too large"}, status=413)
    try:
        receipts.check_signature(
            secret=receipts.secret_of(channel),
            timestamp=request.headers.get("X-Timestamp", ""),
            nonce=request.headers.get("X-Nonce", ""),
            signature=request.headers.get("X-Signature", ""),
            body=request.body,
            at=now,
        )
        take(request.body, at=now)
    except Refused as refused:
        return JsonResponse({"code": 1, "msg": refused.code}, status=refused.status)
    return JsonResponse({"code": 0, "msg": "ok"})


@csrf_exempt
@login_not_required
@require_POST
def sms_reports(request: HttpRequest) -> JsonResponse:
    """The SMS provider says what became of messages."""
    return _take(request, "sms", receipts.take_sms_reports)


@csrf_exempt
@login_not_required
@require_POST
def email_reports(request: HttpRequest) -> JsonResponse:
    """A mail came back."""
    return _take(request, "email", receipts.take_bounce)


@never_cache
@login_not_required
@require_safe
def simulated_messages(request: HttpRequest) -> HttpResponse:
    """What the invented people of the demonstration received; the numbers are masked."""
    simulated.wait_for_what_is_due(at=timezone.now())
    arrived = simulated.arrived()
    rows = [
        {
            "channel_label": CHANNELS[one.channel].label,
            "masked_to": one.masked_to,
            "subject": one.subject,
            "text": one.text,
            "at": one.at,
        }
        for one in arrived or ()
    ]
    return render(request, "shared/messaging/simulated.html", {"arrived": rows, "is_reachable": arrived is not None})


urlpatterns: list[URLPattern] = [
    path("messaging/reports/sms/", sms_reports, name="sms_reports"),
    path("messaging/reports/email/", email_reports, name="email_reports"),
]

if settings.SIMULATORS:
    urlpatterns += [path("sim/messages/", simulated_messages, name="sim_messages")]
