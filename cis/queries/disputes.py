"""Customers' questions about bills, readings and meters: lists with their clocks, one of them, and how many in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from cis.models import BillDispute
from cis.queries.dispute_clock import DayCount, count_days
from config.shared.errors import NotFound
from config.shared.models import User
from config.shared.periods import add_months, first_day


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """One question; `clock` is missing for what is older than the clock."""

    dispute_id: int
    kind: str
    kind_word: str
    account_no: str
    account_id: int
    customer_name: str
    unit: str
    bill_no: str
    meter_no: str
    channel_word: str
    reason: str
    opened_by: str
    opened_at: datetime
    clock: DayCount | None
    limit_source: str
    is_open: bool
    result: str
    result_word: str
    error_e2: int | None
    outcome: str
    closed_by: str
    closed_at: datetime | None
    back_bill_id: int | None

    @property
    def is_test(self) -> bool:
        """Whether the meter is to be tested."""
        return self.kind == BillDispute.Kind.METER_TEST

    @property
    def asks_for_back_bill(self) -> bool:
        """Whether a fault was found that no case settles yet."""
        return self.result == BillDispute.Result.FAULT and self.back_bill_id is None


@dataclass(frozen=True, slots=True)
class InTime:
    """A month of one unit: how many were asked, answered, in time, late, and still open."""

    cycle: int
    unit_id: int
    unit: str
    asked: int
    answered: int
    in_time: int
    late: int
    """answered late, or open and past the limit"""
    waiting: int
    """open and within the limit"""

    @property
    def percent_e2(self) -> int | None:
        """Hundredths of a per cent in time of those that are answered or past their limit; None where none is."""
        decided = self.in_time + self.late
        return (self.in_time * 10_000 + decided // 2) // decided if decided else None


def get_dispute(dispute_id: int, *, at: datetime) -> DisputeRow:
    """
    One question. Acts on customers hold everywhere.

    :raises NotFound: there is none
    """
    found = _rows().filter(pk=dispute_id).first()
    if found is None:
        raise NotFound(_("没有这件事。"))
    return _row(found, at)


def list_of_account(
    account_id: int, *, at: datetime, opened_by_id: int | None = None, limit: int = 20
) -> tuple[DisputeRow, ...]:
    """An account's questions, or those that one person asked, newest first, in one statement."""
    rows = _rows().filter(account_id=account_id)
    if opened_by_id is not None:
        rows = rows.filter(opened_by_id=opened_by_id)
    return tuple(_row(row, at) for row in rows.order_by("-opened_at", "-pk")[:limit])


def list_waiting(*, within: Sequence[str], at: datetime, limit: int = 200) -> tuple[list[DisputeRow], int]:
    """What waits for an answer here, the most urgent first, and how many there are."""
    rows = _rows().filter(_is_ours(within), closed_at=None)
    shown = rows.order_by("due_at", "opened_at", "pk")[:limit]
    return [_row(row, at) for row in shown], rows.count()


def _is_ours(within: Sequence[str]) -> Q:
    """Of accounts of these units, of the unit that a hall belongs to, or noted by people of these units."""
    ours = Q(pk__in=())
    for path in within:
        steps = [step for step in path.split("/") if step]
        above = ["/" + "/".join(steps[:number]) + "/" for number in range(1, len(steps))]
        ours |= Q(account__org_unit__path__startswith=path) | Q(opened_by__org_unit__path__startswith=path)
        ours |= Q(account__org_unit__path__in=above)
    return ours


# A month is that of the day it was asked, in the billing time zone. Withdrawn ones had no limit to keep.
_IN_TIME = """
SELECT to_char(d.opened_at AT TIME ZONE %(zone)s, 'YYYYMM')::int AS cycle, u.id, u.name, count(*),
       count(d.closed_at), count(*) FILTER (WHERE d.closed_at < d.due_at),
       count(*) FILTER (WHERE coalesce(d.closed_at, %(at)s) >= d.due_at),
       count(*) FILTER (WHERE d.closed_at IS NULL AND d.due_at > %(at)s)
FROM cis_bill_dispute d JOIN cis_account a ON a.id = d.account_id JOIN shared_org_unit u ON u.id = a.org_unit_id
WHERE d.opened_at >= %(since)s AND d.opened_at < %(until)s AND d.due_at IS NOT NULL AND d.result <> 'withdrawn'
  AND u.path LIKE ANY(%(paths)s) AND (%(kind)s = '' OR d.kind = %(kind)s)
GROUP BY 1, 2, 3 ORDER BY 1 DESC, u.path
"""


