"""Tasks of the floor: deliver events, work on jobs, send messages, and the sweeps that find what a dead worker left."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from config.celery import app
from config.shared import app_sessions, approvals, drafts, events, jobs, looks, sessions, working_place
from config.shared.messaging import brake, delivery
from config.shared.messaging.sending import nudge

log = logging.getLogger(__name__)

# A worker stays so long with one job before it looks what else there is.
TURN = timedelta(seconds=5)


@app.task(acks_late=True)
def deliver_events(**_future: object) -> None:
    """Deliver what is due."""
    events.deliver_waiting(now=timezone.now())


@app.task(acks_late=True)
def work_on_job(*, job_id: int, **_future: object) -> None:
    """There is work on a job: claim shards one after another for one turn, or until none is left."""
    jobs.work_on(job_id=job_id, until=timezone.now() + TURN)


@app.task(acks_late=True)
def send_messages(**_future: object) -> None:
    """Send what is due for one turn; what is left then rings again."""
    until = timezone.now() + TURN
    while delivery.send_next(now=timezone.now()):
        if timezone.now() > until:
            nudge()
            return


@app.task(acks_late=True)
def sweep(**_future: object) -> None:
    """Find events, shards and messages that nobody was told about or that a dead worker left."""
    now = timezone.now()
    events.deliver_waiting(now=now)
    jobs.sweep(now=now)
    delivery.sweep(now=now)


@app.task(acks_late=True)
def watch_notices(**_future: object) -> None:
    """Stop mass notices of which too much fails."""
    for stop_id in brake.watch(at=timezone.now()):
        log.warning("mass notices stopped", extra={"notice_stop": stop_id})


@app.task(acks_late=True)
def prune_outbox(**_future: object) -> None:
    """Forget events that were delivered more than thirty days ago."""
    events.prune(before=timezone.now() - timedelta(days=30))


@app.task(acks_late=True)
def purge_working_places(**_future: object) -> None:
    """Forget forms that were left unsent too long ago, and customers served long ago."""
    now = timezone.now()
    drafts.purge_drafts(now=now)
    working_place.forget_served(before=now - settings.SERVED_REMEMBERED)


@app.task(acks_late=True)
def expire_approvals(**_future: object) -> None:
    """End the requests for a second person that nobody decided in time."""
    approvals.expire_requests(at=timezone.now())


@app.task(acks_late=True)
def prune_looks(**_future: object) -> None:
    """Forget who looked at what longer ago than the utility keeps it."""
    gone = looks.prune_looks(before=timezone.now() - timedelta(days=settings.AUDIT_LOOKS_KEPT_DAYS))
    if gone:
        log.info("looks pruned", extra={"rows": gone})


@app.task(acks_late=True)
def prune_sessions(**_future: object) -> None:
    """Forget where people were signed in more than ninety days ago, and Django's sessions that have run out."""
    now = timezone.now()
    sessions.prune(before=now - timedelta(days=90))
    Session.objects.filter(expire_date__lt=now).delete()
    app_sessions.prune(at=now, before=now - timedelta(days=90))
