"""Bank statements: one of the utility's accounts, and days of it as the bank tells them."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

from payments.matching.bank_statement import StatementLine, write_statement
from payments.models import BankAccount, BankLine, BankStatement, Cheque
from payments.operations.bank_accounts import add_bank_account
from payments.operations.cheques import Paper, take_cheque
from payments.operations.claims import claim_sub_accounts
from payments.operations.statements import keep_statement
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import World

OURS = "420000000000001"


def line(serial: str, fen: int, *, day: date = date(2026, 2, 2), **more: str) -> StatementLine:
    """A movement at noon; `more`: name, account, sub_account, remark."""
    return StatementLine(serial, datetime(day.year, day.month, day.day, 4, 0, tzinfo=UTC), fen, 0, **more)


def opening_of(number: str = OURS) -> int:
    """Where the account's next statement begins."""
    last = BankStatement.objects.filter(bank_account__number=number).order_by("-day").first()
    return last.closing_fen if last else 1_000_000_00


def keep(world: World, lines: list[StatementLine], *, day: date = date(2026, 2, 2), at: datetime | None = None) -> int:
    """A day's statement, kept, sub-accounts not looked at; its id."""
    now = at or world.at
    if not BankAccount.objects.filter(number=OURS).exists():
        add_bank_account(number=OURS, bank="工商银行", by_id=world.accountant_id, at=now)
    raw = write_statement(OURS, day, opening_of(), lines)
    kept = keep_statement(name=f"{day}.csv", file=io.BytesIO(raw), by_id=world.accountant_id, at=now)
    return kept.statement_id


def bring(world: World, lines: list[StatementLine], *, day: date = date(2026, 2, 2), at: datetime | None = None) -> int:
    """A day's statement, kept, what came under sub-accounts booked; its id."""
    statement_id = keep(world, lines, day=day, at=at)
    claim_sub_accounts(statement_id=statement_id, at=at or world.at)
    return statement_id


def add_transfer(world: World, at: datetime) -> dict[str, int]:
    """A statement of yesterday with a sum that the first account may have sent; ids for addresses."""
    day = at.date() - timedelta(days=1)
    statement_id = bring(
        world,
        [
            line("WALK01", 88_00, day=day, name="江汉商贸", account="622200001", remark=world.residential.account_no),
            line("WALK02", -5_00, day=day, name="手续费"),
        ],
        day=day,
        at=at,
    )
    return {"statement_id": statement_id, "line_id": BankLine.objects.get(serial="WALK01").pk}


def add_cheque(world: World, at: datetime, *, fen: int = 30_00, number: str = "30504420", cycle: int = 202001) -> int:
    """A cheque for a bill of the shop of a cycle long past, taken by the first clerk; its id."""
    issue(world, fen, account=world.commercial, cycle=cycle, due_on=NOT_YET_DUE)
    taken = take_cheque(
        account_id=world.commercial.account_id,
        amount_fen=fen,
        paper=Paper(number, "中国银行东湖支行", "江汉商贸有限公司", at.date() - timedelta(days=1)),
        form_key=number * 2,
        org_unit_id=world.hall_a_id,
        received_by_id=world.clerk_a_id,
        at=at,
    )
    return Cheque.objects.get(payment_id=taken.payment_id).pk
