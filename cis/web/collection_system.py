"""Where the meter data collection system tells what became of commands to meters."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cis.operations.fee_control_commands import take_receipts
from config.shared.errors import Refused
from config.shared.messaging import receipts


@csrf_exempt
@login_not_required
@require_POST
def take(request: HttpRequest) -> JsonResponse:
    """Check who calls before anything of the body is read, then take the receipts."""
    now = timezone.now()
    if int(request.headers.get("Content-Length") or 0) > receipts.MOST_BYTES:
        return JsonResponse({"code": 1, "msg": "too large"}, status=413)
    try:
        receipts.check_signature(
            secret=receipts.secret_of("collection"),
            timestamp=request.headers.get("X-Timestamp", ""),
            nonce=request.headers.get("X-Nonce", ""),
            signature=request.headers.get("X-Signature", ""),
            body=request.body,
            at=now,
        )
        take_receipts(request.body, at=now)
    except Refused as refused:
        return JsonResponse({"code": 1, "msg": refused.code}, status=refused.status)
    return JsonResponse({"code": 0, "msg": "ok"})
