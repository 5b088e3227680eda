"""Plans of equal monthly amounts: what they mean for bills, what falls due next, how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet, Sum

from cis.collecting.instalments import Part, Standing, stand
from cis.collecting.levelised import MONTHS, due_days, monthly_amount
from cis.models import Bill, BudgetPlan, LedgerTransfer, SupplyContract
from cis.models.ledger import TransferKind
from cis.rating import CannotPrice


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan and how it stands on a day; the difference of a settled one is what was billed less what was paid."""

    plan_id: int
    state: str
    state_word: str
    monthly_fen: int
    first_due_on: date
    last_due_on: date
    ended_on: date | None
    settle_due_on: date | None
    billed_fen: int | None
    paid_fen: int | None
    evidence: str
    next: Part | None

    @property
    def difference_fen(self) -> int | None:
        """More than zero is to be paid, less is prepaid."""
        return None if self.billed_fen is None or self.paid_fen is None else self.billed_fen - self.paid_fen


def offered_amount(account_id: int, *, on: date) -> int | None:
    """The equal amount that a home's last twelve monthly bills come to; None where there are not twelve."""
    homes = SupplyContract.PriceClass.RESIDENTIAL
    bills = Bill.objects.filter(account_id=account_id, period_end__lte=on, months=1, price_class=homes).order_by(
        "-cycle", "-revision"
    )
    newest: dict[int, int] = {}
    for cycle, fen in bills.values_list("cycle", "total_fen")[: 4 * MONTHS]:
        newest.setdefault(cycle, fen)
    try:
        return monthly_amount(list(newest.values())[:MONTHS])
    except CannotPrice:
        return None


def plans_of(account_ids: Sequence[int] | QuerySet[Any, Any]) -> list[BudgetPlan]:
    """The plans of these accounts, oldest first; one statement."""
    return list(BudgetPlan.objects.filter(account_id__in=account_ids).order_by("pk"))


def covers(plan: BudgetPlan, due_on: date) -> bool:
    """Whether a bill that falls due then is one of the plan's."""
    return plan.signed_on < due_on <= plan.last_due_on


def billed_under(plan: BudgetPlan) -> int:
    """What the plan's bills came to."""
    bills = Bill.objects.filter(
        account_id=plan.account_id, due_on__gt=plan.signed_on, due_on__lte=plan.last_due_on
    ).filter(~Q(pk__in=LedgerTransfer.objects.filter(kind=TransferKind.BILL_CANCELLED).values("document_id")))
    fen: int = bills.aggregate(fen=Sum("total_fen"))["fen"] or 0
    return fen


def paid_since(account_id: int, since: datetime) -> int:
    """What an account paid since a moment, less what was taken back."""
    sums = dict(
        LedgerTransfer.objects.filter(
            account_id=account_id,
            kind__in=[TransferKind.PAYMENT_RECEIVED, TransferKind.PAYMENT_REVERSED],
            booked_at__gte=since,
        )
        .values_list("kind")
        .annotate(fen=Sum("amount_fen"))
    )
    return int(sums.get(TransferKind.PAYMENT_RECEIVED, 0)) - int(sums.get(TransferKind.PAYMENT_REVERSED, 0))


def standing_of(plan: BudgetPlan, *, on: date) -> Standing:
    """How a plan stands at the end of the day before `on`."""
    parts = [Part(day, plan.monthly_fen) for day in due_days(plan.first_due_on)]
    paid = min(paid_since(plan.account_id, plan.made_at), plan.monthly_fen * MONTHS)
    return stand(parts, left_fen=plan.monthly_fen * MONTHS - paid, on=on)


def list_plans(account_id: int, *, on: date) -> tuple[PlanRow, ...]:
    """The account's plans, newest first."""
    return tuple(
        PlanRow(
            plan_id=plan.pk,
            state=plan.state,
            state_word=plan.get_state_display(),
            monthly_fen=plan.monthly_fen,
            first_due_on=plan.first_due_on,
            last_due_on=plan.last_due_on,
            ended_on=plan.ended_on,
            settle_due_on=plan.settle_due_on,
            billed_fen=plan.billed_fen,
            paid_fen=plan.paid_fen,
            evidence=plan.evidence,
            next=standing_of(plan, on=on).next if plan.state == BudgetPlan.State.KEPT else None,
        )
        for plan in reversed(plans_of([account_id]))
    )
