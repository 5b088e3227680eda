"""
What billed periods differ by since something they were made from is another: rated again, kept, waiting for a bill.

For thousands of accounts at once: a fixed number of statements for each month that is rated again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from cis.models import Account, Bill, BillCorrection, CorrectionShare
from cis.operations import difference_bills
from cis.operations.rerating import Rerated, Share, live_bills, rerate_bills
from config.shared import approvals


@dataclass(frozen=True)
class Record:
    """What is kept of who corrects and why; with the approval where there was one."""

    reason: str
    asked_by_id: int | None
    at: datetime
    act: approvals.Act | None = None


@dataclass(frozen=True)
class Touched:
    """The days of an account in which something is another, both included, and why."""

    first: date
    last: date
    cause: BillCorrection.Cause

    def with_also(self, first: date, last: date) -> Touched:
        """These days too."""
        return Touched(min(self.first, first), max(self.last, last), self.cause)


@dataclass(frozen=True)
class Differences:
    """What bills differ by, in the order of their months; by account why one cannot be rated again."""

    found: tuple[Rerated, ...]
    refused: Mapping[int, str]
    own_bills: tuple[Bill, ...] = ()
    """of closed accounts, whose differences no later bill would take"""


def settle_differences(touched: Mapping[int, Touched], record: Record) -> Differences:
    """
    Rate again the bills whose periods touch these days, and those after them whose tier year goes on otherwise.

    Each difference is kept before the next month is rated: its tier year goes on from the corrected figure. Closed
    accounts get a bill of their own. Runs in the caller's transaction, which holds the balances of these accounts;
    where somebody is refused, it must undo what was done for them.
    """
    by_cycle: dict[int, list[Bill]] = {}
    for bill in live_bills({account: span.first for account, span in touched.items()}):
        by_cycle.setdefault(bill.cycle, []).append(bill)
    found: list[Rerated] = []
    refused: dict[int, str] = {}
    heads: dict[int, int] = {}
    going = set(touched)
    for cycle in sorted(by_cycle):
        bills = [bill for bill in by_cycle[cycle] if bill.account_id in going]
        if not bills:
            continue
        rerated, why = rerate_bills(bills)
        refused |= why
        changed: list[tuple[Rerated, BillCorrection.Cause]] = []
        for one in rerated:
            span = touched[one.bill.account_id]
            touches = one.bill.period_start <= span.last
            if one.is_changed:
                changed.append((one, span.cause if touches else BillCorrection.Cause.FOLLOWS))
            elif not touches:
                going.discard(one.bill.account_id)
        going -= why.keys()
        kept = BillCorrection.objects.bulk_create(
            [_row(one, cause, heads.get(one.bill.account_id), record) for one, cause in changed]
        )
        keep_shares({row.pk: one.shares for row, (one, _cause) in zip(kept, changed, strict=True)})
        for row in kept:
            heads.setdefault(row.account_id, row.pk)
        found += [one for one, _cause in changed]
    closed = Account.objects.filter(pk__in=list(heads), closed_on__isnull=False).values_list("pk", flat=True)
    own = difference_bills.issue(sorted(closed), by_id=record.asked_by_id, at=record.at) if closed else []
    return Differences(tuple(found), refused, tuple(own))


def _row(one: Rerated, cause: BillCorrection.Cause, follows_id: int | None, record: Record) -> BillCorrection:
    moves = one.energy_fen or one.fund_fen or one.shares
    return BillCorrection(
        account_id=one.bill.account_id,
        bill=one.bill,
        period_start=one.bill.period_start,
        follows_id=follows_id,
        cause=cause,
        reason=record.reason,
        tier_kwh_e2_before_then=one.then.tier_kwh_e2_before,
        tier_kwh_e2_before_now=one.now.tier_kwh_e2_before,
        energy_kwh_e2_then=one.then.energy_kwh_e2,
        energy_kwh_e2_now=one.now.energy_kwh_e2,
        usage_then=one.then.usage,
        usage_now=one.now.usage,
        lines_then=one.then.lines,
        lines_now=one.now.lines,
        energy_fen=one.energy_fen,
        fund_fen=one.fund_fen,
        amount_fen=one.amount_fen,
        asked_by_id=record.asked_by_id,
        asked_at=record.at,
        approval_id=record.act.approval_id if record.act else None,
        approved_by_id=record.act.decided_by_id if record.act else None,
        state=BillCorrection.State.STANDING if moves else BillCorrection.State.NOTHING,
    )


def keep_shares(shares: Mapping[int, Sequence[Share]]) -> None:
    """
    Write down what of differences, by their ids, is of which fund or subsidy; in the transaction that keeps them.
    """
    CorrectionShare.objects.bulk_create(
        CorrectionShare(correction_id=correction_id, code=one.code, amount_fen=one.fen, energy_kwh_e2=one.kwh_e2)
        for correction_id, several in shares.items()
        for one in several
    )
