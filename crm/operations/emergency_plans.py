"""Emergency plans: a change is a new version; none is ever edited."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from config.shared.errors import BadInput, NotFound, Refused
from crm.emergency_plans import PlanContent, PlanFault
from crm.models import EmergencyPlan, KeyAccount


class PlanRefused(BadInput):
    """Something in the plan cannot be, or nobody says what changed."""

    code = "plan-refused"


class PlanIsStale(Refused):
    """Somebody wrote a newer version meanwhile."""

    code = "plan-is-stale"


def write_plan(
    *, account_id: int, content: PlanContent, from_version: int, changed_what: str, by_id: int | None, at: datetime
) -> int:
    """
    Write the next version of a key account's plan; gives its number. `from_version` is the one that was changed, 0 for
    the first.

    :raises NotFound: the account is no key account
    :raises PlanRefused: something cannot be; the message says what
    :raises PlanIsStale: a newer version was written meanwhile
    """
    words = {
        "no-name": _("第 %(row)s 行没有名称。"),
        "negative": _("第 %(row)s 行有负数。"),
        "security-above-load": _("第 %(row)s 行的保安负荷大于负荷。"),
        "too-many": _("行数太多，最多 30 行。"),
    }
    try:
        content.check()
    except PlanFault as fault:
        detail = words[fault.what] % {"row": fault.row}
        raise PlanRefused(detail, errors=[{"pointer": f"/{fault.place}", "detail": detail}]) from fault
    if not changed_what.strip():
        detail = _("请写明这一版改了什么。")
        raise PlanRefused(detail, errors=[{"pointer": "/changed_what", "detail": detail}])
    with transaction.atomic():
        lasts = Q(ended_at=None) | Q(ended_at__gt=at)
        rows = KeyAccount.objects.select_for_update().filter(lasts, account_id=account_id)
        key_account = rows.order_by("-since").first()
        if key_account is None:
            raise NotFound(_("这一户不是大客户，没有一户一案。"))
        newest = EmergencyPlan.objects.filter(key_account=key_account).order_by("-version").first()
        version = newest.version if newest is not None else 0
        if version != from_version:
            raise PlanIsStale(_("别人刚保存了第 %(version)s 版。请对照新版再保存。") % {"version": version})
        return EmergencyPlan.objects.create(
            key_account=key_account,
            version=version + 1,
            content=content.as_json(),
            changed_what=changed_what.strip()[:200],
            written_by_id=by_id,
            written_at=at,
        ).version
