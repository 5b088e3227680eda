"""What somebody sees who made too many mistakes."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def locked_out(request: HttpRequest, _response: HttpResponse | None = None, *_rest: object) -> HttpResponse:
    """The door stays shut for a while; the same for names that exist and names that do not."""
    minutes = round(settings.AXES_COOLOFF_TIME * 60)
    return render(request, "registration/locked.html", {"minutes": minutes}, status=429)
