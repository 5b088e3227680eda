"""People of the portal and what is bound to them, without walking through the portal."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.test import Client

from cis.models import PortalAccess, RealNameCheck
from cis.operations.portal import person_of
from config.shared.models import User


def person(telephone: str, *, at: datetime) -> int:
    """The user id of the person with this telephone."""
    with transaction.atomic():
        return person_of(telephone, at=at)


def bind(user_id: int, account_id: int, role: str = "owner", **changed: Any) -> PortalAccess:
    """A running binding; an agent gets a letter until 2030, a tenant a first day long ago."""
    if role == "agent":
        changed = {
            "letter_key": "letters/aa/aa",
            "letter_type": "application/pdf",
            "until_on": date(2030, 1, 1),
        } | changed
    if role == "tenant":
        changed = {"from_on": date(2020, 1, 1)} | changed
    return PortalAccess.objects.create(user_id=user_id, account_id=account_id, role=role, **changed)


def end_all(user_id: int, *, at: datetime) -> None:
    """End every binding of a person."""
    PortalAccess.objects.filter(user_id=user_id, ended_at=None).update(ended_at=at, end_reason="test")


def only(user_id: int, account_id: int, *, at: datetime) -> None:
    """The person sees this account, as its owner, and no other."""
    end_all(user_id, at=at)
    bind(user_id, account_id)


def check_name(user_id: int, name: str, *, by_id: int, at: datetime) -> RealNameCheck:
    """A counter check of a person's name."""
    return RealNameCheck.objects.create(
        user_id=user_id,
        by="counter",
        document="identity-card",
        document_end="1234",
        name=name,
        checked_at=at,
        checked_by_id=by_id,
    )


def signed_in(user_id: int) -> Client:
    """A browser in which this user is signed in."""
    client = Client()
    client.force_login(User.objects.get(pk=user_id), backend="django.contrib.auth.backends.ModelBackend")
    return client
