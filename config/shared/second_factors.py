"""
The second thing by which staff prove who they are: authenticator codes, passkeys, recovery codes.

Tables and cryptography are django-allauth's; doors, pages, limits and words are ours. Nothing else of allauth is in
use: no address of it exists. Only this module knows its inner parts.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import segno
from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal import auth as webauthn
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.shared import personal_data
from config.shared.errors import NotFound, Refused
from config.shared.models import User
from config.shared.permissions import grants_of

log = logging.getLogger(__name__)

Type = Authenticator.Type


class WrongCode(Refused):
    """The code is not the one that is shown now."""

    code = "wrong-code"
    status = 422


class PasskeyRefused(Refused):
    """The passkey's answer cannot be trusted, or its question is no longer open."""

    code = "passkey-refused"
    status = 422


class AlreadySetUp(Refused):
    """One authenticator app at a time."""

    code = "authenticator-exists"


class StillNeeded(Refused):
    """The person's role needs a second factor, and this is the last one."""

    code = "second-factor-needed"


class SealedSecrets(DefaultMFAAdapter):  # type: ignore[misc]
    """How allauth keeps our people's secrets: sealed with the same keys as personal data."""

    def encrypt(self, text: str) -> str:
        """The stored form of a secret."""
        return personal_data.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret of a stored form."""
        return personal_data.decrypt(encrypted_text)

    def get_totp_label(self, user: Any) -> str:
        """What the authenticator app calls the account."""
        return str(user.username)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner knows it."""

    passkey_id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has set up."""

    authenticator_since: datetime | None
    authenticator_used_at: datetime | None
    passkeys: tuple[Passkey, ...]
    recovery_codes_left: int

    @property
    def has_codes(self) -> bool:
        """Whether codes can be typed."""
        return self.authenticator_since is not None or self.recovery_codes_left > 0

    @property
    def any(self) -> bool:
        """Whether a second factor is asked for at the door; recovery codes alone are none."""
        return self.authenticator_since is not None or bool(self.passkeys)


@dataclass(frozen=True, slots=True)
class AppSetup:
    """What an authenticator app must be told."""

    secret: str
    qr_code: str
    """as the address of an image"""


def is_required_of(user: User) -> bool:
    """Whether the person holds a permission that only somebody with a second factor may hold."""
    needed: Iterable[str] = settings.STAFF_MFA_REQUIRED_PERMISSIONS
    return bool(needed) and any(permission in grants_of(user) for permission in needed)


def factors_of(*, user_id: int) -> Factors:
    """What a person has set up; one query."""
    rows = list(Authenticator.objects.filter(user_id=user_id).order_by("created_at", "pk"))
    app = next((row for row in rows if row.type == Type.TOTP), None)
    recovery = next((row for row in rows if row.type == Type.RECOVERY_CODES), None)
    return Factors(
        authenticator_since=app.created_at if app else None,
        authenticator_used_at=app.last_used_at if app else None,
        passkeys=tuple(
            Passkey(row.pk, row.data["name"], row.created_at, row.last_used_at)
            for row in rows
            if row.type == Type.WEBAUTHN
        ),
        recovery_codes_left=len(recovery.wrap().get_unused_codes()) if recovery else 0,
    )


def has_any(*, user_id: int) -> bool:
    """Whether the person is asked for a second factor at the door."""
    return bool(Authenticator.objects.filter(user_id=user_id, type__in=(Type.TOTP, Type.WEBAUTHN)).exists())


# --- Codes ---------------------------------------------------------------------------------


def check_code(*, user_id: int, code: str, at: datetime) -> None:
    """
    Use up a code of the authenticator app, or a recovery code.

    :raises WrongCode: it is neither, or was used before
    """
    typed = "".join(code.split())
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user_id=user_id).exclude(type=Type.WEBAUTHN)
        for row in rows.order_by("pk"):
            if typed and row.wrap().validate_code(typed) and (row.type != Type.TOTP or _first_use(user_id, typed)):
                _used(row.pk, at)
                return
    raise WrongCode(_("动态码不对或已用过，请等应用里换出下一个再填；也可以填一个没用过的恢复码。"))


def new_app_secret() -> str:
    """A secret for an authenticator app, not yet anybody's."""
    return str(totp.generate_totp_secret())


