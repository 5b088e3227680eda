"""What debtors are told by message."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from cis.collecting.disconnection import What
from cis.messages import DEBT_DEMANDED, DISCONNECTION_NEAR
from cis.models import ArrearsStep
from cis.operations.notices import tell_customer
from cis.queries.collecting_facts import facts_of
from config.shared.display_formats import format_moment
from config.shared.money import yuan_from_fen


def tell_debtor(*, step_id: int, at: datetime) -> int | None:
    """
    Send the message that goes with a step, once; gives its id, None where no way leads to the customer.

    Who has paid meanwhile is told nothing.
    """
    step = ArrearsStep.objects.select_related("case__account").get(pk=step_id)
    facts = facts_of([step.case], at=at)[step.case_id]
    if facts.situation.overdue_fen <= 0:
        return None
    parameters = {
        "tail": step.case.account.account_no[-4:],
        "yuan": yuan_from_fen(facts.situation.overdue_fen),
    }
    if step.what == What.DEMAND:
        template, parameters["due"] = DEBT_DEMANDED, str(facts.situation.oldest_due_on)
    elif facts.standing.announced_at is not None:
        template = DISCONNECTION_NEAR
        parameters["moment"] = format_moment(facts.standing.announced_at, settings.BILLING_TIME_ZONE)
    else:
        # Something has stopped it since: there is nothing to warn of.
        return None
    return tell_customer(
        account_id=step.case.account_id,
        template=template.code,
        parameters=parameters,
        dedupe_key=f"arrears-step:{step_id}",
        happened_at=step.at,
        at=at,
    )
