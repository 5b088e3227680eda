"""The kinds of long work of this app, registered with the job mechanism."""

from __future__ import annotations

from django.utils import timezone

from config.shared.jobs import Claim, works
from dsm.operations import forecasts, loads, plan_computation, shortages


@works(loads.AGGREGATE_JOB)
def work_on_aggregation(claim: Claim) -> None:
    """One day of load, or the scores of what was forecast for the days."""
    loads.work_shard(claim, at=timezone.now())


@works(forecasts.FORECAST_JOB)
def work_on_forecasts(claim: Claim) -> None:
    """The forecasts of some feeders, or of the system."""
    forecasts.work_shard(claim, at=timezone.now())


@works(shortages.JOB_KIND)
def work_on_plans(claim: Claim) -> None:
    """The plan of one strategy for a shortage."""
    plan_computation.compute_shard(claim, at=timezone.now())
