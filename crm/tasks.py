"""What the clock starts in customer relations."""

from __future__ import annotations

import logging

from django.utils import timezone

from config.celery import app
from crm.operations import emergencies, price_effects, profiles, tiers

log = logging.getLogger(__name__)


@app.task(acks_late=True)
def make_profiles(**_future: object) -> None:
    """Begin this night's profiles."""
    run_id = profiles.start_profiles(created_by_id=None, at=timezone.now())
    log.info("profiles begun", extra={"run": run_id})


@app.task(acks_late=True)
def end_overrides(**_future: object) -> None:
    """Let the rules hold again where a person's decision has run out."""
    ended = tiers.end_overrides_run_out(at=timezone.now())
    if ended:
        log.info("overrides of tiers ended", extra={"ended": ended})


@app.task(acks_late=True)
def check_emergency_clocks(**_future: object) -> None:
    """Look at the clocks of open emergencies."""
    raised = emergencies.check_clocks(at=timezone.now())
    if raised:
        log.warning("emergency clocks", extra={"raised": raised})


@app.task(acks_late=True)
def foresee_price_changes(**_future: object) -> None:
    """Work out what tariff versions ahead mean for key accounts, and tell their managers."""
    log.info("prices of key accounts", extra=price_effects.foresee_price_changes(at=timezone.now()))
