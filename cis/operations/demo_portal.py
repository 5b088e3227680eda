"""People of the demonstration's portal: owners of a home and of a works, a tenant and somebody who pays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from cis.demo.people import made_up_phone
from cis.models import Account, Customer, PortalAccess, PortalPerson
from cis.operations.portal import person_of
from cis.operations.portal_bindings import Terms
from cis.operations.portal_counter import SeenDocument, bind_at_counter
from config.shared.models import User

_TENANT = made_up_phone(9_000_001)
_PAYER = made_up_phone(9_000_002)
_RENTED_FOR = timedelta(days=150)
# In the order in which they are shown; one person may be bound in several qualities.
_WHAT_FOR = {
    PortalAccess.Role.OWNER: "户主 · owner",
    PortalAccess.Role.TENANT: "租户 · tenant",
    PortalAccess.Role.PAYER: "代缴人 · pays for somebody",
}


@dataclass(frozen=True)
class DemoPerson:
    """Somebody who can come to the demonstration's portal by a code to this telephone."""

    telephone: str
    account_no: str
    what_for: str


def create_people(*, home: Account, works: Account, clerk: User, at: datetime) -> None:
    """Bind the home and the works to their holders, and the home to a tenant and a payer too; as a clerk would."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()

    def bind(account: Account, telephone: str, terms: Terms, document: SeenDocument | None = None) -> None:
        bind_at_counter(
            account_no=account.account_no,
            telephone=telephone,
            terms=terms,
            document=document,
            clerk_id=clerk.pk,
            org_unit_id=clerk.org_unit_id,
            at=at,
        )

    with transaction.atomic():
        for account in (home, works):
            holder = account.customer
            # An enterprise's papers are shown by whoever manages its account.
            name = holder.name if holder.kind == Customer.Kind.PERSON else "周经理"
            seen = SeenDocument("identity-card", holder.identity_no[-4:] or "0000", name)
            bind(account, holder.phone, Terms(PortalAccess.Role.OWNER), seen)
        bind(home, _TENANT, Terms(PortalAccess.Role.TENANT, from_on=today - _RENTED_FOR))
        bind(home, _PAYER, Terms(PortalAccess.Role.PAYER))
        person_of(made_up_phone(9_000_003), at=at)  # somebody who has bound nothing yet


def demo_people() -> list[DemoPerson]:
    """Who can come to the portal, with the account they see first."""
    telephones = {person.user_id: person.telephone for person in PortalPerson.objects.order_by("joined_at")[:50]}
    rows = (
        PortalAccess.objects.filter(user_id__in=telephones, ended_at=None, role__in=list(_WHAT_FOR))
        .select_related("account")
        .order_by("pk")
    )
    return [
        DemoPerson(telephones[row.user_id], row.account.account_no, _WHAT_FOR[PortalAccess.Role(row.role)])
        for row in rows
    ]
