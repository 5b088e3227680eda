"""Plans of equal monthly amounts: what they mean for bills, what falls due next, how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
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


_PAID = """
SELECT p.id, sum(CASE WHEN t.kind = %(received)s THEN t.amount_fen ELSE -t.amount_fen END)::int8
FROM cis_budget_plan p JOIN cis_ledger_transfer t ON t.account_id = p.account_id AND t.booked_at >= p.made_at
WHERE p.id = ANY(%(plans)s) AND t.kind IN (%(received)s, %(reversed)s, %(refunded)s) GROUP BY 1
"""


def paid_under(plans: Sequence[BudgetPlan]) -> dict[int, int]:
    """What was paid since these plans were made, less what was taken or given back, by their ids; one statement."""
    ids = [plan.pk for plan in plans]
    asked: dict[str, Any] = {
        "plans": ids,
        "received": int(TransferKind.PAYMENT_RECEIVED),
        "reversed": int(TransferKind.PAYMENT_REVERSED),
        "refunded": int(TransferKind.PREPAYMENT_REFUNDED),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PAID, asked)
        found: dict[int, int] = dict(cursor.fetchall())
    return dict.fromkeys(ids, 0) | found


def standings_of_plans(plans: Sequence[BudgetPlan], *, on: date) -> dict[int, Standing]:
    """How plans stand at the end of the day before `on`, by their ids; one statement."""
    paid = paid_under(plans)
    return {
        plan.pk: stand(
            [Part(day, plan.monthly_fen) for day in due_days(plan.first_due_on)],
            left_fen=plan.monthly_fen * MONTHS - min(paid[plan.pk], plan.monthly_fen * MONTHS),
            on=on,
        )
        for plan in plans
    }


def standing_of(plan: BudgetPlan, *, on: date) -> Standing:
    """How a plan stands at the end of the day before `on`."""
    return standings_of_plans([plan], on=on)[plan.pk]


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
