"""The demonstration's fee control: a handful of homes under a signed agreement, some of them running low."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from cis.demo.paper import PAPER
from cis.models import Account, FeeControlAgreement, PortalAccess
from cis.operations import fee_control
from cis.operations.fee_control_acts import act_on
from cis.operations.fee_control_days import balances_of, estimate
from cis.queries.running_bills import running_bills
from config.shared.models import User

_HOW_MANY, _LOOKED_AT = 8, 400
_TERMS = ("SG-PREPAID", "CSG-PREPAID")


def load(*, today: date, at: datetime) -> None:
    """
    Agreements of the first homes whose running bill can be told and that owe nothing, the portal's own among them, and
    their balance of the day with what follows from it. Repeated, nothing is added.
    """
    clerk = User.objects.filter(username="clerk1").first()
    if clerk is None:
        return
    if not FeeControlAgreement.objects.exists():
        with transaction.atomic():
            for number, account_no in enumerate(_candidates(today)):
                fee_control.agree(
                    account_no=account_no,
                    terms_code=_TERMS[number % len(_TERMS)],
                    from_on=today - timedelta(days=20),
                    until_on=None,
                    signed_by="示范户主",
                    signed_on=today - timedelta(days=21),
                    paper=PAPER,
                    paper_name="示范费控协议.pdf",
                    by_id=clerk.pk,
                    at=at,
                )
    ids = list(FeeControlAgreement.objects.order_by("account_id").values_list("account_id", flat=True))
    # What was to be told yesterday morning, and today.
    for day in (today - timedelta(days=1), today):
        moment = min(at, datetime.combine(day, time(8, 30), tzinfo=settings.BILLING_TIME_ZONE))
        with transaction.atomic():
            if estimate(ids, at=moment):
                act_on(ids, at=moment)


def _candidates(today: date) -> list[str]:
    """Account numbers of homes with a running bill, those whose holder uses the portal first."""
    owned = PortalAccess.objects.filter(
        account=OuterRef("pk"), role=PortalAccess.Role.OWNER, ended_at=None, user__is_active=True
    )
    homes = Account.objects.filter(state="open", customer__kind="person")
    ids = list(homes.order_by(Exists(owned).desc(), "pk").values_list("pk", flat=True)[:_LOOKED_AT])
    told = {bill.account_id: bill.account_no for bill in running_bills(ids, today=today) if bill.so_far_fen}
    money = balances_of(list(told))
    free = [account_id for account_id in ids if account_id in told and not money[account_id][0]]
    # Who uses the portal stands first; of the others those who have paid ahead.
    return [told[one] for one in sorted(free, key=lambda one: (one not in ids[:1], -money[one][1]))][:_HOW_MANY]
