"""What customer information does when something happened."""

from __future__ import annotations

import logging

from django.utils import timezone

from cis.events import BillsIssued, DebtorTold, DisputeAnswered, DisputeNearsLimit, ReadingsAccepted
from cis.models import BillException, BillingRun
from cis.operations import billing, collecting_notices, dispute_notices, notices
from config.shared.events import handles

log = logging.getLogger(__name__)


@handles(ReadingsAccepted)
def bill_after_doubt(event: ReadingsAccepted) -> None:
    """
    The account's last doubt is resolved: bill it in a follow-up run, if its cycle has been run already.

    Later cycles that were run meanwhile and waited for this one follow in their order.
    """
    ran = BillingRun.objects.filter(cycle=event.cycle, kind=BillingRun.Kind.REGULAR).exists()
    if not ran:
        # The regular run will find the account like any other.
        return
    waiting = BillException.objects.filter(
        account_id=event.account_id, run__kind=BillingRun.Kind.REGULAR, run__cycle__gt=event.cycle
    )
    for cycle in [event.cycle, *waiting.order_by("run__cycle").values_list("run__cycle", flat=True).distinct()]:
        try:
            billing.issue_bill_now(
                account_id=event.account_id,
                cycle=cycle,
                issued_by_id=None,
                at=timezone.now(),
                kind=BillingRun.Kind.FOLLOW_UP,
            )
        except billing.AlreadyBilled:
            log.info("already billed", extra={"account": event.account_id, "cycle": cycle})
        except billing.CannotBill as refused:
            # Something else is missing; the exception of the regular run stays on the list with its reason.
            log.info("not billed yet", extra={"account": event.account_id, "reason": refused.facts.get("reason", "")})
            return


@handles(BillsIssued)
def tell_of_issued_bills(event: BillsIssued) -> None:
    """Tell customers that their bills are out; repeated, the same messages are found."""
    told = notices.tell_of_bills(run_id=event.run_id, shard=event.shard, at=timezone.now())
    log.info("bills announced", extra={"run": event.run_id, "shard": event.shard, "messages": told})


@handles(DebtorTold)
def tell_debtor(event: DebtorTold) -> None:
    """Send the message of a demand or a last notice; repeated, the same message is found."""
    collecting_notices.tell_debtor(step_id=event.step_id, at=timezone.now())


@handles(DisputeNearsLimit)
def tell_of_limit(event: DisputeNearsLimit) -> None:
    """Tell those who answer for the unit that a customer waits; repeated, the same messages are found."""
    told = dispute_notices.tell_overseers(dispute_id=event.dispute_id, stage=event.stage, at=timezone.now())
    log.info("limit of an answer", extra={"dispute": event.dispute_id, "stage": event.stage, "messages": told})


@handles(DisputeAnswered)
def tell_of_answer(event: DisputeAnswered) -> None:
    """Tell the customer; repeated, the same message is found."""
    dispute_notices.tell_answer(dispute_id=event.dispute_id, at=timezone.now())