def app_setup(*, username: str, secret: str) -> AppSetup:
    """How to tell an app its secret: as letters in groups of four, and as a picture."""
    address = str(SealedSecrets().build_totp_url(User(username=username), secret))
    image = str(segno.make(address, error="m").svg_data_uri(scale=5, border=2))
    return AppSetup(" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)), image)


def add_app(*, user_id: int, secret: str, code: str, at: datetime) -> list[str]:
    """
    Give a person an authenticator app that shows the right code; new recovery codes if they had none, else an empty
    list.

    :raises AlreadySetUp: there is one
    :raises WrongCode: the app shows something else
    """
    typed = "".join(code.split())
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        if Authenticator.objects.filter(user_id=user_id, type=Type.TOTP).exists():
            raise AlreadySetUp(_("已经绑定了一个动态码应用；换手机时先移除旧的，再绑定新的。"))
        if not totp.validate_totp_code(secret, typed) or not _first_use(user_id, typed):
            raise WrongCode(_("动态码不对。请核对手机时间是否自动校准，再填应用里现在显示的六位数字。"))
        added = totp.TOTP.activate(user, secret).instance
        Authenticator.objects.filter(pk=added.pk).update(created_at=at)
        return _recovery_codes_if_none(user, at)


def remove_app(*, user_id: int) -> None:
    """
    Take the authenticator app away.

    :raises NotFound: there is none
    :raises StillNeeded: the role needs a second factor, and there is no other
    """
    _remove(user_id, type=Type.TOTP)


def renew_recovery_codes(*, user_id: int, at: datetime) -> list[str]:
    """
    New recovery codes; the old ones are worth nothing from now on.

    :raises NotFound: there is no second factor that they could stand in for
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        if not has_any(user_id=user_id):
            raise NotFound(_("先绑定动态码应用或通行密钥，才有恢复码。"))
        Authenticator.objects.filter(user_id=user_id, type=Type.RECOVERY_CODES).delete()
        return _recovery_codes_if_none(user, at)


def remove_all(*, user_id: int) -> int:
    """Take every second factor away, for somebody who lost them all; how many there were."""
    removed, _by_kind = Authenticator.objects.filter(user_id=user_id).delete()
    return int(removed)


# --- Passkeys ------------------------------------------------------------------------------


def passkey_question(*, user: User | None) -> dict[str, Any]:
    """What the browser is asked to sign; without a user any passkey of this house may answer."""
    return dict(webauthn.begin_authentication(user))


def check_passkey(*, request: HttpRequest, credential: str, at: datetime, user: User | None = None) -> User:
    """
    Whose passkey signed the question of this session.

    :param user: whose it must be; anybody's when None
    :raises PasskeyRefused: nobody's, or an answer to another question
    """
    refusal = PasskeyRefused(_("这把通行密钥没有通过验证，请重试，或改用别的方式。"))
    try:
        answer = json.loads(credential)
        signed = webauthn.parse_authentication_response(answer).response.authenticator_data
        # A passkey that opens the door alone stands for device and owner: it has asked for finger, face or number.
        # The open question may be one of another page, which asked for less.
        if user is None and not signed.is_user_verified():
            raise refusal
        owner = user or webauthn.extract_user_from_response(answer)
        if owner is None or not owner.is_active:
            raise refusal
        row = webauthn.complete_authentication(owner, answer)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.info("passkey refused", extra={"error": type(error).__name__})
        raise refusal from error
    finally:
        # One answer to a question, right or wrong.
        webauthn.clear_state()
    _used(row.pk, at)
    if not isinstance(owner, User):
        raise refusal
    return owner


def passkey_offer(*, user: User) -> dict[str, Any]:
    """What the browser needs to make a passkey for a person."""
    return dict(webauthn.begin_registration(user, True))


def add_passkey(*, user_id: int, name: str, credential: str, at: datetime) -> list[str]:
    """
    Keep a passkey that the browser just made; new recovery codes if there were none, else an empty list.

    :raises PasskeyRefused: it is no answer to the offer of this session
    """
    try:
        made = json.loads(credential)
        webauthn.parse_registration_response(made)
        webauthn.complete_registration(made)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PasskeyRefused(_("通行密钥没有建成，请重试。")) from error
    finally:
        webauthn.clear_state()
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        added = webauthn.WebAuthn.add(user, name, made).instance
        Authenticator.objects.filter(pk=added.pk).update(created_at=at)
        return _recovery_codes_if_none(user, at)


def remove_passkey(*, user_id: int, passkey_id: int) -> None:
    """
    Take a passkey away.

    :raises NotFound: the person has no such passkey
    :raises StillNeeded: the role needs a second factor, and there is no other
    """
    _remove(user_id, type=Type.WEBAUTHN, pk=passkey_id)


# --- Inside --------------------------------------------------------------------------------


def _first_use(user_id: int, code: str) -> bool:
    # As long as the code could be right: its own period and the ones that are tolerated around it.
    lasts = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
    return bool(cache.add(f"second-factor-used:{user_id}:{code}", "y", timeout=lasts))


def _used(authenticator_id: int, at: datetime) -> None:
    Authenticator.objects.filter(pk=authenticator_id).update(last_used_at=at)


def _recovery_codes_if_none(user: User, at: datetime) -> list[str]:
    if Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).exists():
        return []
    made = RecoveryCodes.activate(user)
    Authenticator.objects.filter(pk=made.instance.pk).update(created_at=at)
    return list(made.get_unused_codes())


def _remove(user_id: int, **which: Any) -> None:
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        row = Authenticator.objects.filter(user_id=user_id, **which).first()
        if row is None:
            raise NotFound(_("这个验证方式已经移除，刷新页面看最新的列表。"))
        others = Authenticator.objects.filter(user_id=user_id, type__in=(Type.TOTP, Type.WEBAUTHN)).exclude(pk=row.pk)
        if not others.exists():
            if is_required_of(user):
                raise StillNeeded(_("您的岗位要求第二重验证。先绑定另一种，再移除这一种。"))
            # Recovery codes stand in for something; without it they would be a second password on paper.
            Authenticator.objects.filter(user_id=user_id, type=Type.RECOVERY_CODES).delete()
        row.delete()
