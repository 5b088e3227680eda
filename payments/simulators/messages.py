"""What customers would have on their telephones: the latest messages, for demonstrations."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.shared.models import OutgoingMessage
from config.shared.personal_data import mask_phone


@never_cache
@login_not_required
@require_safe
def latest(request: HttpRequest) -> HttpResponse:
    """The twenty newest messages; the numbers they went to are masked."""
    if not settings.SIMULATORS:
        raise Http404
    messages = [
        {"recipient": mask_phone(message.recipient), "body": message.body, "at": message.created_at}
        for message in OutgoingMessage.objects.order_by("-created_at", "-pk")[:20]
    ]
    return render(request, "payments/sim/messages.html", {"sent": messages})
