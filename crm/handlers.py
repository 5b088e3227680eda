"""What customer relations does when something happened."""

from __future__ import annotations

import logging

from django.utils import timezone

from cis.events import BillsIssued, CapacityChanged
from config.shared.errors import NotFound
from config.shared.events import handles
from crm.operations import profiles, proposals

log = logging.getLogger(__name__)


@handles(CapacityChanged)
def see_new_capacity(event: CapacityChanged) -> None:
    """The account's profile is computed anew; repeated, it comes to the same."""
    try:
        profiles.recompute_profile(account_id=event.account_id, at=timezone.now())
    except NotFound:
        # Closed in the meantime: it has no profile any more.
        log.info("account is closed, no profile", extra={"account": event.account_id})


@handles(BillsIssued)
def notice_bill_shock(event: BillsIssued) -> None:
    """Propose to talk to those whose bill comes as a shock; repeated, the same proposals are found."""
    new = proposals.propose_for_bill_shock(run_id=event.run_id, shard=event.shard, at=timezone.now())
    log.info("bill shocks", extra={"run": event.run_id, "shard": event.shard, "new": new})
