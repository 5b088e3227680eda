"""The proof that balances are read in a bounded number of steps; short and long form share it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from cis.operations import ledger
from cis.queries.ledger import AccountBalance, balance, balance_as_of
from tests.factories.big_account import fill_account, visits
from tests.factories.ledger import book
from tests.factories.world import small_world

FIRST_DAY = date(2026, 1, 1)
DAYS = 20
ROWS_ALLOWED, PAGES_ALLOWED = 150, 60


def balances_stay_cheap(owner: Any, *, legs: int) -> None:
    """Book so many transfers for one account, close the days, and count what balances visit."""
    world = small_world()
    account = world.residential.account_id
    fill_account(owner, account, legs, first_day=FIRST_DAY, days=DAYS)
    # Even while every day is open, the balance as of today needs none of them.
    with visits() as seen:
        assert balance_as_of(account, FIRST_DAY + timedelta(days=DAYS)).prepayment_fen == legs * 3
    assert seen.rows <= ROWS_ALLOWED, (seen.rows, seen.plans)
    last = FIRST_DAY + timedelta(days=DAYS - 1)
    ledger.close_days(closed_by_id=None, at=datetime(2026, 2, 20, 1, tzinfo=UTC))
    for _ in range(3):
        book(account, 7, on=last + timedelta(days=1), at=world.at)

    for is_analysed in (False, True):
        if is_analysed:
            owner.cursor().execute("ANALYZE cis_ledger_transfer, cis_ledger_balance, cis_ledger_day_balance")
        for ask, expected in (
            (lambda: balance(account), legs * 3 + 21),
            (lambda: balance_as_of(account, last + timedelta(days=9)), legs * 3 + 21),
            (lambda: balance_as_of(account, last), legs * 3),
            (lambda: balance_as_of(account, FIRST_DAY + timedelta(days=DAYS // 2 - 1)), legs * 3 // 2),
            (lambda: balance_as_of(account, FIRST_DAY - timedelta(days=1)), 0),
        ):
            with visits() as seen:
                answer = ask()

            assert answer == AccountBalance(receivable_fen=0, prepayment_fen=expected)
            assert seen.rows <= ROWS_ALLOWED, (seen.rows, seen.plans)
            assert seen.pages <= PAGES_ALLOWED, (seen.pages, seen.plans)
