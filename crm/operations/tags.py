"""Tags that other apps assert, and what customers object to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.queries import dues
from config.shared.errors import BadInput, NotFound, Refused
from crm.models import AccountTag, TagObjection
from crm.tagging import TAGS

_CODE = re.compile(r"[a-z]+\.[a-z][a-z0-9_]*")
ASSERTED_VERSION = 1
"""Of tags that are asserted, what they mean is defined by the app that asserts them."""


class TagRefused(BadInput):
    """The tag belongs to a rule, has no proper code or value, or has run out already."""

    code = "tag-refused"


class ObjectionRefused(BadInput):
    """The objection or its answer says nothing."""

    code = "objection-refused"


class AlreadyObjected(Refused):
    """An objection to this tag waits for its answer."""

    code = "already-objected"


def assert_tag(
    *, account_id: int, code: str, value: str, evidence: Mapping[str, Any], until: date, at: datetime, source: str = ""
) -> None:
    """
    Give an account a tag that no rule of the nightly profile computes, such as `dsm.security_load`; repeated, the last
    one holds.

    `evidence` holds plain values that prove it, `until` is the last day on which it is shown. `source` names the app
    that says so; empty: the first part of the code.

    :raises TagRefused: the code belongs to a rule or is no tag code, there is no value, or `until` is over
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    if code in TAGS:
        raise TagRefused(_("标签 %(code)s 由规则计算，不能直接写入。") % {"code": code})
    if not _CODE.fullmatch(code) or len(code) > 40 or not value or len(value) > 40 or until < today:
        raise TagRefused(_("标签要有代码（如 dsm.security_load）、取值和没有过去的有效期。"))
    with transaction.atomic():
        before = AccountTag.objects.select_for_update().filter(account_id=account_id, code=code).first()
        is_same = before is not None and before.value == value and before.until_on >= today
        AccountTag.objects.update_or_create(
            account_id=account_id,
            code=code,
            defaults={
                "value": value,
                "evidence": dict(evidence),
                "definition_version": ASSERTED_VERSION,
                "source": (source or code.partition(".")[0])[:16],
                "since_on": before.since_on if before is not None and is_same else today,
                "until_on": until,
                "computed_at": at,
            },
        )


def note_objection(*, account_no: str, code: str, reason: str, noted_by_id: int, at: datetime) -> int:
    """
    Note that the customer says a tag is wrong; gives the objection's id. The tag shows it until somebody answers.

    :raises NotFound: there is no such account, or it has no such tag
    :raises ObjectionRefused: no reason
    :raises AlreadyObjected: one is open
    """
    if not reason.strip():
        detail = _("请写下客户不认可的理由。")
        raise ObjectionRefused(detail, errors=[{"pointer": "/reason", "detail": detail}])
    account_id = dues.account_id_of(account_no)
    with transaction.atomic():
        tag = AccountTag.objects.select_for_update().filter(account_id=account_id, code=code).first()
        if tag is None:
            raise NotFound(_("这一户没有这个标签。"))
        if TagObjection.objects.filter(account_id=account_id, code=code, closed_at=None).exists():
            raise AlreadyObjected(_("这个标签已经登记过异议，正在等答复。"))
        return TagObjection.objects.create(
            account_id=account_id,
            code=code,
            value=tag.value,
            reason=reason.strip(),
            noted_by_id=noted_by_id,
            noted_at=at,
        ).pk


def answer_objection(*, objection_id: int, outcome: str, closed_by_id: int, at: datetime) -> None:
    """
    Close an objection with what was found.

    :raises NotFound: there is no such open objection
    :raises ObjectionRefused: the answer says nothing
    """
    if not outcome.strip():
        detail = _("请写下核实的结果。")
        raise ObjectionRefused(detail, errors=[{"pointer": "/outcome", "detail": detail}])
    with transaction.atomic():
        closed = TagObjection.objects.filter(pk=objection_id, closed_at=None).update(
            outcome=outcome.strip(), closed_by_id=closed_by_id, closed_at=at
        )
        if not closed:
            raise NotFound(_("没有等待答复的异议。"))
