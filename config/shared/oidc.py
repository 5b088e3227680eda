"""
Single sign-on by OpenID Connect: authorisation code flow with PKCE, the id_token's signature checked.

Source: OpenID Connect Core 1.0 sections 3.1.2 and 3.1.3.7; RFC 7636 (PKCE); RFC 9700 (state, nonce, exact redirect).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt
import requests
from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

from config.shared.errors import Refused

log = logging.getLogger(__name__)

_TIMEOUT_S = 10
_DISCOVERY_LASTS_S = 3600
# Signatures only: a shared secret could be used by whoever checks, and "none" is nothing.
_ALGORITHMS = ["RS256", "PS256", "ES256"]


class SingleSignOnFailed(Refused):
    """The company's sign-in did not answer, or its answer cannot be trusted."""

    code = "single-sign-on-failed"
    status = 502


@dataclass(frozen=True, slots=True)
class Started:
    """Where the browser goes, and what must be remembered until it comes back."""

    url: str
    state: str
    nonce: str
    verifier: str


def is_on() -> bool:
    """Whether this installation signs staff in this way."""
    return bool(settings.OIDC_ISSUER)


def begin(*, redirect_uri: str) -> Started:
    """
    Where to send the browser.

    :raises SingleSignOnFailed: the company's sign-in cannot be reached
    """
    state, nonce, verifier = (secrets.token_urlsafe(32) for _each in range(3))
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": settings.OIDC_CLIENT_ID,
        "redirect_uri": redirect_uri,
        "scope": settings.OIDC_SCOPE,
        "state": state,
        "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    address = _discovered()["authorization_endpoint"]
    return Started(f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", state, nonce, verifier)


def finish(*, code: str, verifier: str, nonce: str, redirect_uri: str) -> str:
    """
    Who came back with this code: the value of the configured claim.

    :raises SingleSignOnFailed: nobody whom the id_token names with a good signature, for us, for this very question
    """
    found = _discovered()
    answer = _json(
        "POST",
        found["token_endpoint"],
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        },
        auth=(settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET),
    )
    try:
        token = str(answer["id_token"])
        key = jwt.PyJWKClient(found["jwks_uri"], timeout=_TIMEOUT_S).get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=_ALGORITHMS,
            audience=settings.OIDC_CLIENT_ID,
            issuer=settings.OIDC_ISSUER,
            leeway=30,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]},
        )
        is_for_us = claims.get("azp", settings.OIDC_CLIENT_ID) == settings.OIDC_CLIENT_ID
        if not hmac.compare_digest(str(claims["nonce"]), nonce) or not is_for_us:
            raise jwt.InvalidTokenError("an answer to another question")
        who = claims[settings.OIDC_CLAIM]
    except (jwt.PyJWTError, KeyError) as error:
        log.warning("single sign-on refused", extra={"error": type(error).__name__})
        raise _failed() from error
    if not isinstance(who, str) or not who:
        raise _failed()
    return who


def _discovered() -> dict[str, str]:
    key = f"oidc:{hashlib.sha256(settings.OIDC_ISSUER.encode()).hexdigest()}"
    kept: dict[str, str] | None = cache.get(key)
    if kept is not None:
        return kept
    found = _json("GET", f"{settings.OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration")
    wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if found.get("issuer") != settings.OIDC_ISSUER or not all(isinstance(found.get(name), str) for name in wanted):
        raise _failed()
    kept = {name: found[name] for name in wanted}
    cache.set(key, kept, _DISCOVERY_LASTS_S)
    return kept


def _json(method: str, address: str, **more: Any) -> dict[str, Any]:
    try:
        answer = requests.request(method, address, timeout=_TIMEOUT_S, allow_redirects=False, **more)
        body = answer.json() if answer.status_code == requests.codes.ok else None
    except (requests.RequestException, ValueError) as error:
        log.warning("single sign-on unreachable", extra={"error": type(error).__name__})
        raise _failed() from error
    if not isinstance(body, dict):
        log.warning("single sign-on said no", extra={"status": answer.status_code})
        raise _failed()
    return body


def _failed() -> SingleSignOnFailed:
    return SingleSignOnFailed(_("单位统一登录没有成功，请重试，或改用用户名和密码登录。"))
