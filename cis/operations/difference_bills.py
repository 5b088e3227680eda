"""
Bills of closed accounts for what was found after their last bill: differences and cases, and nothing else.

What is asked is a bill like any other, due and payable. What is given back becomes prepayment, which is refunded as
that of any closed account. Such a bill has no month of use (`months` 0) and stands on the day it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
from django.conf import settings

from cis.events import BillsIssued
from cis.models import Account, Bill, BillingRun, BillLine, SupplyContract
from cis.models.ledger import TransferKind
from cis.operations import bill_riders, ledger
from cis.operations.bill_riders import Riders
from cis.operations.ledger import Posting
from cis.queries.closing import closing_figures
from cis.queries.shard_rating import RatedShard
from cis.rating.columns import WHOLE
from config.shared.events import publish
from config.shared.periods import cycle_of

_INCOME = {
    SupplyContract.PriceClass.RESIDENTIAL: "INCOME_RESIDENTIAL",
    SupplyContract.PriceClass.COMMERCIAL: "INCOME_COMMERCIAL",
    SupplyContract.PriceClass.INDUSTRIAL: "INCOME_INDUSTRIAL",
    SupplyContract.PriceClass.AGRICULTURAL: "INCOME_AGRICULTURAL",
}


def income_name(price_class: int) -> str:
    """The name of a price class's income account."""
    return _INCOME[SupplyContract.PriceClass(price_class)]


def has_last_bill(account: Account) -> bool:
    """Whether an account is closed and billed to its end, so that no bill follows by itself."""
    closed_on = account.closed_on
    return closed_on is not None and (
        Bill.objects.filter(account_id=account.pk, period_end__gte=closed_on, months__gt=0).exists()
    )


def issue(account_ids: Sequence[int], *, by_id: int | None, at: datetime) -> list[Bill]:
    """
    Bill what waits for those of these accounts (ascending) that are closed and have their last bill.

    Who has only differences that come to nothing together gets no bill; they go on waiting.

    Runs in the caller's transaction, which holds their balances.
    """
    accounts = [one for one in Account.objects.filter(pk__in=account_ids).order_by("pk") if has_last_bill(one)]
    if not accounts:
        return []
    numbers = np.array([one.pk for one in accounts], dtype=np.int64)
    empty = _nothing(len(accounts))
    riders = bill_riders.waiting(numbers, empty, int(numbers[0]), int(numbers[-1]) + 1)
    if not len(riders):
        return []
    # What nets to nothing asks and gives nothing: it waits for what else is found, and no bill of 0.00 is issued.
    moved = np.zeros(len(accounts), dtype=np.int64)
    np.add.at(moved, riders.row, riders.energy_fen + riders.fund_fen + riders.penalty_fen)
    rows = np.unique(riders.row[moved[riders.row] != 0]).tolist()
    if not rows:
        return []
    riders = riders.of_rows(rows)
    shard = bill_riders.onto(empty, riders)
    business_date = ledger.open_business_date(at)
    run = BillingRun.objects.create(
        kind=BillingRun.Kind.DIFFERENCE,
        cycle=cycle_of(business_date),
        org_unit_id=accounts[rows[0]].org_unit_id if len(rows) == 1 else None,
        created_by_id=by_id,
        created_at=at,
        closed_at=at,
    )
    prepaid = ledger.lock_balances([accounts[row].pk for row in rows])
    bills: list[Bill] = []
    for row in rows:
        account, total = accounts[row], int(shard.total_fen[row])
        last = Bill.objects.filter(account_id=account.pk, months__gt=0).order_by("-period_start", "-revision")[0]
        day = _free_day(account.pk, business_date)
        bills.append(
            Bill(
                account=account,
                run=run,
                contract_id=last.contract_id,
                tariff_version_id=last.tariff_version_id,
                org_unit_id=account.org_unit_id,
                price_class=last.price_class,
                cycle=run.cycle,
                period_start=day,
                period_end=day + timedelta(days=1),
                months=0,
                people=last.people,
                energy_kwh_e2=0,
                total_fen=total,
                correction_fen=total,
                open_fen=total - min(total, prepaid[account.pk][1]),
                due_on=business_date + timedelta(days=settings.BILL_DUE_DAYS),
                issued_at=at,
            )
        )
    bills = Bill.objects.bulk_create(bills)
    bill_of_row = np.zeros(len(accounts), dtype=np.int64)
    bill_of_row[rows] = [bill.pk for bill in bills]
    _write_lines(shard, bill_of_row, numbers)
    _book(riders, bills, bill_of_row, numbers, run, business_date, at)
    _close(run, bills)
    publish(BillsIssued(run_id=run.pk, shard=0, cycle=run.cycle))
    return bills


