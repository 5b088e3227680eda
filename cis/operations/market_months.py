"""The month's published table: one person enters it, another publishes it, and its tariff versions are there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.models import MarketMonth
from cis.operations import retail
from cis.operations.market_tariffs import lock_market, make_versions, table_of
from config.shared import approvals
from config.shared.errors import BadInput, NotFound
from config.shared.models import OrgUnit
from config.shared.periods import is_cycle

PUBLISH = "cis.publish-market-month"


class TableRefused(BadInput):
    """The table lacks something that it must say."""

    code = "market-table-refused"


def enter_month(
    *,
    province: str,
    month: int,
    values: Mapping[str, Any],
    source: str,
    entered_by_id: int,
    at: datetime,
    is_demonstration: bool = False,
) -> int:
    """
    Enter the table of a province and month, to be published by a second person; gives its id.

    A month that is published already is corrected by entering it again, as long as nobody is billed by it.

    :raises TableRefused: no province, month or source
    :raises CannotMake: the table does not make prices
    :raises approvals.AlreadyAsked, NotAllowed: see there
    """
    if not province.strip() or not is_cycle(month) or not source.strip():
        text = _("请填写省份、六位数字的月份（例如 202602）和出处。")
        raise TableRefused(text, errors=[{"pointer": "/source", "detail": text}])
    table_of(values)
    with transaction.atomic():
        lock_market()
        row = MarketMonth.objects.create(
            province=province.strip(),
            month=month,
            revision=MarketMonth.objects.filter(province=province.strip(), month=month).count() + 1,
            values=dict(values),
            source=source.strip(),
            is_demonstration=is_demonstration,
            entered_by_id=entered_by_id,
            entered_at=at,
        )
        row.approval_id = approvals.request(
            kind=PUBLISH,
            payload={"market_month_id": row.pk, "province": row.province, "month": row.month},
            asked_by_id=entered_by_id,
            reason=row.source,
            at=at,
            org_unit_id=_top(),
            subject=f"market-month:{row.province}:{row.month}",
        )
        row.save(update_fields=["approval"])
    return row.pk


def _top() -> int:
    """The unit whose affair prices are: the whole utility."""
    unit = OrgUnit.objects.filter(parent=None).order_by("pk").values_list("pk", flat=True).first()
    if unit is None:
        raise NotFound(_("还没有建立单位。"))
    return unit


def _words(payload: Mapping[str, Any]) -> str:
    return _("发布%(province)s %(month)s 的代理购电价格表，生成当月各类电价；发行电费以后不能再改。") % {
        "province": payload["province"],
        "month": payload["month"],
    }


@approvals.carries_out(
    PUBLISH,
    label=gettext_lazy("发布月度电价表"),
    ask="cis.edit_tariffs",
    decide="cis.approve_prices",
    consequence=_words,
)
def _publish(act: approvals.Act) -> Mapping[str, Any]:
    lock_market()
    row = MarketMonth.objects.select_for_update().get(pk=int(act.payload["market_month_id"]))
    MarketMonth.objects.filter(province=row.province, month=row.month, state=MarketMonth.State.PUBLISHED).update(
        state=MarketMonth.State.REPLACED
    )
    row.state, row.published_by_id, row.published_at = MarketMonth.State.PUBLISHED, act.decided_by_id, act.at
    row.save(update_fields=["state", "published_by", "published_at"])
    # Whose agreement ended buys through the utility from here on, before a price of the month is there.
    retail.end_lapsed(month=row.month)
    return {"versions": make_versions(row)}
