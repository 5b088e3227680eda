"""The kinds of long work of this app, registered with the job mechanism."""

from __future__ import annotations

from django.utils import timezone

from config.shared.jobs import Claim, works
from crm.operations import profiles, tiers


@works(profiles.JOB_KIND)
def work_on_profiles(claim: Claim) -> None:
    """One shard of a night's profiles."""
    profiles.work_shard(claim, at=timezone.now())


@works(tiers.JOB_KIND)
def work_on_tiers(claim: Claim) -> None:
    """One shard of an application of the rules of tiers."""
    tiers.work_shard(claim, at=timezone.now())