def _nothing(accounts: int) -> RatedShard:
    """Bills of so many accounts without anything of their own."""
    none = np.empty(0, dtype=np.int64)
    zero = np.zeros(accounts, dtype=np.int64)
    return RatedShard(
        billed=np.arange(accounts),
        total_fen=zero,
        energy_kwh_e2=zero,
        line_row=none,
        line_code=none.astype(np.int16),
        line_quantity=none,
        line_price_e8=none,
        line_amount_fen=none,
        line_share=none,
        left_out={},
        tier_kwh_e2_before=zero,
    )


def _free_day(account_id: int, day: date) -> date:
    """The first day from this one on at which no bill of the account begins."""
    taken = set(
        Bill.objects.filter(account_id=account_id, period_start__gte=day).values_list("period_start", flat=True)
    )
    while day in taken:
        day += timedelta(days=1)
    return day


def _write_lines(shard: RatedShard, bill_of_row: np.ndarray[tuple[int], np.dtype[np.int64]], accounts: object) -> None:
    numbers = np.asarray(accounts)
    seq: dict[int, int] = {}
    lines: list[BillLine] = []
    for at, row in enumerate(shard.line_row.tolist()):
        seq[row] = seq.get(row, 0) + 1
        share = int(shard.line_share[at])
        lines.append(
            BillLine(
                bill_id=int(bill_of_row[row]),
                seq=seq[row],
                account_id=int(numbers[row]),
                code=int(shard.line_code[at]),
                quantity=int(shard.line_quantity[at]),
                price_e8=int(shard.line_price_e8[at]),
                amount_fen=int(shard.line_amount_fen[at]),
                share=None if share == WHOLE else share,
            )
        )
    BillLine.objects.bulk_create(lines)


def _book(
    riders: Riders,
    bills: Sequence[Bill],
    bill_of_row: np.ndarray[tuple[int], np.dtype[np.int64]],
    accounts: np.ndarray[tuple[int], np.dtype[np.int64]],
    run: BillingRun,
    business_date: date,
    at: datetime,
) -> None:
    income = np.zeros(len(accounts), dtype=np.int64)
    class_of = {bill.pk: bill.price_class for bill in bills}
    for row, bill_id in enumerate(bill_of_row.tolist()):
        if bill_id:
            income[row] = ledger.control_id(income_name(class_of[bill_id]))
    applied = [
        Posting(
            int(TransferKind.PREPAYMENT_APPLIED),
            bill.pk,
            1,
            bill.account_id,
            ledger.prepayment_id(bill.account_id),
            ledger.receivable_id(bill.account_id),
            bill.total_fen - bill.open_fen,
        )
        for bill in bills
        if bill.total_fen > bill.open_fen
    ]
    ledger.post(applied, booked_at=at, business_date=business_date, actor_id=run.created_by_id, run_id=run.pk)
    bill_riders.book(
        riders,
        bill_of_row=bill_of_row,
        account=accounts,
        income_of_row=income,
        at=at,
        business_date=business_date,
        run_id=run.pk,
        actor_id=run.created_by_id,
    )


def _close(run: BillingRun, bills: Sequence[Bill]) -> None:
    came_to = {
        "bills": len(bills),
        "total_fen": sum(bill.total_fen for bill in bills),
        "energy_kwh_e2": 0,
        "stretches": 0,
        "metered_kwh_e2": 0,
        "accepted_kwh_e2": 0,
    }
    run.closing = closing_figures(run_id=run.pk, shards=[came_to], is_preview=False)
    run.save(update_fields=["closing"])
