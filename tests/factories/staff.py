"""Staff who sign in: by the front door, or already proven; an authenticator app, and its codes."""

from __future__ import annotations

import hmac
import struct
from base64 import b32decode
from datetime import datetime
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.shared import second_factors
from config.shared.models import User
from tests.factories.world import PASSWORD


def prove(client: Any, *, by: str = "password", at: datetime | None = None) -> Any:
    """As if the person behind the client had just proved who they are."""
    session = client.session
    session["proof"] = {"by": by, "at": (at or timezone.now()).isoformat(), "had_second": by != "password"}
    session.save()
    return client


def through_the_door(
    username: str, *, client: Client | None = None, password: str = PASSWORD, **headers: Any
) -> Client:
    """A browser in which somebody signed in with name and password."""
    browser = client or Client(**headers)
    answer = browser.post(reverse("login"), {"username": username, "password": password})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return browser


def app_code(secret: str, at: datetime) -> str:
    """What an authenticator app shows at a moment (RFC 6238: SHA-1, 30 s, six digits)."""
    counter = struct.pack(">Q", int(at.timestamp()) // 30)
    digest = hmac.new(b32decode(secret), counter, "sha1").digest()
    start = digest[-1] & 0xF
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFF_FFFF) % 1_000_000:06}"


def give_app(user: User) -> tuple[str, list[str]]:
    """An authenticator app for a user: its secret, and the recovery codes. The code of a step before is used up."""
    secret, now = second_factors.new_app_secret(), timezone.now()
    early = datetime.fromtimestamp(now.timestamp() - 30, tz=now.tzinfo)
    codes = second_factors.add_app(user_id=user.pk, secret=secret, code=app_code(secret, early), at=now)
    return secret, codes
