"""Parallel run: the reports of how another system's bills and ours differ, and every difference of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from cis.queries import bill_comparisons as queries
from config.shared.display_formats import format_money, format_month
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.tables import Chip, Column, Table, answer

_RUNS = "cis.run_billing"


@dataclass(frozen=True, slots=True)
class TestLine:
    """A threshold as it is read."""

    name: str
    limit: str
    found: str
    holds: bool


def _verdict(row: queries.ComparisonRow) -> tuple[Chip, ...]:
    return (Chip("good", _("可以上线")) if row.is_go else Chip("bad", _("不可上线")),)


def _share(millionths: int) -> str:
    """A share with four places of a hundredth, cut off and never rounded up."""
    return f"{millionths // 10_000}.{millionths % 10_000:04d} %"


def _figure(value: int, *, is_share: bool) -> str:
    return _share(value) if is_share else _("%(yuan)s 元") % {"yuan": format_money(value)}


def _period(first: date | None, last: date | None) -> str:
    return f"{first.isoformat()} – {last.isoformat()}" if first and last else "—"


COMPARISONS: Table[queries.ComparisonRow] = Table(
    name="cis.bill_comparisons",
    columns=(
        Column(
            "no", gettext_lazy("编号"), lambda row: str(row.comparison_id), kind="number", sort="no", is_head=True,
            link=lambda row: reverse("cis:bill_comparison", args=[row.comparison_id]),
        ),
        Column("cycle", gettext_lazy("月份"), lambda row: format_month(row.cycle), kind="code"),
        Column("file", gettext_lazy("文件"), lambda row: row.file_name),
        Column("unit", gettext_lazy("范围"), lambda row: row.unit or _("全部")),
        Column("verdict", gettext_lazy("结论"), _verdict, kind="chips"),
        Column("pairs", gettext_lazy("比对的户"), lambda row: row.pairs, kind="count"),
        Column("equal", gettext_lazy("相符"), lambda row: _share(row.equal_share_e6), kind="number"),
        Column("difference", gettext_lazy("总额之差（元）"), lambda row: row.difference_fen, kind="money"),
        Column("unexplained", gettext_lazy("原因不明（元）"), lambda row: row.unexplained_fen, kind="money"),
        Column("digest", gettext_lazy("文件指纹"), lambda row: row.digest, kind="code", is_extra=True),
        Column("created_at", gettext_lazy("比对时间"), lambda row: row.created_at, kind="moment"),
    ),
    orders=queries.COMPARISON_ORDERS,
    first_order="-no",
)  # fmt: skip

DIFFERENCES: Table[queries.DifferenceRow] = Table(
    name="cis.bill_differences",
    columns=(
        Column(
            "account_no", gettext_lazy("户号"), lambda row: row.account_no, kind="code", sort="account", is_head=True,
            link=lambda row: reverse("cis:account", args=[row.account_no]) if row.is_ours else "",
        ),
        Column("cause", gettext_lazy("原因"), lambda row: row.cause),
        Column("difference", gettext_lazy("差额（元）"), lambda row: row.difference_fen, kind="money"),
        Column("ours", gettext_lazy("我方（元）"), lambda row: row.ours_fen, kind="money"),
        Column("theirs", gettext_lazy("对方（元）"), lambda row: row.theirs_fen, kind="money"),
        Column("ours_kwh", gettext_lazy("我方电量（度）"), lambda row: row.ours_kwh_e2, kind="energy"),
        Column("theirs_kwh", gettext_lazy("对方电量（度）"), lambda row: row.theirs_kwh_e2, kind="energy"),
        Column("ours_period", gettext_lazy("我方期间"), lambda row: _period(row.ours_from, row.ours_to), is_extra=True),
        Column(
            "theirs_period", gettext_lazy("对方期间"), lambda row: _period(row.theirs_from, row.theirs_to),
            is_extra=True,
        ),
        Column("energy", gettext_lazy("电度电费之差"), lambda row: row.energy_fen, kind="money", is_extra=True),
        Column("basic", gettext_lazy("基本电费之差"), lambda row: row.basic_fen, kind="money", is_extra=True),
        Column("factor", gettext_lazy("功率因数之差"), lambda row: row.power_factor_fen, kind="money", is_extra=True),
        Column("fund", gettext_lazy("基金之差"), lambda row: row.fund_fen, kind="money", is_extra=True),
        Column("rest", gettext_lazy("其他之差"), lambda row: row.rest_fen, kind="money", is_extra=True),
    ),
    orders=queries.DIFFERENCE_ORDERS,
    first_order="account",
)  # fmt: skip


@requires(_RUNS)
@require_safe
def comparison_list(request: HttpRequest) -> HttpResponseBase:
    """Reports, newest first: how it went from week to week."""
    within = scope_of(staff_of(request), _RUNS)
    return answer(
        request,
        COMPARISONS,
        lambda ask: queries.page_of_comparisons(ask, within=within),
        page="cis/runs/comparisons.html",
        context={},
        file_name=_("并行比对"),
    )


@requires(_RUNS)
@require_safe
def comparison(request: HttpRequest, comparison_id: int) -> HttpResponseBase:
    """One report: verdict, causes, thresholds, and the accounts whose bills differ."""
    found = queries.get_comparison(comparison_id, within=scope_of(staff_of(request), _RUNS))
    cause = queries.cause_of(request.GET.get("cause", ""))
    tests = [
        TestLine(
            test.name,
            _figure(test.limit, is_share=test.is_share),
            _figure(test.found, is_share=test.is_share),
            test.holds,
        )
        for test in found.tests
    ]
    return answer(
        request,
        DIFFERENCES,
        lambda ask: queries.page_of_differences(ask, comparison_id=comparison_id, cause=cause),
        page="cis/runs/comparison.html",
        context={
            "report": found,
            "tests": tests,
            "month": format_month(found.row.cycle),
            "chosen": cause.name.lower() if cause else "",
        },
        file_name=f"{_('并行比对')}-{comparison_id}",
        filters=("cause",),
    )
