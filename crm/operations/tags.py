"""Tags that other apps assert, and what customers object to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from config.shared.errors import BadInput
from crm.models import AccountTag
from crm.tagging import TAGS

_CODE = re.compile(r"[a-z]+\.[a-z][a-z0-9_]*")
ASSERTED_VERSION = 1
"""Of tags that are asserted, what they mean is defined by the app that asserts them."""


class TagRefused(BadInput):
    """The tag belongs to a rule, has no proper code or value, or has run out already."""

    code = "tag-refused"


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
