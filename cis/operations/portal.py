"""
Sign in to the portal, by telephone or by account number.

Whatever is asked, the answer is the same whether or not there is such a person or account. A telephone alone opens no
account: numbers are given to other people. What it opens is what was bound to it (`portal_bindings`).
"""

from __future__ import annotations

import re
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.messages import SIGN_IN_CODE
from cis.models import Account, PortalPerson
from cis.operations import portal_bindings
from cis.operations.one_time_codes import CodeTooSoon, CodeWrong, redeem_code, send_code, wrong_code
from config.shared import messaging
from config.shared.errors import BadInput, NotAllowed
from config.shared.models import User
from config.shared.personal_data import blind_index, mask_phone

__all__ = ["CodeTooSoon", "CodeWrong"]

_BY_TELEPHONE = "sign-in"
_BY_ACCOUNT = "sign-in-account"
_MOBILE = re.compile(r"1[0-9]{10}")


class TelephoneUnfit(BadInput):
    """No code can be sent to what was typed."""

    code = "telephone-unfit"


class PersonIsBlocked(NotAllowed):
    """The person's access to the portal was shut."""

    code = "person-is-blocked"


def mobile_number(typed: str) -> str:
    """
    The eleven digits of a mobile number, however they were typed.

    :raises TelephoneUnfit: it is none
    """
    digits = re.sub(r"[\s-]", "", typed)
    digits = digits.removeprefix("+86")
    is_reached = messaging.can_reach(template=SIGN_IN_CODE.code, to=messaging.Recipient(phone=digits))
    if not _MOBILE.fullmatch(digits) or not is_reached:
        text = _("请填写 11 位手机号。固定电话收不到验证码，可以拨打 95598 或到营业厅办理。")
        raise TelephoneUnfit(text, errors=[{"pointer": "/telephone", "detail": text}])
    return digits


def send_sign_in_code(*, telephone: str, asked_from: str, at: datetime) -> str:
    """
    Send a code to a telephone, whether or not anybody known has it; gives the number as it is kept.

    :raises TelephoneUnfit: it is no mobile number
    :raises CodeTooSoon: the limits of this number or network address are used up
    """
    number = mobile_number(telephone)
    with transaction.atomic():
        send_code(
            purpose=_BY_TELEPHONE,
            subject=number,
            telephone=number,
            template=SIGN_IN_CODE,
            asked_from=asked_from,
            at=at,
        )
    return number


def sign_in(*, telephone: str, code: str, at: datetime) -> int:
    """
    The portal user who holds the telephone; made at first use, without any account.

    :raises CodeWrong: it is not the newest code of this number, or no longer
    :raises PersonIsBlocked: the person may not come in
    """
    user_id = None
    with transaction.atomic():
        proof = redeem_code(purpose=_BY_TELEPHONE, subject=telephone, code=code, at=at)
        if proof is not None:
            user_id = person_of(proof.telephone, at=at)
    if user_id is None:
        raise wrong_code()
    return _admitted(user_id)


def send_account_code(*, account_no: str, asked_from: str, at: datetime) -> None:
    """
    Send a code to the telephone that is registered for the account; silently nothing where there is none.

    :raises CodeTooSoon: the limits of this account number or network address are used up
    """
    number = "".join(account_no.split())
    with transaction.atomic():
        account = Account.objects.select_related("customer").filter(account_no=number).first()
        send_code(
            purpose=_BY_ACCOUNT,
            subject=number,
            telephone=account.customer.phone if account is not None else "",
            template=SIGN_IN_CODE,
            asked_from=asked_from,
            at=at,
        )


def sign_in_by_account(*, account_no: str, code: str, at: datetime) -> int:
    """
    The portal user who holds the telephone registered for the account, with this account bound to them.

    :raises CodeWrong: it is not the newest code of this account number, or no longer
    :raises PersonIsBlocked: the person may not come in
    """
    number, user_id = "".join(account_no.split()), None
    with transaction.atomic():
        proof = redeem_code(purpose=_BY_ACCOUNT, subject=number, code=code, at=at)
        account = Account.objects.select_related("customer").filter(account_no=number).first()
        # The registered telephone may have been changed since the code went out.
        if proof is not None and account is not None and account.customer.phone == proof.telephone:
            user_id = person_of(proof.telephone, at=at)
            portal_bindings.bind_by_registered_telephone(account_id=account.pk, user_id=user_id, at=at)
    if user_id is None:
        raise wrong_code()
    return _admitted(user_id)


def person_of(telephone: str, *, at: datetime) -> int:
    """The user id of the person with this telephone, made where there is none; inside the caller's transaction."""
    index = blind_index(telephone)
    with connection.cursor() as cursor:
        # Two first sign-ins at once, one by telephone and one by account number, make one person.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 14))", [index.hex()])
    user_id = PortalPerson.objects.filter(telephone_index=index).values_list("user_id", flat=True).first()
    if user_id is not None:
        return user_id
    # The name is told from others by the telephone's digest, and says nothing about it.
    user, is_new = User.objects.get_or_create(
        username=f"person-{index.hex()[:24]}",
        defaults={"kind": User.Kind.CUSTOMER, "display_name": mask_phone(telephone)},
    )
    if not is_new:
        # Somebody who has since changed to another telephone was made under this one.
        user = User.objects.create(
            username=f"person-{index.hex()[:24]}-{at:%Y%m%d%H%M%S}",
            kind=User.Kind.CUSTOMER,
            display_name=mask_phone(telephone),
        )
    user.set_unusable_password()
    user.save(update_fields=["password"])
    PortalPerson.objects.create(user=user, telephone=telephone, telephone_index=index, telephone_since=at, joined_at=at)
    return user.pk


def _admitted(user_id: int) -> int:
    if not User.objects.filter(pk=user_id, is_active=True, kind=User.Kind.CUSTOMER).exists():
        raise PersonIsBlocked(_("这个手机号的网上服务已停用，请带证件到任一营业厅办理。"))
    return user_id
