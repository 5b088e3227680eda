"""Where the wallet tells us that somebody paid."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import operations

MAX_BODY = 16_384


@csrf_exempt
@login_not_required
@require_POST
def notice(request: HttpRequest) -> HttpResponse:
    """
    POST /pay/wallet/notice/: answers `success` once the notice is kept, `failure` to what is not to be believed.

    Its signature is what lets it in; there is no session.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        return HttpResponse("failure", status=413, content_type="text/plain")
    try:
        operations.receive_notice(channel="wallet", fields=request.POST.dict(), at=timezone.now())
    except operations.NoticeRefused as refused:
        return HttpResponse("failure", status=refused.status, content_type="text/plain")
    return HttpResponse("success", content_type="text/plain")
