"""The demonstration's works pay twice a month before the monthly bill."""

from __future__ import annotations

from datetime import date, datetime, time

from django.conf import settings

from cis.collecting.advances import agreed_day, due_day
from cis.models import Account, AdvanceAgreement
from cis.operations import advances
from cis.operations.demo_works import ACCOUNT_NO
from cis.queries.advances import is_workday
from config.shared.models import User
from config.shared.periods import cycle_of

_SETTLEMENTS = ((10, 333), (20, 333))


def load(*, today: date, at: datetime) -> None:
    """Agree from this month on and ask for what has fallen due of it; what is there already stays as it is."""
    account = Account.objects.filter(account_no=ACCOUNT_NO).first()
    clerk = User.objects.filter(username="accountant").first()
    if account is None or clerk is None or AdvanceAgreement.objects.filter(account=account).exists():
        return
    cycle = cycle_of(today)
    first = agreed_day(cycle, 1)
    advances.agree(
        account_id=account.pk,
        from_cycle=cycle,
        basis=AdvanceAgreement.Basis.LAST_BILL,
        monthly_fen=None,
        settlements=_SETTLEMENTS,
        paper="分次结算协议 001，合同柜 3",
        signed_by="财务部 周经理",
        signed_on=first,
        by_id=clerk.pk,
        at=at,
    )
    for day, _share in _SETTLEMENTS:
        due_on = due_day(agreed_day(cycle, day), is_workday)
        if due_on < today:
            advances.demand_advances(at=datetime.combine(due_on, time(9), tzinfo=settings.BILLING_TIME_ZONE))
    advances.demand_advances(at=at)
