"""Reports of a parallel run: how each went, what two systems' bills differed by and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from cis.models import BillComparison, BillDifference
from cis.parallel_run import Cause, Figures, Thresholds, judge
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.permissions import in_scope

__all__ = [
    "COMPARISON_ORDERS", "DIFFERENCE_ORDERS", "CauseRow", "ComparisonPage", "ComparisonRow", "DifferenceRow", "TestRow",
    "cause_of", "get_comparison", "page_of_comparisons", "page_of_differences",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One report; shares in millionths."""

    comparison_id: int
    file_name: str
    digest: str
    cycle: int
    unit: str
    with_unbilled: bool
    pairs: int
    equal_share_e6: int
    unexplained_fen: int
    difference_fen: int
    is_go: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CauseRow:
    """What one cause came to."""

    code: str
    name: str
    bills: int
    more_fen: int
    absolute_fen: int
    largest_fen: int


@dataclass(frozen=True, slots=True)
class TestRow:
    """One threshold: shares in millionths, amounts in fen."""

    name: str
    is_share: bool
    limit: int
    found: int
    holds: bool


@dataclass(frozen=True)
class ComparisonPage:
    """A report with its figures."""

    row: ComparisonRow
    causes: tuple[CauseRow, ...]
    tests: tuple[TestRow, ...]
    ours_total_fen: int
    theirs_total_fen: int


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One account whose two bills differ."""

    account_no: str
    is_ours: bool
    cause: str
    ours_from: date | None
    ours_to: date | None
    theirs_from: date | None
    theirs_to: date | None
    ours_kwh_e2: int
    theirs_kwh_e2: int
    ours_fen: int
    theirs_fen: int
    difference_fen: int
    energy_fen: int
    basic_fen: int
    power_factor_fen: int
    fund_fen: int
    rest_fen: int


COMPARISON_ORDERS = {"no": Order((SortKey("comparison_id", int, "pk"),))}
DIFFERENCE_ORDERS = {"account": Order((SortKey("account_no", str),))}


def cause_of(code: str) -> Cause | None:
    """The cause of this code; None for none."""
    return next((cause for cause in Cause if cause.name.lower() == code), None)


def page_of_comparisons(ask: Ask, *, within: Sequence[str] | None) -> Page[ComparisonRow]:
    """One page of the reports of organisation paths."""
    return ask.page(ask.of(_reports(within)), lambda found: [_row(one) for one in found])


def get_comparison(comparison_id: int, *, within: Sequence[str] | None) -> ComparisonPage:
    """
    One report.

    :raises NotFound: no such report within these organisation paths
    """
    report = _reports(within).filter(pk=comparison_id).first()
    if report is None:
        raise NotFound(_("没有这次比对。"))
    figures = _figures(report)
    verdict = judge(
        figures,
        theirs_total_fen=report.theirs_total_fen,
        ours_total_fen=report.ours_total_fen,
        limits=Thresholds(**report.thresholds),
    )
    names, tests = _cause_names(), _test_names()
    return ComparisonPage(
        row=_row(report),
        causes=tuple(
            CauseRow(cause.name.lower(), names[cause], one.bills, one.more_fen, one.absolute_fen, one.largest_fen)
            for cause, one in figures.items()
        ),
        tests=tuple(
            TestRow(tests[name], name.endswith("_e6"), limit, found, holds)
            for name, limit, found, holds in verdict.tests
        ),
        ours_total_fen=report.ours_total_fen,
        theirs_total_fen=report.theirs_total_fen,
    )


def page_of_differences(ask: Ask, *, comparison_id: int, cause: Cause | None) -> Page[DifferenceRow]:
    """One page of a report's differences, of one cause or all; the caller has seen that the report may be read."""
    rows = BillDifference.objects.filter(comparison_id=comparison_id)
    if cause is not None:
        rows = rows.filter(cause=int(cause))
    names = _cause_names()
    return ask.page(ask.of(rows), lambda found: [_difference(one, names) for one in found])


def _reports(within: Sequence[str] | None) -> QuerySet[BillComparison]:
    return BillComparison.objects.select_related("org_unit").filter(in_scope("org_unit", within))


def _figures(report: BillComparison) -> dict[Cause, Figures]:
    return {
        cause: Figures(**report.figures[cause.name.lower()]) for cause in Cause if cause.name.lower() in report.figures
    }


def _row(report: BillComparison) -> ComparisonRow:
    figures = _figures(report)
    pairs = sum(one.bills for one in figures.values())
    equal = sum(figures[cause].bills for cause in (Cause.EQUAL, Cause.ROUNDING) if cause in figures)
    unknown = figures.get(Cause.UNKNOWN)
    return ComparisonRow(
        comparison_id=report.pk,
        file_name=report.file_name,
        digest=bytes(report.digest).hex()[:12],
        cycle=report.cycle,
        unit=report.org_unit.name if report.org_unit else "",
        with_unbilled=report.with_unbilled,
        pairs=pairs,
        equal_share_e6=equal * 1_000_000 // pairs if pairs else 0,
        unexplained_fen=unknown.absolute_fen if unknown else 0,
        difference_fen=report.ours_total_fen - report.theirs_total_fen,
        is_go=report.is_go,
        created_at=report.created_at,
    )


def _difference(row: BillDifference, names: dict[Cause, str]) -> DifferenceRow:
    return DifferenceRow(
        account_no=row.account_no,
        is_ours=row.account_id > 0,
        cause=names[Cause(row.cause)],
        ours_from=row.ours_from,
        ours_to=row.ours_to,
        theirs_from=row.theirs_from,
        theirs_to=row.theirs_to,
        ours_kwh_e2=row.ours_kwh_e2,
        theirs_kwh_e2=row.theirs_kwh_e2,
        ours_fen=row.ours_fen,
        theirs_fen=row.theirs_fen,
        difference_fen=row.ours_fen - row.theirs_fen,
        energy_fen=row.energy_fen,
        basic_fen=row.basic_fen,
        power_factor_fen=row.power_factor_fen,
        fund_fen=row.fund_fen,
        rest_fen=row.rest_fen,
    )


def _cause_names() -> dict[Cause, str]:
    return {
        Cause.EQUAL: _("一分不差"),
        Cause.MISSING_THERE: _("对方没有"),
        Cause.MISSING_HERE: _("我方没有"),
        Cause.OTHER_PERIOD: _("期间不同"),
        Cause.OTHER_ENERGY: _("电量不同"),
        Cause.ROUNDING: _("每行至多一分"),
        Cause.OTHER_TIER: _("阶梯位置不同"),
        Cause.OTHER_PRICE: _("电价不同"),
        Cause.BASIC_CHARGE: _("基本电费不同"),
        Cause.POWER_FACTOR: _("功率因数调整不同"),
        Cause.FUNDS: _("基金不同"),
        Cause.UNKNOWN: _("原因不明"),
    }


def _test_names() -> dict[str, str]:
    return {
        "equal_share_e6": _("相符的账单不少于"),
        "missing_share_e6": _("只在一方的账单不多于"),
        "unexplained_fen": _("原因不明的单户差额不大于"),
        "unexplained_sum_fen": _("原因不明的差额合计不大于"),
        "total_share_e6": _("两边总额之差不大于"),
    }
