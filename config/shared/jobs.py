"""
Long work, one mechanism for every app: a job row, shards claimed in Postgres under a lease, Celery only as the bell.

A worker function is registered with `@works("kind")`. It gets a `Claim` and must call `claim.finish(...)` inside the
transaction in which it writes: a shard is done together with its rows, or not at all. What a dead worker left is
claimed again when its lease has run out.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import connection, connections, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from config.shared import logs
from config.shared.errors import NotFound, Refused
from config.shared.events import Event, publish, send_task
from config.shared.models import Job, JobShard

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 5
CLOSING_STAGE = 1
_FIRST_RETRY = timedelta(seconds=2)
_BELL_LASTS_S = 30.0
# So many workers take part in one job.
WORKERS_PER_JOB = 2


class LeaseLost(Exception):
    """Another worker holds the shard by now, or the job was cancelled; nothing of this attempt may stay."""


class JobIsOver(Refused):
    """The job has ended; there is nothing left to cancel or resume."""

    code = "job-is-over"


@dataclass(frozen=True)
class JobCreated(Event):
    """There is a new job, or an old one has work again."""

    name: ClassVar[str] = "shared.job-created"
    key_field: ClassVar[str] = "job_id"

    job_id: int


@dataclass(frozen=True)
class ShardSpec:
    """What a new shard covers: keys [low, high), and roughly how many units that is."""

    low: int
    high: int
    units: int
    stage: int = 0


@dataclass(frozen=True)
class Claim:
    """A shard that this worker holds."""

    shard_id: int
    job_id: int
    number: int
    stage: int
    low: int
    high: int
    token: uuid.UUID
    parameters: dict[str, Any]
    created_by_id: int | None

    @property
    def is_closing(self) -> bool:
        """Whether this is the job's last stage."""
        return self.stage >= CLOSING_STAGE

    def finish(self, *, result: dict[str, Any], done_units: int, at: datetime) -> None:
        """
        Mark the shard done in the caller's transaction.

        :raises LeaseLost: the claim is no longer ours; the caller's transaction must roll back
        """
        ours = JobShard.objects.filter(pk=self.shard_id, state=JobShard.State.RUNNING, claim_token=self.token)
        if not ours.update(state=JobShard.State.DONE, result=result, finished_at=at, lease_until=None, error=""):
            raise LeaseLost(f"shard {self.job_id}/{self.number}")
        if not self.is_closing:
            # The job row is touched once a shard, at its end: shards do not queue on it for long.
            Job.objects.filter(pk=self.job_id).update(done_units=F("done_units") + done_units)


Worker = Callable[[Claim], None]
WORKERS: dict[str, Worker] = {}


def works(kind: str) -> Callable[[Worker], Worker]:
    """Register the function that does one shard of a kind of job."""

    def register(function: Worker) -> Worker:
        WORKERS[kind] = function
        return function

    return register


def create_job(
    *,
    kind: str,
    parameters: dict[str, Any],
    shards: Iterable[ShardSpec],
    created_by_id: int | None,
    at: datetime,
    org_unit_id: int | None = None,
) -> int:
    """
    Write a job and its shards in the caller's transaction and announce it; gives the job's id.

    `org_unit_id`: whose affair it is, and so who sees it; None: the whole utility's.
    """
    specs = list(shards)
    job = Job.objects.create(
        kind=kind,
        parameters=parameters,
        org_unit_id=org_unit_id,
        created_by_id=created_by_id,
        created_at=at,
        total_units=sum(spec.units for spec in specs),
    )
    JobShard.objects.bulk_create(
        JobShard(job=job, number=number, stage=spec.stage, low=spec.low, high=spec.high, units=spec.units)
        for number, spec in enumerate(specs)
    )
    publish(JobCreated(job_id=job.pk))
    return job.pk


