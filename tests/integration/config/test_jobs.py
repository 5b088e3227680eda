"""Long work: claims under leases, progress, cancel and resume, and what is left when a worker goes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from config.shared import jobs
from config.shared.errors import NotFound
from config.shared.models import Job, JobShard, OutboxEvent
from config.shared.models.outbox import OutboxDelivery
from tests.factories.ledger import at_once

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "tests"


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A kind of job whose shards publish nothing and write down their number in the list."""
    done: list[int] = []

    def do(claim: jobs.Claim) -> None:
        with transaction.atomic():
            claim.finish(result={"at": claim.low}, done_units=claim.high - claim.low, at=timezone.now())
        done.append(claim.number)

    monkeypatch.setitem(jobs.WORKERS, KIND, do)
    yield done


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was sent to the broker."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(jobs, "send_task", lambda name, **arguments: sent.append(arguments))
    return sent


def make(shards: int = 3, closing: bool = True) -> int:
    specs = [jobs.ShardSpec(n * 10, n * 10 + 10, 10) for n in range(shards)]
    if closing:
        specs.append(jobs.ShardSpec(0, 0, 0, stage=jobs.CLOSING_STAGE))
    with transaction.atomic():
        return jobs.create_job(kind=KIND, parameters={}, shards=specs, created_by_id=None, at=timezone.now())


def shard(job_id: int, number: int) -> JobShard:
    return JobShard.objects.get(job=job_id, number=number)


class TestProgress:
    def test_every_shard_is_done_once_the_closing_one_last(self, work: list[int]) -> None:
        job_id = make()

        assert jobs.work_on(job_id=job_id) == 4

        job = Job.objects.get(pk=job_id)
        assert work == [0, 1, 2, 3]
        assert (job.state, job.done_units, job.total_units) == ("done", 30, 30)
        assert job.finished_at is not None
        assert shard(job_id, 1).result == {"at": 10}

    def test_progress_counts_finished_shards(self, work: list[int]) -> None:
        job_id = make()
        claim = jobs.claim_shard(job_id=job_id, now=timezone.now())
        assert claim is not None

        jobs.WORKERS[KIND](claim)

        job = Job.objects.get(pk=job_id)
        assert (job.state, job.done_units) == ("running", 10)

    def test_workers_at_once_do_each_shard_once(self, work: list[int]) -> None:
        job_id = make(shards=20)

        counts = at_once([lambda: jobs.work_on(job_id=job_id)] * 4)
        jobs.work_on(job_id=job_id)

        assert sorted(work) == list(range(21))
        assert sum(counts) <= 21
        assert Job.objects.get(pk=job_id).state == "done"

    def test_a_worker_whose_turn_is_over_passes_the_bell_on(self, work: list[int], bells: list[dict[str, Any]]) -> None:
        job_id = make()

        jobs.work_on(job_id=job_id, until=timezone.now() - timedelta(seconds=1))

        assert work == []
        assert [bell["job_id"] for bell in bells] == [job_id]

    def test_creating_a_job_outside_a_transaction_is_refused(self) -> None:
        with pytest.raises(Exception, match=r"shared\.job-created"):
            jobs.create_job(kind=KIND, parameters={}, shards=[], created_by_id=None, at=timezone.now())


class TestLeases:
    def test_a_living_lease_keeps_others_out(self, work: list[int]) -> None:
        job_id = make(shards=1)
        jobs.claim_shard(job_id=job_id, now=timezone.now())

        assert jobs.claim_shard(job_id=job_id, now=timezone.now()) is None
        assert jobs.work_on(job_id=job_id) == 0

    def test_an_expired_one_is_claimed_again_and_the_first_worker_rolls_back(self, work: list[int]) -> None:
        job_id = make(shards=1)
        first = jobs.claim_shard(job_id=job_id, now=timezone.now() - 2 * jobs.LEASE)
        second = jobs.claim_shard(job_id=job_id, now=timezone.now())
        assert first is not None
        assert second is not None
        assert first.shard_id == second.shard_id

        with pytest.raises(jobs.LeaseLost), transaction.atomic():
            OutboxEvent.objects.create(name="of-first", key="k", payload={}, published_at=timezone.now())
            first.finish(result={}, done_units=10, at=timezone.now())
        jobs.WORKERS[KIND](second)

        assert not OutboxEvent.objects.filter(name="of-first").exists()
        assert Job.objects.get(pk=job_id).done_units == 10
        with pytest.raises(jobs.LeaseLost):
            second.finish(result={}, done_units=10, at=timezone.now())

    def test_the_heartbeat_keeps_it_alive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        job_id = make(shards=1)
        claim = jobs.claim_shard(job_id=job_id, now=timezone.now(), lease=timedelta(seconds=0.3))
        assert claim is not None
        before = shard(job_id, 0).lease_until

        with jobs._heartbeat(claim, timedelta(seconds=0.3)):
            deadline = timezone.now() + timedelta(seconds=20)
            while shard(job_id, 0).lease_until == before:
                assert timezone.now() < deadline

        assert shard(job_id, 0).claim_token == claim.token

    def test_a_shard_that_ends_its_workers_is_given_up_and_the_others_go_on(self, work: list[int]) -> None:
        job_id = make(shards=2)
        long_ago = timezone.now() - timedelta(hours=1)
        for _ in range(jobs.MAX_ATTEMPTS):
            assert jobs.claim_shard(job_id=job_id, now=long_ago, lease=timedelta(seconds=-1)) is not None

        jobs.work_on(job_id=job_id)

        assert work == [1]
        assert (shard(job_id, 0).state, shard(job_id, 0).error) == ("failed", "分片多次中断，已停止重试。")
        assert Job.objects.get(pk=job_id).state == "failed"


