"""What the demand side does when something happened."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from cis.events import CapacityChanged
from config.shared.events import handles
from dsm.operations import shed_lists


@handles(CapacityChanged)
def follow_changed_capacity(event: CapacityChanged) -> None:
    """What an account on the yearly list can give follows its capacity; repeated, nothing changes."""
    shed_lists.follow_capacity(
        account_id=event.account_id,
        capacity_kva=event.capacity_kva,
        from_on=date.fromisoformat(event.from_on),
        at=timezone.now(),
        change_id=event.change_id,
    )
