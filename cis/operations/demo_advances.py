"""A works of the demonstration that pays on time pays twice a month before the monthly bill."""

from __future__ import annotations

from datetime import date, datetime, time

from django.conf import settings

from cis.collecting.advances import agreed_day, due_day
from cis.models import AdvanceAgreement, Bill, SupplyContract
from cis.operations import advances
from cis.queries.advances import is_workday
from config.shared.models import User
from config.shared.periods import add_months, cycle_of

# Days after the first settlement; the first was due the day before yesterday, so that one is paid and one is open.
_APART = 6
_SHARE = 333
_LAST_DAY = 31


def load(*, today: date, at: datetime) -> None:
    """Agree from this month on and ask for what has fallen due of it; what is there already stays as it is."""
    clerk = User.objects.filter(username="accountant").first()
    cycle = cycle_of(today)
    industry = SupplyContract.PriceClass.INDUSTRIAL
    last = Bill.objects.filter(cycle=add_months(cycle, -1), price_class=industry, open_fen=0, total_fen__gt=0)
    owing = Bill.objects.filter(open_fen__gt=0, price_class=industry).values("account_id")
    account_id = last.exclude(account_id__in=owing).order_by("account_id").values_list("account_id", flat=True).first()
    if account_id is None or clerk is None or AdvanceAgreement.objects.exists():
        return
    first = agreed_day(cycle, 1)
    day = max(1, today.day - 2)
    settlements = [(one, _SHARE) for one in (day, day + _APART) if one <= _LAST_DAY]
    advances.agree(
        account_id=account_id,
        from_cycle=cycle,
        basis=AdvanceAgreement.Basis.LAST_BILL,
        monthly_fen=None,
        settlements=settlements,
        paper="分次结算协议 001，合同柜 3",
        signed_by="财务部 周经理",
        signed_on=first,
        by_id=clerk.pk,
        at=at,
    )
    due_on = due_day(agreed_day(cycle, day), is_workday)
    if due_on < today:
        advances.demand_advances(at=datetime.combine(due_on, time(9), tzinfo=settings.BILLING_TIME_ZONE))
    advances.demand_advances(at=at)
