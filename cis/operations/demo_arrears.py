"""The demonstration's arrears: a case for every overdue bill, some of them under way."""

from __future__ import annotations

from datetime import date, datetime

from cis.models import ArrearsCase
from cis.operations import collecting, credit
from config.shared.models import User

# What was found out about the oldest debts, in the order of the list.
_CAUSES = ("forgotten", "cash", "moved", "closed-down", "poverty", "unreached")


def load(*, today: date, at: datetime) -> None:
    """Open the cases of the day; the cause of the oldest is known and they were called. Repeated, nothing is added."""
    del today
    collecting.open_cases(at=at)
    credit.propose(at=at)
    collector = User.objects.filter(username="accountant").first()
    if collector is None:
        return
    oldest = ArrearsCase.objects.filter(closed_at=None).order_by("oldest_due_on", "pk")[: len(_CAUSES)]
    for case, cause in zip(list(oldest), _CAUSES, strict=False):
        if case.cause:
            continue
        collecting.record_cause(case_id=case.pk, cause=cause, evidence="电话回访", by_id=collector.pk, at=at)
        collecting.record_demand(
            case_id=case.pk, channel="phone", evidence="电话催交，本人接听", by_id=collector.pk, at=at
        )
