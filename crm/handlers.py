"""What customer relations does when something happened."""

from __future__ import annotations

import logging

from django.utils import timezone

from cis.events import CapacityChanged
from config.shared.errors import NotFound
from config.shared.events import handles
from crm.operations import profiles

log = logging.getLogger(__name__)


@handles(CapacityChanged)
def see_new_capacity(event: CapacityChanged) -> None:
    """The account's profile is computed anew; repeated, it comes to the same."""
    try:
        profiles.recompute_profile(account_id=event.account_id, at=timezone.now())
    except NotFound:
        # Closed in the meantime: it has no profile any more.
        log.info("account is closed, no profile", extra={"account": event.account_id})
