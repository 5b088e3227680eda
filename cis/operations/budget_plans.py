"""
Equal monthly amounts: signed for a year, kept or broken, settled once.

Nothing of billing changes: payments pay the open bills, what is over is prepayment and meets the next bill. While the
plan is kept its bills are not chased; after the last of its days it is settled, and what is left falls due.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.collecting.late_fee_bill import terms_in_force
from cis.collecting.levelised import due_days
from cis.models import Account, BudgetPlan
from cis.operations import ledger
from cis.queries import dues
from cis.queries.budget_plans import billed_under, offered_amount, paid_under, standing_of, standings_of_plans
from cis.queries.late_fees import published
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.permissions import is_within


class NoPlanOffered(Refused):
    """Twelve months of bills are not there, something is owed, or a plan is kept already."""

    code = "no-plan-offered"


class BadPlanDay(BadInput):
    """The first day is not in the next two months, or nothing proves the signature."""

    code = "bad-plan-day"


def sign_plan(
    *, account_id: int, first_on: date, evidence: str, by_id: int, at: datetime, within: Sequence[str] | None = None
) -> int:
    """
    Agree on an equal amount from the last twelve bills, due on this day of each month for a year; the plan's id.

    :raises NotFound: there is no such account within the organisation paths
    :raises NoPlanOffered: there is too little history, something is owed or prepaid, or a plan is kept
    :raises BadPlanDay: the day or the evidence is missing or wrong
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic():
        account = Account.objects.select_related("org_unit").filter(pk=account_id).first()
        if account is None or (within is not None and not is_within(account.org_unit.path, within)):
            raise NotFound(_("没有找到这个户号，请核对后再试。"))
        balances = ledger.lock_balances([account_id])
        if not today < first_on <= today + timedelta(days=62) or not evidence.strip():
            text = _("首期要在今后两个月之内，并写明谁签的字。")
            raise BadPlanDay(text, errors=[{"pointer": "/first_on", "detail": text}])
        amount = offered_amount(account_id, on=today)
        kept = BudgetPlan.objects.filter(account_id=account_id, state=BudgetPlan.State.KEPT).exists()
        # With clean books what is left after a year is exactly what was billed less what was paid.
        is_clean = balances[account_id] == (0, 0) and not dues.to_pay_fen(account_id=account_id, on=today)
        if amount is None or kept or not is_clean:
            raise NoPlanOffered(_("要有最近十二个月的账单，没有欠费和预存，也没有正在履行的均衡交费，才能签。"))
        return BudgetPlan.objects.create(
            account=account,
            monthly_fen=amount,
            signed_on=today,
            first_due_on=first_on,
            last_due_on=due_days(first_on)[-1],
            evidence=evidence.strip()[:200],
            made_by_id=by_id,
            made_at=at,
        ).pk


def look_at_plans(*, at: datetime) -> dict[str, int]:
    """
    End plans whose amount was missed, settle those whose year is over; how many of each. Repeated, nothing is done.

    All kept plans are looked at in two statements; only those that end are locked.

    A settled plan keeps what was billed and what was paid; the difference is what is open, or what is prepaid.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    ended = {"settled": 0, "broken": 0}
    kept = list(BudgetPlan.objects.filter(state=BudgetPlan.State.KEPT).order_by("account_id"))
    standings = standings_of_plans(kept, on=today)
    for plan in kept:
        if standings[plan.pk].missed_on is not None or today > plan.last_due_on:
            state = _end(plan.pk, today=today)
            if state:
                ended[state] += 1
    return ended


def _end(plan_id: int, *, today: date) -> str:
    """Look at one plan under the lock of its account's money; its new state, "" where it goes on."""
    with transaction.atomic():
        plan = BudgetPlan.objects.get(pk=plan_id)
        ledger.lock_balances([plan.account_id])
        plan.refresh_from_db()
        standing = standing_of(plan, on=today)
        if plan.state != BudgetPlan.State.KEPT or (standing.missed_on is None and today <= plan.last_due_on):
            return ""
        if standing.missed_on is not None:
            plan.state, plan.ended_on = BudgetPlan.State.BROKEN, standing.missed_on
        else:
            entry = terms_in_force(published("levelised"), on=today, province=settings.COLLECTING_PROVINCE or None)
            plan.state, plan.ended_on = BudgetPlan.State.SETTLED, plan.last_due_on
            plan.settle_due_on = today + timedelta(days=int(entry["settle_days"]))
            plan.billed_fen, plan.paid_fen = billed_under(plan), paid_under([plan])[plan.pk]
        plan.save(update_fields=["state", "ended_on", "settle_due_on", "billed_fen", "paid_fen"])
        return str(plan.state)
