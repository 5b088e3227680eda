"""Many at once on real Postgres: an account is billed once, and nobody waits for anybody in a ring."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cis.models import Bill, BillingRun
from cis.operations import billing, ledger
from cis.queries import billing as bills
from cis.queries.ledger import balance
from config.shared import jobs
from config.shared.models import JobShard
from tests.factories.ledger import at_once
from tests.factories.world import AT, World, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db(transaction=True)


def start(world: World, shard_size: int = 1) -> int:
    run_id = billing.start_run(cycle=world.cycle, org_unit_id=None, created_by_id=None, at=AT, shard_size=shard_size)
    job_id = BillingRun.objects.get(pk=run_id).job_id
    assert job_id is not None
    return job_id


def issue_now(world: World, outcomes: list[str], times: int) -> Callable[[], None]:
    """Trigger the bill of one account again and again, noting what came of it."""

    def act() -> None:
        for _ in range(times):
            try:
                billing.issue_bill_now(
                    account_id=world.residential.account_id, cycle=world.cycle, issued_by_id=None, at=AT
                )
                outcomes.append("bill")
            except billing.AlreadyBilled:
                outcomes.append("refused")

    return act


class TestOneAccount:
    @pytest.mark.acceptance("F20")
    def test_eight_clerks_at_once_make_one_bill_and_seven_refusals(self) -> None:
        world = small_world()
        outcomes: list[str] = []

        failures = at_once([issue_now(world, outcomes, 1)] * 8)

        assert failures == [None] * 8
        assert sorted(outcomes) == ["bill", *["refused"] * 7]
        assert Bill.objects.filter(account=world.residential.account_id).count() == 1
        # The refused left nothing behind, not even an empty run.
        assert BillingRun.objects.count() == 1
        assert not ledger.verify().faults

    @pytest.mark.acceptance("F20")
    def test_a_thousand_triggers_make_one_bill(self) -> None:
        world = small_world()
        outcomes: list[str] = []

        failures = at_once([issue_now(world, outcomes, 125)] * 8)

        assert failures == [None] * 8
        assert len(outcomes) == 1000
        assert outcomes.count("bill") == 1
        assert Bill.objects.count() == 1

    @pytest.mark.acceptance("F20")
    def test_the_database_itself_refuses_a_second_bill_of_a_period(self) -> None:
        world = small_world()
        issue_now(world, [], 1)()
        again = Bill.objects.get()
        again.pk = None
        again.id = None

        with pytest.raises(Exception, match="one_bill_per_period"):
            again.save(force_insert=True)

    def test_a_clerk_and_a_run_at_once_make_one_bill(self) -> None:
        world = small_world()
        job_id = start(world, shard_size=10)
        outcomes: list[str] = []

        failures = at_once([lambda: jobs.work_on(job_id=job_id), issue_now(world, outcomes, 5)])

        assert failures[1] is None
        assert sorted(Bill.objects.values_list("account_id", flat=True)) == sorted(a.account_id for a in world.accounts)


class TestRuns:
    def test_two_workers_on_one_run_bill_each_account_once(self) -> None:
        world = small_world()
        job_id = start(world)

        done = at_once([lambda: jobs.work_on(job_id=job_id)] * 2)

        while JobShard.objects.filter(job_id=job_id, state="waiting").exists():
            jobs.work_on(job_id=job_id)
        assert all(isinstance(count, int) for count in done), done
        assert sorted(Bill.objects.values_list("account_id", flat=True)) == sorted(a.account_id for a in world.accounts)
        page = bills.get_run(BillingRun.objects.get().pk)
        assert page.run.state == "done"
        assert page.closing is not None
        assert page.closing["agrees"]

    def test_two_runs_of_one_cycle_at_once_bill_each_account_once(self) -> None:
        world = small_world()
        first, second = start(world, shard_size=2), start(world, shard_size=3)

        failures = at_once([lambda: jobs.work_on(job_id=first), lambda: jobs.work_on(job_id=second)])

        assert all(isinstance(count, int) for count in failures), failures
        assert sorted(Bill.objects.values_list("account_id", flat=True)) == sorted(a.account_id for a in world.accounts)
        assert not ledger.verify().faults

    def test_payments_and_a_run_over_the_same_accounts_wait_for_each_other_in_no_ring(self) -> None:
        world = small_world()
        job_id = start(world, shard_size=10)
        accounts = list(world.accounts)

        def payer(order: list[int]) -> Callable[[], None]:
            def act() -> None:
                for place in order * 4:
                    pay(world, fen=700, account=accounts[place])

            return act

        results = at_once(
            [lambda: jobs.work_on(job_id=job_id), payer([0, 1, 2, 3]), payer([3, 2, 1, 0]), payer([2, 0, 3, 1])]
        )

        assert results[1:] == [None, None, None]
        assert JobShard.objects.get(job_id=job_id, stage=0).attempts == 1, "the shard met a deadlock"
        for account in accounts:
            bill = Bill.objects.get(account=account.account_id)
            now = balance(account.account_id)
            assert now.receivable_fen == bill.open_fen
            assert bill.total_fen - bill.open_fen + now.prepayment_fen == 3 * 4 * 700
        assert not ledger.verify().faults
