"""
The one lock against guessing: django-axes counts every wrong password, second factor and step-up together.

A name locks for the address it was tried from, so that one person's mistakes lock no hall; wrong second factors lock
the name everywhere too, after many more, for whoever tries them knows the password.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, Sum
from django.http import HttpRequest, QueryDict

_EVERYWHERE = "everywhere"
_LIMIT_EVERYWHERE = 30


@dataclass(frozen=True, slots=True)
class LockedName:
    """A name that is locked for an address."""

    username: str
    address: str
    failures: int
    until: datetime


def lockout_parameters(_request: object, credentials: dict[str, Any] | None = None) -> list[Any]:
    """What is counted together; called by django-axes."""
    return ["username"] if credentials and credentials.get(_EVERYWHERE) else [["username", "ip_address"]]


def failure_limit(_request: object, credentials: dict[str, Any] | None = None) -> int:
    """How many mistakes lock; called by django-axes."""
    return _LIMIT_EVERYWHERE if credentials and credentials.get(_EVERYWHERE) else int(settings.STAFF_MISTAKES_ALLOWED)


def is_locked(request: HttpRequest, username: str) -> bool:
    """Whether the name may try no second factor from where the request comes, for now."""
    return any(
        AxesProxyHandler.is_locked(request, {"username": username, _EVERYWHERE: everywhere})
        for everywhere in (False, True)
    )


def count_mistake(request: HttpRequest, username: str) -> None:
    """A wrong second factor or step-up counts like a wrong password."""
    bare = copy.copy(request)
    # What was typed into a form that waits for a step-up is nothing to keep with an attempt.
    bare.GET = bare.POST = QueryDict()
    AxesProxyHandler.user_login_failed(None, {"username": username}, bare)


def forgive(*, username: str) -> int:
    """Forget the mistakes of a name everywhere; how many places there were."""
    return int(AxesProxyHandler.reset_attempts(username=username))


def locked_names(*, now: datetime) -> list[LockedName]:
    """Who is locked at a moment, from where, until when; the newest first."""
    cool_off = timedelta(hours=settings.AXES_COOLOFF_TIME)
    rows = (
        AccessAttempt.objects.filter(attempt_time__gte=now - cool_off)
        .values("username", "ip_address")
        .annotate(failures=Sum("failures_since_start"), last_at=Max("attempt_time"))
        .filter(failures__gte=settings.STAFF_MISTAKES_ALLOWED)
        .order_by("-last_at")[:100]
    )
    return [
        LockedName(row["username"] or "", row["ip_address"] or "", row["failures"], row["last_at"] + cool_off)
        for row in rows
    ]
