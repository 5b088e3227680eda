"""The yearly list: who gives how much, who is protected, by whose approval."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.shared.display_formats import format_count
from config.shared.permissions import may
from config.shared.web.pages import requires
from config.shared.web.tables import Chip, Column, Table, answer
from dsm.queries import shed_lists
from dsm.queries.shed_lists import EntryRow
from dsm.web.shortages import within_of


def _security(row: EntryRow) -> tuple[Chip, ...]:
    return (Chip("good", _("现场核定")),) if row.is_surveyed else (Chip("warn", _("未核定，按默认")),)


def _tier(row: EntryRow) -> tuple[Chip, ...]:
    if row.protected_because:
        return (Chip("info", _("受保护：%(why)s") % {"why": row.protected_because}),)
    return (Chip("neutral", str(row.tier)),)


SHED_ENTRIES: Table[EntryRow] = Table(
    name="dsm.shed_entries",
    columns=(
        Column("no", gettext_lazy("户号"), lambda row: row.account_no, "code", is_head=True),
        Column("name", gettext_lazy("户名"), lambda row: row.masked_name),
        Column("tier", gettext_lazy("顺序档"), _tier, "chips", sort="tier"),
        Column("group", gettext_lazy("轮换组"), lambda row: row.group_no, "count"),
        Column("capacity", gettext_lazy("合同容量（kVA）"), lambda row: row.capacity_kva, "count"),
        Column("from", gettext_lazy("新容量生效日"), lambda row: row.capacity_from_on, "day", is_extra=True),
        Column("peak", gettext_lazy("最高负荷（千瓦）"), lambda row: row.peak_kw, "count"),
        Column("security", gettext_lazy("保安负荷（千瓦）"), lambda row: row.security_kw, "count"),
        Column("source", gettext_lazy("保安负荷来源"), _security, "chips"),
        Column("process", gettext_lazy("工艺可停（%）"), lambda row: row.process_pct, "count"),
        Column("sheddable", gettext_lazy("可压减（千瓦）"), lambda row: row.sheddable_kw, "count", sort="kw"),
        Column("comp", gettext_lazy("补偿估算（元/度）"), lambda row: row.compensation_fen_kwh, "money", is_extra=True),
        Column("lost", gettext_lazy("产值估算（元/度）"), lambda row: row.lost_output_fen_kwh, "money", is_extra=True),
    ),
    orders=shed_lists.ORDERS,
    first_order="tier",
    export_permission="cis.export_data",
)  # fmt: skip


@require_safe
@requires("dsm.view_plans")
def shed_list(request: HttpRequest) -> HttpResponseBase:
    """The approved list of this year, and the approved order of feeders."""
    found = shed_lists.list_in_force(year=timezone.localdate().year, within=within_of(request))
    if found is None:
        return render(request, "dsm/shortages/no_list.html", {"year": timezone.localdate().year})
    return answer(
        request,
        SHED_ENTRIES,
        lambda ask: shed_lists.page_of_entries(ask, list_id=found.list_id),
        page="dsm/shortages/shed_list.html",
        context={
            "found": found,
            "sheddable": format_count(found.sheddable_kw),
            "may_plan": may(request.user, "dsm.plan_shortage"),
        },
        file_name=_("有序用电名单"),
    )