def cancel_job(*, job_id: int, at: datetime) -> None:
    """
    Stop a job: shards that wait are dropped, shards at work may still finish; what is done stays done.

    :raises JobIsOver: it has ended
    :raises NotFound: there is no such job
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            raise NotFound(_("没有这个任务。"))
        if job.state != Job.State.RUNNING:
            raise JobIsOver(_("任务已经结束，不能取消。"))
        job.shards.filter(state=JobShard.State.WAITING).update(state=JobShard.State.CANCELLED, finished_at=at)
        job.state = Job.State.CANCELLING
        job.save(update_fields=["state"])
    settle(job_id=job_id, at=at)


def resume_job(*, job_id: int, at: datetime, parameters: dict[str, Any] | None = None) -> None:
    """
    Put failed and cancelled shards back to work; finished ones stay finished. `parameters` replace those of the job
    for what is still to be done.

    :raises JobIsOver: nothing of it is left to do
    :raises NotFound: there is no such job
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            raise NotFound(_("没有这个任务。"))
        left = job.shards.filter(state__in=[JobShard.State.FAILED, JobShard.State.CANCELLED])
        if not left.update(state=JobShard.State.WAITING, attempts=0, error="", finished_at=None, lease_until=None):
            raise JobIsOver(_("任务没有剩余的分片，无需继续。"))
        # A closing stage that ran over a part must run again over the whole.
        job.shards.filter(stage__gte=CLOSING_STAGE).update(state=JobShard.State.WAITING, finished_at=None)
        job.state = Job.State.RUNNING
        job.finished_at = None
        job.parameters |= parameters or {}
        job.save(update_fields=["state", "finished_at", "parameters"])
        publish(JobCreated(job_id=job_id))
    log.info("job resumed", extra={"job": job_id, "at": at.isoformat()})


_CLAIM = """
SELECT s.id FROM shared_job_shard s JOIN shared_job j ON j.id = s.job_id
WHERE s.job_id = %(job)s AND j.state = 'running'
  AND (s.state = 'waiting' AND (s.lease_until IS NULL OR s.lease_until <= %(now)s)
       OR s.state = 'running' AND s.lease_until < %(now)s)
  AND NOT EXISTS (SELECT 1 FROM shared_job_shard earlier
                  WHERE earlier.job_id = s.job_id AND earlier.stage < s.stage AND earlier.state <> 'done')
ORDER BY s.stage, s.number
LIMIT 1
FOR UPDATE OF s SKIP LOCKED
"""


def claim_shard(*, job_id: int, now: datetime, lease: timedelta = LEASE) -> Claim | None:
    """Take the next free shard of a job, or one whose lease has run out; None when there is none."""
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_CLAIM, {"job": job_id, "now": now})
                row = cursor.fetchone()
            if row is None:
                return None
            shard = JobShard.objects.select_related("job").get(pk=row[0])
            if shard.attempts >= MAX_ATTEMPTS:
                # Whatever it does to its workers, it shall not stop the shards after it.
                shard.state = JobShard.State.FAILED
                shard.error = shard.error or "分片多次中断，已停止重试。"
                shard.save(update_fields=["state", "error"])
                continue
            shard.attempts += 1
            shard.state = JobShard.State.RUNNING
            shard.claim_token = uuid.uuid4()
            shard.lease_until = now + lease
            shard.worker = f"{socket.gethostname()}:{os.getpid()}"[:100]
            shard.save(update_fields=["state", "claim_token", "lease_until", "worker", "attempts"])
            return Claim(
                shard_id=shard.pk,
                job_id=shard.job_id,
                number=shard.number,
                stage=shard.stage,
                low=shard.low,
                high=shard.high,
                token=shard.claim_token,
                parameters=shard.job.parameters,
                created_by_id=shard.job.created_by_id,
            )


