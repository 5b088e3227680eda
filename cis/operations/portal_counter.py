"""At the counter: a clerk who has the person and their papers before them binds an account and notes their name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.models import Account, PortalAccess
from cis.operations import real_names
from cis.operations.portal import mobile_number, person_of
from cis.operations.portal_bindings import OwnerNameDiffers, Terms, bind, fits_terms, is_holder
from cis.queries.customers import no_account


@dataclass(frozen=True, slots=True)
class SeenDocument:
    """What the clerk saw: the kind of document, the last places of its number, the name on it."""

    kind: str
    end: str
    name: str


def bind_at_counter(
    *,
    account_no: str,
    telephone: str,
    terms: Terms,
    document: SeenDocument | None,
    clerk_id: int,
    org_unit_id: int | None,
    at: datetime,
) -> int:
    """
    Bind an account to the person with this telephone, made where there is none; gives the id of the binding.

    With a document their real name is noted too; an owner needs one, now or from an earlier visit.

    :raises NotFound: there is no such account
    :raises TelephoneUnfit: it is no mobile number
    :raises TermsUnfit: days or letter do not fit the quality
    :raises NeedsRealName: an owner's name was never checked and no document was shown
    :raises OwnerNameDiffers: the checked name is not the holder's
    :raises AlreadyBound: it is bound in this quality
    """
    number = mobile_number(telephone)
    fits_terms(terms, today=at.astimezone(settings.BILLING_TIME_ZONE).date())
    with transaction.atomic():
        account = (
            Account.objects.select_for_update(of=("self",))
            .select_related("customer")
            .filter(account_no=account_no)
            .first()
        )
        if account is None:
            raise no_account()
        user_id = person_of(number, at=at)
        if document is not None:
            real_names.record_counter_check(
                user_id=user_id,
                document=document.kind,
                document_end=document.end,
                name=document.name,
                checked_by_id=clerk_id,
                org_unit_id=org_unit_id,
                at=at,
            )
        if terms.role == PortalAccess.Role.OWNER:
            name = real_names.needs_real_name(user_id=user_id)
            if account.customer.kind == account.customer.Kind.PERSON and not is_holder(account, name):
                raise OwnerNameDiffers(_("证件上的姓名和户主不一致。请选其他身份，或先办理过户。"))
        bound = PortalAccess.objects.filter(user_id=user_id, account=account, role=terms.role, ended_at=None).first()
        if document is not None and bound is not None and terms.role != PortalAccess.Role.AGENT:
            return bound.pk  # came to have their name checked; the binding stays as it is
        return bind(
            account=account,
            user_id=user_id,
            terms=terms,
            proof=PortalAccess.Proof.HALL_VISIT,
            began_by_id=clerk_id,
            at=at,
        ).pk
