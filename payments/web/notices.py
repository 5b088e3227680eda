"""Where providers tell us that somebody paid."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import operations
from payments.channels import CHANNELS
from payments.channels.base import Incoming
from payments.operations.refused_notices import note_refused

MAX_BODY = 16_384


@csrf_exempt
@login_not_required
@require_POST
def notice(request: HttpRequest, channel: str) -> HttpResponse:
    """
    POST /pay/<channel>/notice/: taken once it is kept for good, refused where it is not to be believed.

    Its signature is what lets it in; there is no session. The answer is what the provider waits for.
    """
    if channel not in CHANNELS:
        raise Http404
    status, is_taken = 200, True
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        status, is_taken = 413, False
        _note(request, channel, "too-large")
    else:
        try:
            body = request.body.decode("utf-8", "replace")
            operations.receive_notice(channel=channel, incoming=Incoming(request.headers, body), at=timezone.now())
        except operations.NoticeRefused as refused:
            status, is_taken = refused.status, False
            _note(request, channel, str(refused.facts.get("reason", refused.code)))
    kind, said = CHANNELS[channel].answer(is_taken=is_taken)
    return HttpResponse(said, status=status, content_type=kind)


def _note(request: HttpRequest, channel: str, reason: str) -> None:
    if CHANNELS[channel].is_available():
        address = request.META.get("REMOTE_ADDR", "")
        note_refused(channel=channel, reason=reason, address=address, at=timezone.now())