def in_time_by_month(*, from_cycle: int, to_cycle: int, kind: str, within: Sequence[str], at: datetime) -> list[InTime]:
    """How many of each month and unit were answered within their limit, in one statement; `kind` "" is all."""
    params: dict[str, Any] = {
        "zone": str(settings.BILLING_TIME_ZONE),
        "at": at,
        "since": _midnight(first_day(from_cycle)),
        "until": _midnight(first_day(add_months(to_cycle, 1))),
        "paths": [f"{path}%" for path in within],
        "kind": kind,
    }
    with connection.cursor() as cursor:
        cursor.execute(_IN_TIME, params)
        return [InTime(*row) for row in cursor.fetchall()]


def list_late(*, from_cycle: int, to_cycle: int, kind: str, within: Sequence[str], at: datetime) -> list[DisputeRow]:
    """The questions of these months that passed their limit, open or answered late, newest first; at most 200."""
    inside = Q(pk__in=())
    for path in within:
        inside |= Q(account__org_unit__path__startswith=path)
    rows = (
        _rows()
        .filter(
            inside,
            Q(closed_at=None, due_at__lte=at) | Q(closed_at__gte=F("due_at")),
            opened_at__gte=_midnight(first_day(from_cycle)),
            opened_at__lt=_midnight(first_day(add_months(to_cycle, 1))),
        )
        .exclude(result=BillDispute.Result.WITHDRAWN)
    )
    if kind:
        rows = rows.filter(kind=kind)
    return [_row(row, at) for row in rows.order_by("-opened_at", "-pk")[:200]]


def of_back_bill(dispute_id: int, *, account_id: int) -> dict[str, str]:
    """What a back-billing case begins with where a question of the account found a fault: story and measured error."""
    found = BillDispute.objects.filter(pk=dispute_id, account_id=account_id, result=BillDispute.Result.FAULT).first()
    if found is None:
        return {}
    told = {"story": found.outcome}
    if found.error_e2 is not None:
        sign = "-" if found.error_e2 < 0 else ""
        told["error_pct"] = f"{sign}{abs(found.error_e2) // 100}.{abs(found.error_e2) % 100:02d}"
    return told


def report_rows(rows: Sequence[InTime]) -> Iterator[tuple[str, ...]]:
    """The report as rows of a file, the header first."""
    yield ("month", "unit", "asked", "answered", "in_time", "late", "waiting", "in_time_percent")
    for row in rows:
        share = "" if row.percent_e2 is None else f"{row.percent_e2 // 100}.{row.percent_e2 % 100:02d}"
        counts = (row.asked, row.answered, row.in_time, row.late, row.waiting)
        yield (str(row.cycle), row.unit, *map(str, counts), share)


def meters_of(account_id: int, *, day: date) -> list[tuple[int, str]]:
    """(installation, number) of the meters that hang at an account on a day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.id, m.meter_no FROM cis_account_point ap "
            "JOIN cis_meter_installation i ON i.point_id = ap.point_id "
            "JOIN cis_meter m ON m.id = i.meter_id WHERE ap.account_id = %s AND ap.valid @> %s::date "
            "AND i.valid @> %s::date ORDER BY 2",
            [account_id, day, day],
        )
        return [(pk, meter_no) for pk, meter_no in cursor.fetchall()]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), settings.BILLING_TIME_ZONE)


def _rows() -> QuerySet[BillDispute]:
    return BillDispute.objects.select_related(
        "account__customer", "account__org_unit", "bill", "installation__meter", "opened_by", "closed_by"
    )


def _row(row: BillDispute, at: datetime) -> DisputeRow:
    clock = None
    if row.due_at is not None and row.warn_at is not None and row.limit_days is not None:
        clock = count_days(
            asked_at=row.opened_at,
            due=row.due_at,
            of=row.limit_days,
            now=at,
            warned_from=row.warn_at,
            closed_at=row.closed_at,
        )
    return DisputeRow(
        dispute_id=row.pk,
        kind=row.kind,
        kind_word=_(BillDispute.Kind(row.kind).label),
        account_no=row.account.account_no,
        account_id=row.account_id,
        customer_name=row.account.customer.name,
        unit=row.account.org_unit.shown_name,
        bill_no=str(row.bill) if row.bill else "",
        meter_no=row.installation.meter.meter_no if row.installation else "",
        channel_word=_(BillDispute.Channel(row.channel).label),
        reason=row.reason,
        opened_by=_name(row.opened_by),
        opened_at=row.opened_at,
        clock=clock,
        limit_source=row.limit_source,
        is_open=row.closed_at is None,
        result=row.result,
        result_word=_(BillDispute.Result(row.result).label) if row.result else "",
        error_e2=row.error_e2,
        outcome=row.outcome,
        closed_by=_name(row.closed_by),
        closed_at=row.closed_at,
        back_bill_id=row.back_bill_id,
    )


def _name(user: User | None) -> str:
    """Customers stand without a name: whose account it is, says who they are."""
    if user is None or user.kind == User.Kind.CUSTOMER:
        return ""
    return user.display_name or user.username
