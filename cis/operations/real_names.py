"""Real names: somebody compared a person with their document. A one-time code is no real name."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cis.models import PortalPerson, RealNameCheck
from cis.queries.real_names import real_name_of
from config.shared.errors import BadInput, NotAllowed, NotFound

_DOCUMENT_END = re.compile(r"[0-9A-Z]{4,6}")


class NeedsRealName(NotAllowed):
    """The act is for people whose name was checked."""

    code = "needs-real-name"


class DocumentUnfit(BadInput):
    """What was written down of the document cannot be used."""

    code = "document-unfit"


def needs_real_name(*, user_id: int) -> str:
    """
    The checked name of a person, for acts that are not for a telephone alone: applying, transferring, owning.

    :raises NeedsRealName: nobody has checked it yet
    """
    known = real_name_of(user_id)
    if known is None:
        raise NeedsRealName(_("这项业务要先实名：请带身份证件到任一营业厅核验一次，几分钟办好，以后网上就能办。"))
    return known.name


def record_counter_check(
    *,
    user_id: int,
    document: str,
    document_end: str,
    name: str,
    checked_by_id: int,
    org_unit_id: int | None,
    at: datetime,
) -> int:
    """
    A clerk saw the person and their document; gives the id of the check. The newest check of a person counts.

    :raises DocumentUnfit: the kind is unknown, or name or last places of the number are missing or wrong
    :raises NotFound: the user is no portal person
    """
    end = "".join(document_end.split()).upper()
    if document not in RealNameCheck.Document.values:
        raise _unfit("/document", _("请选择证件种类。"))
    if not _DOCUMENT_END.fullmatch(end):
        raise _unfit("/document_end", _("请填写证件号码的末 4 到 6 位，只要数字和字母。"))
    if not name.strip():
        raise _unfit("/name", _("请填写证件上的姓名。"))
    with transaction.atomic():
        if not PortalPerson.objects.filter(user_id=user_id).exists():
            raise NotFound(_("没有这位网上客户。请先请客户用手机登录一次。"))
        check = RealNameCheck.objects.create(
            user_id=user_id,
            by=RealNameCheck.By.COUNTER,
            document=document,
            document_end=end,
            name=name.strip(),
            checked_at=at,
            checked_by_id=checked_by_id,
            org_unit_id=org_unit_id,
        )
        return check.pk


def _unfit(pointer: str, text: str) -> DocumentUnfit:
    return DocumentUnfit(text, errors=[{"pointer": pointer, "detail": text}])
