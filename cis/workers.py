"""The kinds of long work of this app, registered with the job mechanism."""

from __future__ import annotations

from django.utils import timezone

from cis.operations import (
    billing,
    curve_validation,
    fee_control_days,
    late_readings,
    reading_validation,
    tariff_trials,
)
from config.shared.jobs import Claim, works


@works(billing.JOB_KIND)
def work_on_billing(claim: Claim) -> None:
    """One shard of a billing run, or its closing check."""
    billing.work_shard(claim, at=timezone.now())


@works(reading_validation.VALIDATE_JOB)
def work_on_validation(claim: Claim) -> None:
    """One shard of the validation of a large import."""
    reading_validation.validate_shard(claim, at=timezone.now())


@works(tariff_trials.JOB_KIND)
def work_on_tariff_trial(claim: Claim) -> None:
    """One shard of a trial of a draft tariff, or its sum."""
    tariff_trials.work_shard(claim, at=timezone.now())


@works(fee_control_days.JOB_KIND)
def work_on_fee_control(claim: Claim) -> None:
    """One shard of the daily estimate of fee control."""
    fee_control_days.work_shard(claim, at=timezone.now())


@works(curve_validation.VALIDATE_JOB)
def work_on_curves(claim: Claim) -> None:
    """One shard of the validation of a large import of curves."""
    curve_validation.validate_shard(claim, at=timezone.now())


@works(late_readings.SETTLE_JOB)
def work_on_late_readings(claim: Claim) -> None:
    """One shard of what a large import brought after its periods were billed."""
    late_readings.settle_shard(claim, at=timezone.now())
