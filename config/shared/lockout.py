"""
The one lock against guessing: django-axes counts every wrong password, second factor and step-up together.

A name locks for the address it was tried from, so that one person's mistakes lock no hall; wrong second factors lock
the name everywhere too, after many more, for whoever tries them knows the password. Wrong passwords never do: anybody
could keep anybody else out with them.
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
from django.utils.crypto import salted_hmac

_EVERYWHERE = "everywhere"
_LIMIT_EVERYWHERE = 30
_SECOND_FACTORS_OF = "second-factors-of:"


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
    return bool(
        AxesProxyHandler.is_locked(request, {"username": username})
        or AxesProxyHandler.is_locked(request, {"username": _second_factors_of(username), _EVERYWHERE: True})
    )


def count_mistake(request: HttpRequest, username: str) -> None:
    """A wrong second factor or step-up counts like a wrong password, and for the name everywhere."""
    bare = copy.copy(request)
    # What was typed into a form that waits for a step-up is nothing to keep with an attempt.
    bare.GET = bare.POST = QueryDict()
    AxesProxyHandler.user_login_failed(None, {"username": username}, bare)
    AxesProxyHandler.user_login_failed(None, {"username": _second_factors_of(username), _EVERYWHERE: True}, bare)


def forgive(*, username: str) -> int:
    """Forget the mistakes of a name everywhere; how many places there were."""
    AxesProxyHandler.reset_attempts(username=_second_factors_of(username))
    return int(AxesProxyHandler.reset_attempts(username=username))


def locked_names(*, now: datetime) -> list[LockedName]:
    """Who is locked at a moment, from where, until when; the newest first."""
    cool_off = timedelta(hours=settings.AXES_COOLOFF_TIME)
    rows = (
        AccessAttempt.objects.filter(attempt_time__gte=now - cool_off)
        .exclude(username__startswith=_SECOND_FACTORS_OF)
        .values("username", "ip_address")
        .annotate(failures=Sum("failures_since_start"), last_at=Max("attempt_time"))
        .filter(failures__gte=settings.STAFF_MISTAKES_ALLOWED)
        .order_by("-last_at")[:100]
    )
    return [
        LockedName(row["username"] or "", row["ip_address"] or "", row["failures"], row["last_at"] + cool_off)
        for row in rows
    ]


def _second_factors_of(username: str) -> str:
    """Under which name second factors are counted: one that nobody can type at the door."""
    return _SECOND_FACTORS_OF + salted_hmac("config.shared.lockout", username).hexdigest()
