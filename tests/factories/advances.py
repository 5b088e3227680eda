"""A business that settles twice a month before the final bill."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings

from cis.collecting.advances import due_day
from cis.operations import advances
from cis.operations.billing import issue_bill_now
from cis.queries.advances import is_workday
from config.shared.periods import cycle_of
from tests.factories.arrears import SHANGHAI
from tests.factories.world import AccountIds, World

JANUARY = 202601
SIGNED = datetime(2026, 1, 2, 10, tzinfo=SHANGHAI)
TERMS = ((10, 333), (20, 333))
# 10 January 2026 is a Saturday.
DUE = (date(2026, 1, 12), date(2026, 1, 20))


def morning(day: date) -> datetime:
    """When the day's work is done."""
    return datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI)


def agree_on_advances(
    world: World,
    *,
    account: AccountIds | None = None,
    at: datetime = SIGNED,
    from_cycle: int = JANUARY,
    settlements: tuple[tuple[int, int], ...] = TERMS,
    monthly_fen: int | None = None,
) -> int:
    """The agreement, from January on with shares of the last bill where nothing else is named."""
    return advances.agree(
        account_id=(account or world.commercial).account_id,
        from_cycle=from_cycle,
        basis="last-bill" if monthly_fen is None else "amount",
        monthly_fen=monthly_fen,
        settlements=settlements,
        paper="分次 2026-001，合同柜 3",
        signed_by="周经理",
        signed_on=at.astimezone(settings.BILLING_TIME_ZONE).date(),
        by_id=world.manager_id,
        at=at,
    )


def ask_today(world: World, at: datetime) -> None:
    """The business pays half of a thousand yuan on this day of each month, and was asked for it."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    agree_on_advances(world, at=at, from_cycle=cycle_of(today), settlements=((today.day, 500),), monthly_fen=1_000_00)
    assert advances.demand_advances(at=morning(due_day(today, is_workday))) == 1


def bill(world: World, cycle: int, *, at: datetime = SIGNED) -> int:
    """The business's bill of a month; its id."""
    return issue_bill_now(account_id=world.commercial.account_id, cycle=cycle, issued_by_id=None, at=at)
