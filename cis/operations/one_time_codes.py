"""
One-time codes: six digits to a telephone, kept as keyed digests, good for five minutes and five tries.

Whether there is anybody to send a code to changes neither the answer nor the statements: where there is nobody, the
message is written like any other and taken back before it can leave.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cis.models import OneTimeCode
from config.shared import messaging
from config.shared.errors import BadInput, Refused
from config.shared.messaging import Template
from config.shared.messaging.sending import nudge_after_commit
from config.shared.personal_data import blind_index

CODE_LASTS = timedelta(minutes=5)
MAX_TRIES = 5
# How many codes one number may ask for in how long; the limits of Chinese SMS providers.
LIMITS: tuple[tuple[timedelta, int], ...] = (
    (timedelta(minutes=1), 1),
    (timedelta(hours=1), 5),
    (timedelta(days=1), 10),
)
# Nobody's telephone rings all day because somebody knows many account numbers; said to no one, for it would tell
# which account has which telephone.
TELEPHONE_LIMITS: tuple[tuple[timedelta, int], ...] = ((timedelta(hours=1), 10), (timedelta(days=1), 20))
# One network address may stand for a whole office; this only stops whoever asks for everybody's codes.
ADDRESS_LIMIT = (timedelta(hours=1), 60)
# Where a message goes that is taken back before it is sent.
_NOBODY = "13000000000"


class CodeTooSoon(Refused):
    """Too many codes were asked for; some time must pass."""

    code = "code-too-soon"
    status = 429


class CodeWrong(BadInput):
    """The code is wrong, too old, used, or was tried too often; which of these is not said."""

    code = "code-wrong"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a right code proved: somebody holds this telephone."""

    telephone: str


def send_code(*, purpose: str, subject: str, telephone: str, template: Template, asked_from: str, at: datetime) -> None:
    """
    Send a code for one act (`purpose`) on what was typed (`subject`); to nobody where `telephone` is empty.

    Runs inside the caller's transaction. `template` says what the code is for.

    :raises CodeTooSoon: the limits of this subject or network address are used up
    """
    digest_of_subject, address = _subject(purpose, subject), blind_index(asked_from)
    _take_turns(digest_of_subject)
    _check_limits(digest_of_subject, address, at)
    if not messaging.can_reach(template=template.code, to=messaging.Recipient(phone=telephone or _NOBODY)):
        telephone = ""  # a fixed line takes no message
    code, salt = f"{secrets.randbelow(10**6):06d}", secrets.token_bytes(16)
    index = blind_index(telephone or f"{_NOBODY}:{secrets.token_hex(8)}")
    is_flooded = any(
        OneTimeCode.objects.filter(telephone_index=index, sent_at__gt=at - span).count() >= most
        for span, most in TELEPHONE_LIMITS
    )
    row = OneTimeCode.objects.create(
        subject=digest_of_subject,
        asked_from=address,
        telephone=telephone,
        telephone_index=index,
        salt=salt,
        digest=_digest(salt, digest_of_subject, code),
        sent_at=at,
        expires_at=at + CODE_LASTS,
    )
    is_for_nobody = not telephone or is_flooded
    with transaction.atomic():
        messaging.send(
            template=template.code,
            to=messaging.Recipient(phone=telephone or _NOBODY, language=get_language() or settings.LANGUAGE_CODE),
            parameters={"code": code},
            dedupe_key=f"code:{row.pk}",
            at=at,
        )
        transaction.set_rollback(is_for_nobody)
    # The other way round once more, so that both take the same statements.
    with transaction.atomic():
        transaction.set_rollback(not is_for_nobody)
    nudge_after_commit()


def redeem_code(*, purpose: str, subject: str, code: str, at: datetime) -> Proof | None:
    """
    What the newest code of this act and subject proves; None if it is not this code, or no longer.

    Runs inside the caller's transaction, which must commit even when the answer is None: only then has the try
    counted. So the caller refuses after its transaction, with `wrong_code()`.
    """
    digest_of_subject = _subject(purpose, subject)
    _take_turns(digest_of_subject)
    row = OneTimeCode.objects.filter(subject=digest_of_subject).order_by("-sent_at", "-pk").first()
    if row is None or row.used_at is not None or row.expires_at <= at or row.tries >= MAX_TRIES:
        return None
    # The try counts whatever comes of it, so it is written before anything is compared.
    row.tries += 1
    given = _digest(bytes(row.salt), digest_of_subject, "".join(code.split()))
    fits = hmac.compare_digest(bytes(row.digest), given) and bool(row.telephone)
    if fits:
        row.used_at = at
    row.save(update_fields=["tries", "used_at"])
    return Proof(row.telephone) if fits else None


def wrong_code() -> CodeWrong:
    """The one refusal of a code, whatever is wrong with it."""
    text = _("验证码不对或已失效。请核对后再输，或重新获取验证码。")
    return CodeWrong(text, errors=[{"pointer": "/code", "detail": text}])


def _check_limits(subject: bytes, address: bytes, at: datetime) -> None:
    for span, most in LIMITS:
        if OneTimeCode.objects.filter(subject=subject, sent_at__gt=at - span).count() >= most:
            raise CodeTooSoon(_("验证码获取得太频繁，请过一会儿再试；急需办理请拨打 95598。"))
    span, most = ADDRESS_LIMIT
    if OneTimeCode.objects.filter(asked_from=address, sent_at__gt=at - span).count() >= most:
        raise CodeTooSoon(_("这个网络获取验证码太频繁，请过一会儿再试；急需办理请拨打 95598。"))


def _take_turns(subject: bytes) -> None:
    """One act at a time per subject, so that neither tries nor limits can be outrun."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 13))", [subject.hex()])


def _subject(purpose: str, subject: str) -> bytes:
    return blind_index(f"{purpose}:{subject}")


def _digest(salt: bytes, subject: bytes, code: str) -> bytes:
    return hmac.new(settings.SECRET_KEY.encode(), salt + subject + code.encode(), hashlib.sha256).digest()
