"""
When and by what the person behind a session last proved who they are.

Kept in the session. A step-up asks again when the last proof is too old for what is about to be done, or was weaker
than what the person has.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from django.conf import settings

_KEY = "proof"


class Proof(StrEnum):
    """By what somebody proved who they are."""

    PASSWORD = "password"  # noqa: S105 (a word, not a password)
    CODE = "code"
    PASSKEY = "passkey"
    SINGLE_SIGN_ON = "single-sign-on"

    @property
    def is_second_factor(self) -> bool:
        """Whether it was more than a password, here or at the company's sign-in."""
        return self in (Proof.CODE, Proof.PASSKEY)


class _HasSession(Protocol):
    @property
    def session(self) -> Any: ...


def stamp(request: _HasSession, proof: Proof, *, at: datetime) -> None:
    """Note a proof that was just given."""
    had_second = proof.is_second_factor or has_second_factor(request)
    request.session[_KEY] = {"by": proof.value, "at": at.isoformat(), "had_second": had_second}


def has_second_factor(request: _HasSession) -> bool:
    """Whether a second factor was ever given in this session."""
    return bool(request.session.get(_KEY, {}).get("had_second"))


def is_fresh(request: _HasSession, *, needs_second_factor: bool, at: datetime) -> bool:
    """Whether the last proof is young enough, and strong enough for somebody who has a second factor."""
    kept = request.session.get(_KEY)
    if not kept:
        return False
    age = at - datetime.fromisoformat(kept["at"])
    is_strong = Proof(kept["by"]).is_second_factor or not needs_second_factor
    return is_strong and timedelta(0) <= age < timedelta(seconds=settings.STEP_UP_AFTER_S)