class TestFailing:
    def test_it_is_tried_again_then_failed_then_resumed(self, work: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
        good = jobs.WORKERS[KIND]

        def sometimes(claim: jobs.Claim) -> None:
            if claim.number == 1:
                raise ValueError("no paper")
            good(claim)

        monkeypatch.setitem(jobs.WORKERS, KIND, sometimes)
        job_id = make()
        for attempt in range(1, jobs.MAX_ATTEMPTS + 1):
            JobShard.objects.update(lease_until=None)
            jobs.work_on(job_id=job_id)
            assert shard(job_id, 1).attempts == attempt
        assert (shard(job_id, 1).state, Job.objects.get(pk=job_id).state) == ("failed", "failed")
        assert "no paper" in shard(job_id, 1).error
        assert sorted(work) == [0, 2]

        monkeypatch.setitem(jobs.WORKERS, KIND, good)
        jobs.resume_job(job_id=job_id, at=timezone.now())
        jobs.work_on(job_id=job_id)

        job = Job.objects.get(pk=job_id)
        assert sorted(work) == [0, 1, 2, 3]
        assert (job.state, job.done_units) == ("done", 30)

    def test_the_bell_rings_only_when_the_next_attempt_is_due(
        self, work: list[int], bells: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def always(_claim: jobs.Claim) -> None:
            raise ValueError

        monkeypatch.setitem(jobs.WORKERS, KIND, always)
        job_id = make(shards=1)
        jobs.work_on(job_id=job_id)

        assert jobs.sweep(now=timezone.now()) == 0
        assert jobs.sweep(now=timezone.now() + timedelta(seconds=5)) == 1
        assert {bell["job_id"] for bell in bells} == {job_id}


class TestCancelling:
    def test_waiting_shards_are_dropped_and_running_ones_may_end(self, work: list[int]) -> None:
        job_id = make()
        claim = jobs.claim_shard(job_id=job_id, now=timezone.now())
        assert claim is not None

        jobs.cancel_job(job_id=job_id, at=timezone.now())

        assert Job.objects.get(pk=job_id).state == "cancelling"
        assert jobs.claim_shard(job_id=job_id, now=timezone.now()) is None
        jobs.WORKERS[KIND](claim)
        jobs.sweep(now=timezone.now())
        job = Job.objects.get(pk=job_id)
        assert (job.state, job.done_units) == ("cancelled", 10)
        jobs.resume_job(job_id=job_id, at=timezone.now())
        jobs.work_on(job_id=job_id)
        assert sorted(work) == [0, 1, 2, 3]

    def test_a_worker_that_died_does_not_keep_it_from_ending(self) -> None:
        job_id = make()
        jobs.claim_shard(job_id=job_id, now=timezone.now())
        jobs.cancel_job(job_id=job_id, at=timezone.now())

        jobs.sweep(now=timezone.now() + 2 * jobs.LEASE)

        assert Job.objects.get(pk=job_id).state == "cancelled"

    def test_what_is_over_or_unknown_is_refused(self, work: list[int]) -> None:
        job_id = make()
        jobs.work_on(job_id=job_id)

        with pytest.raises(jobs.JobIsOver):
            jobs.cancel_job(job_id=job_id, at=timezone.now())
        with pytest.raises(jobs.JobIsOver):
            jobs.resume_job(job_id=job_id, at=timezone.now())
        for act in (jobs.cancel_job, jobs.resume_job):
            with pytest.raises(NotFound):
                act(job_id=0, at=timezone.now())


class TestSweep:
    def test_it_rings_for_what_a_dead_worker_left_and_not_for_what_is_in_hand(
        self, work: list[int], bells: list[dict[str, Any]]
    ) -> None:
        job_id = make(shards=1, closing=False)
        assert jobs.sweep(now=timezone.now()) == 1
        jobs.claim_shard(job_id=job_id, now=timezone.now())

        assert jobs.sweep(now=timezone.now()) == 0
        assert jobs.sweep(now=timezone.now() + 2 * jobs.LEASE) == 1
        assert all(bell["expires_s"] for bell in bells)

    def test_a_job_whose_worker_died_after_its_last_shard_is_ended(self, work: list[int]) -> None:
        job_id = make(shards=1, closing=False)
        claim = jobs.claim_shard(job_id=job_id, now=timezone.now())
        assert claim is not None
        jobs.WORKERS[KIND](claim)

        jobs.sweep(now=timezone.now())

        assert Job.objects.get(pk=job_id).state == "done"

    def test_tokens_differ_and_a_delivery_was_written_with_the_job(self) -> None:
        job_id = make(shards=2)
        first = jobs.claim_shard(job_id=job_id, now=timezone.now())
        second = jobs.claim_shard(job_id=job_id, now=timezone.now())

        assert first is not None
        assert second is not None
        assert isinstance(first.token, uuid.UUID)
        assert first.token != second.token
        assert OutboxDelivery.objects.filter(key=f"job_id:{job_id}").exists()
