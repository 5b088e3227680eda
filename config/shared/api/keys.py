"""API keys for programs: `Authorization: Key PREFIX.SECRET`; only the digest of the secret is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from config.shared.models import ApiKey, User

# To the minute is enough to see whether a key is in use.
_NOTE_EVERY = timedelta(minutes=1)


def issue_key(*, user_id: int, name: str, at: datetime) -> str:
    """Make a key for a user; the returned text is shown once and cannot be read again."""
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    ApiKey.objects.create(
        user_id=user_id, name=name, prefix=prefix, digest=hashlib.sha256(secret.encode()).digest(), created_at=at
    )
    return f"{prefix}.{secret}"


class ApiKeyAuthentication(BaseAuthentication):
    """Acts as the key's user; a wrong or revoked key is refused with the same words."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """The user and the key, or None when the request carries no key."""
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "key":
            return None
        prefix, _, secret = value.strip().partition(".")
        key = ApiKey.objects.select_related("user").filter(prefix=prefix, revoked_at=None).first()
        digest = hashlib.sha256(secret.encode()).digest()
        if key is None or not hmac.compare_digest(bytes(key.digest), digest) or not key.user.is_active:
            raise AuthenticationFailed("API key 无效或已停用。")
        now = timezone.now()
        if key.last_used_at is None or now - key.last_used_at >= _NOTE_EVERY:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return key.user, key

    def authenticate_header(self, _request: Request) -> str:
        """What a 401 asks for."""
        return "Key"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names this authentication."""

    target_class = "config.shared.api.keys.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        """An API key in the Authorization header."""
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Key PREFIX.SECRET"}
