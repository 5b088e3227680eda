"""What is being worked on, and what could not be delivered: for the pages of operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from config import navigation
from config.shared.errors import NotFound
from config.shared.models import Job, JobShard, OutboxDelivery
from config.shared.permissions import holds_everywhere, in_scope


@dataclass(frozen=True, slots=True)
class JobRow:
    """One piece of long work in a list."""

    job_id: int
    kind: str
    name: str
    state: str
    state_label: str
    done_units: int
    total_units: int
    created_at: datetime
    finished_at: datetime | None
    created_by: str

    @property
    def may_cancel(self) -> bool:
        """Whether it still runs."""
        return self.state == Job.State.RUNNING

    @property
    def may_resume(self) -> bool:
        """Whether something of it is left to do."""
        return self.state in (Job.State.FAILED, Job.State.CANCELLED)

    @property
    def progress_state(self) -> str:
        """The word that `shared/_progress.html` knows."""
        return "running" if self.state == Job.State.CANCELLING else self.state


@dataclass(frozen=True, slots=True)
class ShardRow:
    """One part of a job."""

    number: int
    is_closing: bool
    state: str
    state_label: str
    units: int
    attempts: int
    worker: str
    error: str
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a handler refused too often."""

    delivery_id: int
    event: str
    key: str
    handler: str
    attempts: int
    published_at: datetime
    error: str


def list_jobs(*, limit: int, before: int | None = None, within: Sequence[str] | None = None) -> list[JobRow]:
    """Jobs of the organisation paths `within`, newest first; `before` is the id the last page ended with."""
    rows = Job.objects.select_related("created_by").filter(in_scope("org_unit", within)).order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [_job(row) for row in rows[:limit]]


def list_failed_jobs(*, limit: int, within: Sequence[str] | None = None) -> list[JobRow]:
    """Jobs of these organisation paths that stopped with a failure and wait for somebody, newest first."""
    rows = (
        Job.objects.select_related("created_by")
        .filter(in_scope("org_unit", within), state=Job.State.FAILED)
        .order_by("-pk")
    )
    return [_job(row) for row in rows[:limit]]


def get_job(job_id: int, *, within: Sequence[str] | None = None) -> JobRow:
    """
    One job.

    :raises NotFound: there is no such job in the organisation paths `within`
    """
    row = Job.objects.select_related("created_by").filter(in_scope("org_unit", within), pk=job_id).first()
    if row is None:
        raise NotFound(_("没有这个任务。"))
    return _job(row)


def list_shards(job_id: int, *, limit: int = 200, only_unfinished: bool = False) -> list[ShardRow]:
    """The parts of a job: failed and running ones first."""
    rows = JobShard.objects.filter(job_id=job_id)
    if only_unfinished:
        rows = rows.exclude(state=JobShard.State.DONE)
    order = {"failed": 0, "running": 1, "waiting": 2, "cancelled": 3, "done": 4}
    found = sorted(rows.order_by("number")[:5000], key=lambda row: (order[row.state], row.number))
    return [
        ShardRow(
            number=row.number,
            is_closing=row.stage > 0,
            state=row.state,
            state_label=_(JobShard.State(row.state).label),
            units=row.units,
            attempts=row.attempts,
            worker=row.worker,
            error=row.error.strip().splitlines()[-1] if row.error.strip() else "",
            finished_at=row.finished_at,
        )
        for row in found[:limit]
    ]


def list_dead_letters(
    *, limit: int, before: int | None = None, within: Sequence[str] | None = None
) -> list[DeadLetter]:
    """Deliveries that were given up, newest first. They belong to no unit: whoever holds every root sees them."""
    if not holds_everywhere(within):
        return []
    rows = OutboxDelivery.objects.select_related("event").filter(state=OutboxDelivery.State.DEAD).order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [
        DeadLetter(
            delivery_id=row.pk,
            event=row.event.name,
            key=row.key,
            handler=row.handler,
            attempts=row.attempts,
            published_at=row.event.published_at,
            error=row.error.strip().splitlines()[-1] if row.error.strip() else "",
        )
        for row in rows[:limit]
    ]


def _job(row: Job) -> JobRow:
    user = row.created_by
    return JobRow(
        job_id=row.pk,
        kind=row.kind,
        name=str(navigation.JOBS.get(row.kind, row.kind)),
        state=row.state,
        state_label=_(Job.State(row.state).label),
        done_units=row.done_units,
        total_units=row.total_units,
        created_at=row.created_at,
        finished_at=row.finished_at,
        created_by=(user.display_name or user.username) if user is not None else "",
    )
