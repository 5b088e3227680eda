"""What a run does with what it cannot bill, and with shards that fail, are cancelled or lose their lease."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.utils import timezone
from psycopg2.extras import DateRange

from cis.models import Bill, BillException, BillingRun, LedgerTransfer, SupplyContract, Tariff, TariffVersion
from cis.operations import billing, ledger
from cis.queries import billing as bills
from config.shared import jobs
from config.shared.models import Job, JobShard
from tests.factories.world import AT, World, small_world

pytestmark = pytest.mark.django_db


def start(world: World, shard_size: int = 1) -> BillingRun:
    run_id = billing.start_run(cycle=world.cycle, org_unit_id=None, created_by_id=None, at=AT, shard_size=shard_size)
    return BillingRun.objects.get(pk=run_id)


def work(run: BillingRun) -> None:
    assert run.job_id is not None
    # Shards that failed wait a little before the next attempt.
    JobShard.objects.filter(job=run.job_id, state="waiting").update(lease_until=None)
    jobs.work_on(job_id=run.job_id)


@pytest.mark.acceptance("F17")
class TestTariffThatCannotBePriced:
    RULES: ClassVar[tuple[Any, ...]] = (
        [{"kind": "no-such-rule"}],
        [],
        [{"kind": "tier", "tiers": "unknown"}],
        {"kind": "flat"},
    )

    @pytest.mark.parametrize("rules", RULES)
    def test_the_account_is_left_out_with_a_reason_and_never_billed_at_nothing(self, rules: Any) -> None:
        world = small_world()
        tariff = Tariff.objects.create(code="T-ODD", name="怪价", province="湖北", category="居民")
        TariffVersion.objects.create(
            tariff=tariff, valid=DateRange(None, None), rules=rules, source="test", confidence="high"
        )
        SupplyContract.objects.filter(pk=world.residential.contract_id).update(tariff=tariff)

        run = start(world)
        work(run)

        page = bills.get_run(run.pk)
        assert page.run.state == "done"
        left_out = BillException.objects.get(run=run)
        assert (left_out.account_id, left_out.code) == (world.residential.account_id, "cannot-price")
        assert not Bill.objects.filter(account=world.residential.account_id).exists()
        assert not LedgerTransfer.objects.filter(account_id=world.residential.account_id).exists()
        assert Bill.objects.count() == len(world.accounts) - 1
        assert not Bill.objects.filter(total_fen=0).exists()
        with pytest.raises(billing.CannotBill) as refused:
            billing.issue_bill_now(account_id=world.residential.account_id, cycle=world.cycle, issued_by_id=None, at=AT)
        assert refused.value.facts["reason"] == "cannot-price"

    def test_a_tariff_without_a_version_leaves_its_accounts_out_too(self) -> None:
        world = small_world()
        tariff = Tariff.objects.create(code="T-NONE", name="无版本", province="湖北", category="居民")
        SupplyContract.objects.filter(pk=world.residential.contract_id).update(tariff=tariff)

        run = start(world)
        work(run)

        assert BillException.objects.get(run=run).code == "no-tariff-version"
        assert not Bill.objects.filter(account=world.residential.account_id).exists()


class TestShards:
    @pytest.fixture
    def trouble(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[int]]:
        """Account ids whose shard fails after everything was written."""
        accounts: set[int] = set()
        real = billing._note_left_out

        def note(run: Any, columns: Any, left_out: Any) -> None:
            real(run, columns, left_out)
            if accounts & set(columns.account.tolist()):
                raise OSError("the disk is full")

        monkeypatch.setattr(billing, "_note_left_out", note)
        yield accounts

    def test_a_failing_shard_is_tried_five_times_and_the_others_are_billed(self, trouble: set[int]) -> None:
        world = small_world()
        trouble.add(world.residential.account_id)
        run = start(world)

        for attempt in range(1, 6):
            work(run)
            failing = JobShard.objects.get(job=run.job_id, low=world.residential.account_id)
            assert failing.attempts == attempt
            assert "the disk is full" in failing.error

        assert run.job_id is not None
        job = Job.objects.get(pk=run.job_id)
        assert (job.state, failing.state) == ("failed", "failed")
        assert Bill.objects.count() == len(world.accounts) - 1
        assert not LedgerTransfer.objects.filter(account_id=world.residential.account_id).exists()
        assert run.pk and BillingRun.objects.get(pk=run.pk).closing is None

        trouble.clear()
        billing.resume_run(run_id=run.pk, at=AT)
        work(run)

        job.refresh_from_db()
        page = bills.get_run(run.pk)
        assert (job.state, job.done_units, job.total_units) == ("done", len(world.accounts), len(world.accounts))
        assert page.closing is not None
        assert page.closing["agrees"]
        assert page.closing["bills"] == Bill.objects.count() == len(world.accounts)

    def test_a_failed_shard_waits_before_its_next_attempt(self, trouble: set[int]) -> None:
        world = small_world()
        trouble.add(world.residential.account_id)
        run = start(world)
        assert run.job_id is not None

        jobs.work_on(job_id=run.job_id)
        jobs.work_on(job_id=run.job_id)

        failing = JobShard.objects.get(job=run.job_id, low=world.residential.account_id)
        assert failing.attempts == 1
        assert jobs.claim_shard(job_id=run.job_id, now=timezone.now()) is None
        assert jobs.claim_shard(job_id=run.job_id, now=timezone.now() + timedelta(seconds=5)) is not None

    def test_a_lost_lease_takes_the_bills_with_it(self) -> None:
        world = small_world()
        run = start(world, shard_size=10)
        assert run.job_id is not None
        slow = jobs.claim_shard(job_id=run.job_id, now=timezone.now() - timedelta(minutes=5))
        quick = jobs.claim_shard(job_id=run.job_id, now=timezone.now())
        assert slow is not None
        assert quick is not None
        assert slow.shard_id == quick.shard_id

        with pytest.raises(jobs.LeaseLost):
            billing.work_shard(slow, at=AT)
        assert not Bill.objects.exists()
        assert not LedgerTransfer.objects.exists()
        billing.work_shard(quick, at=AT)

        assert Bill.objects.count() == len(world.accounts)
        with pytest.raises(jobs.LeaseLost):
            billing.work_shard(slow, at=AT)
        assert Bill.objects.count() == len(world.accounts)
        assert not ledger.verify().faults

    def test_a_cancelled_run_keeps_what_is_billed_and_goes_on_when_resumed(self) -> None:
        world = small_world()
        run = start(world)
        assert run.job_id is not None
        claim = jobs.claim_shard(job_id=run.job_id, now=timezone.now())
        assert claim is not None
        billing.work_shard(claim, at=AT)

        billing.cancel_run(run_id=run.pk, at=timezone.now())
        work(run)

        assert run.job_id is not None
        job = Job.objects.get(pk=run.job_id)
        assert (job.state, Bill.objects.count()) == ("cancelled", 1)
        with pytest.raises(jobs.JobIsOver):
            billing.cancel_run(run_id=run.pk, at=AT)

        billing.resume_run(run_id=run.pk, at=AT)
        work(run)

        job.refresh_from_db()
        page = bills.get_run(run.pk)
        assert (job.state, job.done_units, Bill.objects.count()) == ("done", 4, 4)
        assert page.closing is not None
        assert page.closing["agrees"]
        with pytest.raises(jobs.JobIsOver):
            billing.resume_run(run_id=run.pk, at=AT)
