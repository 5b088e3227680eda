"""Limits on what accounts use, with how far the running period is, and who passed one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from cis.models import UseLimit, UseLimitNotice
from cis.queries.running_bills import running_bill
from config.shared.permissions import in_scope


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit and what was used so far; 0.01 kWh or fen."""

    measure: str
    measure_word: str
    is_money: bool
    amount: int
    warn_percent: int
    by_utility: bool
    reason: str
    used: int | None
    period_start: date | None

    @property
    def used_percent(self) -> int | None:
        """Of the limit, rounded down."""
        return None if self.used is None else self.used * 100 // self.amount

    @property
    def kind(self) -> str:
        """Of the chip."""
        if self.used_percent is None or self.used is None:
            return "neutral"
        if self.used > self.amount:
            return "bad"
        return "warn" if self.used_percent >= self.warn_percent else "good"


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A limit that was near or passed."""

    account_no: str
    customer_name: str
    unit: str
    stage: str
    stage_word: str
    is_money: bool
    by_utility: bool
    amount: int
    used: int
    period_start: date
    noted_at: datetime


def limits_of(account_id: int, *, today: date) -> list[LimitRow]:
    """What stands for an account."""
    rows = list(UseLimit.objects.filter(account_id=account_id, ended_at=None).order_by("by_utility", "measure"))
    bill = running_bill(account_id, today=today) if rows else None
    found = []
    for row in rows:
        is_money = row.measure == UseLimit.Measure.YUAN
        used = None
        if bill is not None:
            used = bill.so_far_fen if is_money else (bill.so_far_kwh_e2 if bill.days_known else None)
        found.append(
            LimitRow(
                row.measure,
                _(UseLimit.Measure(row.measure).label),
                is_money,
                row.amount,
                row.warn_percent,
                row.by_utility,
                row.reason,
                used,
                bill.period_start if bill else None,
            )
        )
    return found


def list_notices(
    *, within: Sequence[str] | None = None, account_id: int | None = None, limit: int = 200
) -> list[NoticeRow]:
    """What was near or passed, newest first: of an account, or of accounts within these organisation paths."""
    rows = UseLimitNotice.objects.select_related("limit__account__customer", "limit__account__org_unit").filter(
        in_scope("limit__account__org_unit", within)
    )
    if account_id is not None:
        rows = rows.filter(limit__account_id=account_id)
    return [
        NoticeRow(
            row.limit.account.account_no,
            row.limit.account.customer.name,
            row.limit.account.org_unit.shown_name,
            row.stage,
            _(UseLimitNotice.Stage(row.stage).label),
            row.limit.measure == UseLimit.Measure.YUAN,
            row.limit.by_utility,
            row.limit.amount,
            row.used,
            row.period_start,
            row.noted_at,
        )
        for row in rows.order_by("-noted_at", "-pk")[:limit]
    ]
