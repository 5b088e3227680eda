"""
Sign in to the portal by account number and one-time code.

Codes have six digits, live five minutes, allow five tries and are kept as keyed digests. Whatever is asked, the answer
is the same whether or not there is such an account.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cis.messages import SIGN_IN_CODE
from cis.models import Account, OneTimeCode, PortalAccess
from config.shared import messaging
from config.shared.errors import BadInput, Refused
from config.shared.models import User
from config.shared.personal_data import blind_index, mask_name

CODE_LASTS = timedelta(minutes=5)
MAX_TRIES = 5
# How many codes one account number may ask for in how long; the limits of Chinese SMS providers.
LIMITS: tuple[tuple[timedelta, int], ...] = (
    (timedelta(minutes=1), 1),
    (timedelta(hours=1), 5),
    (timedelta(days=1), 10),
)
# One network address may stand for a whole office; this only stops whoever asks for everybody's codes.
ADDRESS_LIMIT = (timedelta(hours=1), 60)


class CodeTooSoon(Refused):
    """Too many codes were asked for; some time must pass."""

    code = "code-too-soon"
    status = 429


class CodeWrong(BadInput):
    """The code is wrong, too old, used, or was tried too often; which of these is not said."""

    code = "code-wrong"


def send_sign_in_code(*, account_no: str, asked_from: str, at: datetime) -> None:
    """
    Send a code to the telephone that is registered for the account; silently nothing where there is none.

    :raises CodeTooSoon: the limits of this account number or network address are used up
    """
    account_no = "".join(account_no.split())
    subject, address = blind_index(account_no), blind_index(asked_from)
    with transaction.atomic():
        _take_turns(subject)
        _check_limits(subject, address, at)
        account = Account.objects.select_related("customer").filter(account_no=account_no).first()
        code, salt = f"{secrets.randbelow(10**6):06d}", secrets.token_bytes(16)
        row = OneTimeCode.objects.create(
            subject=subject,
            asked_from=address,
            account=account,
            salt=salt,
            digest=_digest(salt, subject, code),
            sent_at=at,
            expires_at=at + CODE_LASTS,
        )
        if account is not None and account.customer.phone:
            to = messaging.Recipient(phone=account.customer.phone, language=get_language() or settings.LANGUAGE_CODE)
            if messaging.can_reach(template=SIGN_IN_CODE.code, to=to):
                messaging.send(
                    template=SIGN_IN_CODE.code,
                    to=to,
                    parameters={"code": code},
                    dedupe_key=f"sign-in:{row.pk}",
                    at=at,
                    account_id=account.pk,
                )


def sign_in(*, account_no: str, code: str, at: datetime) -> int:
    """
    The portal user who proved to hold the registered telephone; made at first use, with access to their accounts.

    :raises CodeWrong: it is not the newest code of this account number, or no longer
    """
    account_no, code = "".join(account_no.split()), "".join(code.split())
    subject = blind_index(account_no)
    with transaction.atomic():
        _take_turns(subject)
        row = OneTimeCode.objects.filter(subject=subject).order_by("-sent_at", "-pk").first()
        account_id = None
        if row is not None and row.used_at is None and row.expires_at > at and row.tries < MAX_TRIES:
            # The try counts whatever comes of it, so it is written before anything is compared.
            row.tries += 1
            fits = hmac.compare_digest(bytes(row.digest), _digest(bytes(row.salt), subject, code))
            if fits and row.account_id is not None:
                row.used_at, account_id = at, row.account_id
            row.save(update_fields=["tries", "used_at"])
        user_id = _portal_user_of(account_id) if account_id is not None else None
    if user_id is None:
        raise CodeWrong(_("验证码不对或已失效。请核对后再输，或重新获取验证码。"))
    return user_id


def _portal_user_of(account_id: int) -> int:
    """The user of the account's customer, owner of all accounts that customer holds now and of no other."""
    account = Account.objects.select_related("customer").get(pk=account_id)
    user, is_new = User.objects.get_or_create(
        username=f"customer-{account.customer_id}",
        defaults={"kind": User.Kind.CUSTOMER, "display_name": mask_name(account.customer.name)},
    )
    if is_new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    owned = PortalAccess.objects.filter(user=user, role=PortalAccess.Role.OWNER)
    owned.exclude(account__customer_id=account.customer_id).delete()
    held = Account.objects.filter(customer_id=account.customer_id).values_list("id", flat=True)
    PortalAccess.objects.bulk_create(
        (PortalAccess(user=user, account_id=account_id, role=PortalAccess.Role.OWNER) for account_id in held),
        ignore_conflicts=True,
    )
    return user.pk


def _check_limits(subject: bytes, address: bytes, at: datetime) -> None:
    for span, most in LIMITS:
        if OneTimeCode.objects.filter(subject=subject, sent_at__gt=at - span).count() >= most:
            raise CodeTooSoon(_("验证码获取得太频繁，请过一会儿再试；急需办理请拨打 95598。"))
    span, most = ADDRESS_LIMIT
    if OneTimeCode.objects.filter(asked_from=address, sent_at__gt=at - span).count() >= most:
        raise CodeTooSoon(_("这个网络获取验证码太频繁，请过一会儿再试；急需办理请拨打 95598。"))


def _take_turns(subject: bytes) -> None:
    """One act at a time per account number, so that neither tries nor limits can be outrun."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 13))", [subject.hex()])


def _digest(salt: bytes, subject: bytes, code: str) -> bytes:
    return hmac.new(settings.SECRET_KEY.encode(), salt + subject + code.encode(), hashlib.sha256).digest()
