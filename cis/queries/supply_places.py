"""Where accounts are supplied: the address without the door, and the place on the map where it is known."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from cis.models import Account, Customer
from config.shared.errors import NotFound
from config.shared.personal_data import mask_name


@dataclass(frozen=True, slots=True)
class SupplyPlace:
    """An account with its place; coordinates are None where nobody has measured them."""

    account_id: int
    account_no: str
    customer_name: str
    address: str
    org_unit_id: int
    org_path: str
    longitude: Decimal | None
    latitude: Decimal | None
    is_person: bool = False

    @property
    def shown_name(self) -> str:
        """As it stands in lists: an enterprise by its name, a person masked."""
        return mask_name(self.customer_name) if self.is_person else self.customer_name


def place_of(account_id: int) -> SupplyPlace:
    """
    Where an account is supplied.

    :raises NotFound: there is no such account
    """
    found = places_of([account_id])
    if account_id not in found:
        raise NotFound(_("没有找到这个户号，请核对后再试。"))
    return found[account_id]


def places_of(account_ids: list[int]) -> dict[int, SupplyPlace]:
    """Account id to its place, for lists; one statement."""
    rows = Account.objects.filter(pk__in=account_ids).select_related("customer", "premise", "org_unit")
    return {
        row.pk: SupplyPlace(
            row.pk,
            row.account_no,
            row.customer.name,
            row.premise.address,
            row.org_unit_id,
            row.org_unit.path,
            row.premise.longitude,
            row.premise.latitude,
            row.customer.kind == Customer.Kind.PERSON,
        )
        for row in rows
    }
