"""Held bills as the work list and their page need them: why, beside what, made from what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from cis.models import Bill, BillHold
from cis.queries.bill_corrections import ReadDifference, read_differences
from cis.rating import CHARGES, ChargeCode
from config.shared.display_formats import format_money
from config.shared.errors import NotFound
from config.shared.languages import in_language
from config.shared.models import Approval
from config.shared.permissions import in_scope, is_within


@dataclass(frozen=True, slots=True)
class HeldBill:
    """One held bill in a list; money in fen."""

    hold_id: int
    account_no: str
    account_id: int
    unit: str
    cycle: int
    total_fen: int
    usual_fen: int
    energy_kwh_e2: int
    held_at: datetime
    times: str
    """such as 4.1"""
    state: str
    state_label: str
    is_asked: bool
    """whether a second person is deciding"""


@dataclass(frozen=True, slots=True)
class EarlierBill:
    """A bill before the held one."""

    bill_no: str
    cycle: int
    energy_kwh_e2: int
    total_fen: int


@dataclass(frozen=True, slots=True)
class HoldPage:
    """One held bill with its reasons in words and the history beside it."""

    held: HeldBill
    period_start: date
    period_end: date
    reasons: tuple[str, ...]
    source: str
    lines: tuple[tuple[str, int], ...]
    readings: tuple[ReadDifference, ...]
    history: tuple[EarlierBill, ...]
    bill_no: str
    reason: str
    decided_at: datetime | None
    decided_by: str


def list_holds(*, within: Sequence[str] | None, limit: int = 200) -> list[HeldBill]:
    """What waits in these organisation paths, the largest first."""
    rows = (
        BillHold.objects.select_related("account", "org_unit")
        .filter(in_scope("org_unit", within), state=BillHold.State.WAITING)
        .order_by("-total_fen", "pk")[:limit]
    )
    found = list(rows)
    asked = _asked([row.pk for row in found])
    return [_row(row, row.pk in asked) for row in found]


def count_holds(*, within: Sequence[str] | None) -> int:
    """How many wait."""
    return BillHold.objects.filter(in_scope("org_unit", within), state=BillHold.State.WAITING).count()


def get_hold(hold_id: int, *, within: Sequence[str] | None) -> HoldPage:
    """
    One held bill, decided or not.

    :raises NotFound: there is none `within` these organisation paths
    """
    row = BillHold.objects.select_related("account", "org_unit", "bill", "decided_by").filter(pk=hold_id).first()
    if row is None or (within is not None and not is_within(row.org_unit.path, within)):
        raise NotFound(_("没有这张被搁置的账单。"))
    earlier = Bill.objects.filter(
        Q(cancellation=None), account_id=row.account_id, months=row.months, period_start__lt=row.period_start
    ).order_by("-period_start")[:12]
    return HoldPage(
        held=_row(row, row.pk in _asked([row.pk])),
        period_start=row.period_start,
        period_end=row.period_end,
        reasons=_reasons(row),
        source=settings.BILL_HOLD_SOURCE,
        lines=tuple(
            (
                in_language(CHARGES[ChargeCode(one["code"])].name_zh, CHARGES[ChargeCode(one["code"])].name_en),
                one["fen"],
            )
            for one in row.lines
        ),
        readings=read_differences([], row.usage),
        history=tuple(
            EarlierBill(str(bill), bill.cycle, bill.energy_kwh_e2, bill.total_fen - bill.correction_fen)
            for bill in earlier
        ),
        bill_no=str(row.bill) if row.bill else "",
        reason=row.reason,
        decided_at=row.decided_at,
        decided_by=(row.decided_by.display_name or row.decided_by.username) if row.decided_by else "",
    )


def _reasons(row: BillHold) -> tuple[str, ...]:
    words = {
        "total": format_money(row.total_fen),
        "usual": format_money(row.usual_fen),
        "times": _times(row),
        "bills": row.bills,
        "factor": f"{row.factor_e2 / 100:g}",
        "floor": format_money(row.floor_fen),
    }
    said = [
        _("本期 %(total)s 元，是最近一年 %(bills)s 张账单中位数 %(usual)s 元的 %(times)s 倍。") % words,
        _("超过 %(factor)s 倍、且高于 %(floor)s 元的账单先复核再发行。") % words,
    ]
    if any(one["is_estimated"] for one in row.usage):
        said.append(_("其中有估算的示数。"))
    if len({one["installation"] for one in row.usage}) > 1:
        said.append(_("本期换过表，或不止一只表。"))
    return tuple(said)


def _times(row: BillHold) -> str:
    return f"{row.total_fen * 10 // row.usual_fen / 10:.1f}" if row.usual_fen > 0 else "—"


def _asked(ids: list[int]) -> set[int]:
    """Which of these a second person is deciding on."""
    subjects = {f"bill-hold:{one}": one for one in ids}
    waiting = Approval.objects.filter(state=Approval.State.WAITING, subject__in=list(subjects))
    return {subjects[subject] for subject in waiting.values_list("subject", flat=True)}


def _row(row: BillHold, is_asked: bool) -> HeldBill:
    return HeldBill(
        hold_id=row.pk,
        account_no=row.account.account_no,
        account_id=row.account_id,
        unit=row.org_unit.shown_name,
        cycle=row.cycle,
        total_fen=row.total_fen,
        usual_fen=row.usual_fen,
        energy_kwh_e2=row.energy_kwh_e2,
        held_at=row.held_at,
        times=_times(row),
        state=row.state,
        state_label=_(BillHold.State(row.state).label),
        is_asked=is_asked,
    )
