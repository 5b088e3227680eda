"""A person moves to another telephone: a code to the old one and a code to the new one."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cis.messages import NEW_TELEPHONE_CODE, OLD_TELEPHONE_CODE
from cis.models import PortalPerson
from cis.operations.one_time_codes import redeem_code, send_code, wrong_code
from cis.operations.portal import mobile_number
from config.shared.errors import NotFound, Refused
from config.shared.models import User
from config.shared.personal_data import blind_index, mask_phone

_OLD = "telephone-old"
_NEW = "telephone-new"


class SameTelephone(Refused):
    """It is the telephone the person has."""

    code = "same-telephone"


class TelephoneTaken(Refused):
    """Somebody comes to the portal by the new telephone already."""

    code = "telephone-taken"


def send_change_codes(*, user_id: int, new_telephone: str, asked_from: str, at: datetime) -> str:
    """
    Send one code to the person's telephone and one to the new one; gives the new number as it is kept.

    :raises TelephoneUnfit: the new one is no mobile number
    :raises SameTelephone: it is the one they have
    :raises CodeTooSoon: codes were asked for a moment ago
    """
    number = mobile_number(new_telephone)
    with transaction.atomic():
        person = _person(user_id)
        if person.telephone == number:
            raise SameTelephone(_("这就是现在的手机号，不用更换。"))
        for purpose, telephone, template in (
            (_OLD, person.telephone, OLD_TELEPHONE_CODE),
            (_NEW, number, NEW_TELEPHONE_CODE),
        ):
            send_code(
                purpose=purpose,
                subject=f"{user_id}:{number}",
                telephone=telephone,
                template=template,
                asked_from=asked_from,
                at=at,
            )
    return number


def change_telephone(*, user_id: int, new_telephone: str, old_code: str, new_code: str, at: datetime) -> None:
    """
    Both codes move the person to the new telephone; their accounts stay theirs.

    :raises CodeWrong: one of the codes is wrong or no longer good
    :raises TelephoneTaken: both are right, and the new telephone is another person's in the portal
    """
    number, is_done = mobile_number(new_telephone), False
    with transaction.atomic():
        person = _person(user_id)
        subject = f"{user_id}:{number}"
        old = redeem_code(purpose=_OLD, subject=subject, code=old_code, at=at)
        new = redeem_code(purpose=_NEW, subject=subject, code=new_code, at=at)
        if old is not None and new is not None and old.telephone == person.telephone:
            index = blind_index(number)
            if PortalPerson.objects.filter(telephone_index=index).exists():
                raise TelephoneTaken(_("这个手机号已经单独登录过网上营业厅。请用它登录后绑定户号，或到营业厅办理。"))
            person.telephone, person.telephone_index, person.telephone_since = number, index, at
            person.save(update_fields=["telephone", "telephone_index", "telephone_since"])
            User.objects.filter(pk=user_id).update(display_name=mask_phone(number))
            is_done = True
    if not is_done:
        raise wrong_code()


def _person(user_id: int) -> PortalPerson:
    person = PortalPerson.objects.select_for_update().filter(user_id=user_id).first()
    if person is None:
        raise NotFound(_("没有这位网上客户。请用手机重新登录。"))
    return person