@contextmanager
def _heartbeat(claim: Claim, lease: timedelta) -> Iterator[None]:
    """Keep the lease alive from a thread with its own connection while the shard is worked on."""
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(lease.total_seconds() / 3):
            try:
                JobShard.objects.filter(
                    pk=claim.shard_id, claim_token=claim.token, state=JobShard.State.RUNNING
                ).update(lease_until=timezone.now() + lease)
            except Exception as error:
                # The database is away: the lease may run out and the shard be done elsewhere; `finish` decides.
                log.warning("heartbeat failed", extra={"shard": claim.shard_id, "error": str(error)})
                connections["default"].close()
        connections["default"].close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{claim.shard_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(timeout=5)


def work_on(*, job_id: int, lease: timedelta = LEASE, until: datetime | None = None) -> int:
    """
    Claim and do shards of a job until none is left for this worker; gives how many were done.

    After `until` no further shard is begun: the bell is passed on instead, so that other work gets its turn.
    """
    done = 0
    token = logs.job_id.set(job_id)
    try:
        while True:
            if until is not None and timezone.now() >= until:
                ring(job_id=job_id, workers=1)
                break
            claim = claim_shard(job_id=job_id, now=timezone.now(), lease=lease)
            if claim is None:
                # The last shard may have been given up just now.
                settle(job_id=job_id, at=timezone.now())
                break
            kind = Job.objects.values_list("kind", flat=True).get(pk=job_id)
            try:
                with _heartbeat(claim, lease):
                    WORKERS[kind](claim)
                done += 1
            except LeaseLost:
                log.warning("lease lost, attempt dropped", extra={"shard": claim.shard_id})
            except Exception as error:
                # Kept with the shard for people to read; the shard waits for its next attempt.
                _record_failure(claim, error)
            settle(job_id=job_id, at=timezone.now())
    finally:
        logs.job_id.reset(token)
    return done


def _record_failure(claim: Claim, error: Exception) -> None:
    log.exception("shard failed", extra={"shard": claim.shard_id})
    shard = JobShard.objects.filter(pk=claim.shard_id, claim_token=claim.token, state=JobShard.State.RUNNING).first()
    if shard is None:
        return
    shard.error = "".join(traceback.format_exception(error))[-4000:]
    shard.state = JobShard.State.FAILED if shard.attempts >= MAX_ATTEMPTS else JobShard.State.WAITING
    # Of a shard that waits, the lease says when it may be tried again: a short trouble shall not use up all attempts.
    shard.lease_until = timezone.now() + _FIRST_RETRY * 2 ** (shard.attempts - 1)
    shard.save(update_fields=["state", "error", "lease_until"])


def settle(*, job_id: int, at: datetime) -> None:
    """Move a job to its end state when no shard of it can still run."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None or job.state not in (Job.State.RUNNING, Job.State.CANCELLING):
            return
        states = set(job.shards.values_list("state", flat=True))
        alive = states & {JobShard.State.WAITING, JobShard.State.RUNNING}
        if job.state == Job.State.CANCELLING:
            if JobShard.State.RUNNING in states and _has_living_lease(job_id, at):
                return
            job.shards.filter(state__in=alive).update(state=JobShard.State.CANCELLED, finished_at=at)
            job.state = Job.State.CANCELLED
        elif JobShard.State.FAILED in states:
            waits_for_failed = job.shards.filter(state__in=alive).exclude(stage__gte=CLOSING_STAGE).exists()
            if waits_for_failed:
                return
            job.state = Job.State.FAILED
        elif alive:
            return
        else:
            job.state = Job.State.DONE
        job.finished_at = at
        job.save(update_fields=["state", "finished_at"])


def _has_living_lease(job_id: int, at: datetime) -> bool:
    return JobShard.objects.filter(job_id=job_id, state=JobShard.State.RUNNING, lease_until__gte=at).exists()


def sweep(*, now: datetime) -> int:
    """
    Ring the bell for every job that has something to claim; gives how many there were.

    Jobs that ended unseen, such as by a worker that died after its last shard, are settled on the way.
    """
    jobs = list(Job.objects.filter(state__in=[Job.State.RUNNING, Job.State.CANCELLING]).values_list("pk", flat=True))
    rung = 0
    for job_id in jobs:
        settle(job_id=job_id, at=now)
        is_due = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
        free = Q(state=JobShard.State.WAITING) & is_due | Q(state=JobShard.State.RUNNING, lease_until__lt=now)
        undone = JobShard.objects.filter(job=OuterRef("job"), stage__lt=OuterRef("stage")).exclude(
            state=JobShard.State.DONE
        )
        if JobShard.objects.filter(free, ~Exists(undone), job=job_id, job__state=Job.State.RUNNING).exists():
            ring(job_id=job_id)
            rung += 1
    return rung


def ring(*, job_id: int, workers: int = WORKERS_PER_JOB) -> None:
    """Tell workers that a job has work; a bell that nobody heard in time is dropped, the sweep rings again."""
    for _bell in range(workers):
        send_task("config.shared.tasks.work_on_job", expires_s=_BELL_LASTS_S, job_id=job_id)
