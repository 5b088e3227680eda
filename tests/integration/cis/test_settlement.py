"""What payments do to bills: oldest first, surplus ahead, and the way back; whatever happens, the books agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cis.models import Bill, BillingRun, LedgerTransfer
from cis.operations import billing, ledger, settlement
from cis.operations.settlement import Settlement, settle, unsettle
from cis.queries.ledger import balance
from config.shared import jobs
from config.shared.money import MAX_FEN
from tests.factories.bills import issue
from tests.factories.world import AT, World, small_world

pytestmark = pytest.mark.django_db

DAY = date(2026, 2, 3)


def pay(world: World, fen: int, payment_id: int = 1) -> Settlement:
    with transaction.atomic():
        return settle(
            account_id=world.residential.account_id,
            amount_fen=fen,
            payment_id=payment_id,
            clearing="CASH",
            at=AT,
            business_date=DAY,
            actor_id=world.clerk_a_id,
        )


def take_back(world: World, settled: Settlement, payment_id: int = 1, reversal_id: int = 1) -> None:
    with transaction.atomic():
        unsettle(
            account_id=world.residential.account_id,
            payment_id=payment_id,
            reversal_id=reversal_id,
            allocations=[(a.bill_id, a.amount_fen) for a in settled.allocations],
            prepaid_fen=settled.prepaid_fen,
            clearing="CASH",
            at=AT,
            business_date=DAY,
            actor_id=world.clerk_a_id,
        )


def open_fen() -> list[int]:
    return list(Bill.objects.order_by("due_on", "id").values_list("open_fen", flat=True))


def bill_everybody(cycle: int) -> None:
    run_id = billing.start_run(cycle=cycle, org_unit_id=None, created_by_id=None, at=AT)
    job_id = BillingRun.objects.get(pk=run_id).job_id
    assert job_id is not None
    jobs.work_on(job_id=job_id)


class TestAllocation:
    @pytest.fixture
    def world(self) -> World:
        """Three open bills of 300, 200 and 100 fen; the one that was issued last is due first."""
        world = small_world()
        issue(world, 200, cycle=world.cycles[1])
        issue(world, 100, cycle=world.cycles[2])
        issue(world, 300, cycle=world.cycles[0])
        return world

    def test_the_oldest_due_date_comes_first(self, world: World) -> None:
        settled = pay(world, 450)

        assert [a.amount_fen for a in settled.allocations] == [300, 150]
        assert settled.prepaid_fen == 0
        assert open_fen() == [0, 50, 100]

    def test_a_part_payment_leaves_the_rest_open(self, world: World) -> None:
        pay(world, 299)

        assert open_fen() == [1, 200, 100]

    def test_the_surplus_is_kept_as_prepayment(self, world: World) -> None:
        settled = pay(world, 601)

        assert len(settled.allocations) == 3
        assert settled.prepaid_fen == balance(world.residential.account_id).prepayment_fen == 1
        assert open_fen() == [0, 0, 0]

    def test_bill_numbers_come_back_with_the_parts(self, world: World) -> None:
        numbers = [a.bill_no for a in pay(world, 600).allocations]

        assert numbers == [str(bill) for bill in Bill.objects.order_by("due_on")]

    @pytest.mark.parametrize("fen", [0, -1, MAX_FEN + 1])
    def test_an_amount_out_of_bounds_is_refused(self, world: World, fen: int) -> None:
        with pytest.raises(settlement.AmountRefused):
            pay(world, fen)

    def test_an_unknown_account_is_refused(self, world: World) -> None:
        with pytest.raises(settlement.AccountHasNoLedger):
            settle(
                account_id=999_999,
                amount_fen=1,
                payment_id=1,
                clearing="CASH",
                at=AT,
                business_date=DAY,
                actor_id=None,
            )


class TestPrepayment:
    def test_the_next_bill_draws_on_it(self) -> None:
        world = small_world()
        account = world.residential.account_id
        pay(world, 1_000)

        bill_everybody(world.cycle)

        bill = Bill.objects.get(account=account)
        assert bill.total_fen > 1_000
        assert bill.open_fen == bill.total_fen - 1_000
        assert balance(account).prepayment_fen == 0
        assert balance(account).receivable_fen == bill.open_fen
        assert not ledger.verify().faults

    def test_a_large_one_pays_the_whole_bill_and_keeps_its_rest(self) -> None:
        world = small_world()
        account = world.residential.account_id
        pay(world, 10**7)

        bill_everybody(world.cycle)

        bill = Bill.objects.get(account=account)
        assert bill.open_fen == 0
        assert balance(account).prepayment_fen == 10**7 - bill.total_fen
        others = Bill.objects.exclude(account=account)
        assert all(other.open_fen == other.total_fen > 0 for other in others)


class TestTakingBack:
    def test_every_transfer_is_mirrored_and_the_bills_are_open_again(self) -> None:
        world = small_world()
        issue(world, 300)
        before = balance(world.residential.account_id)
        settled = pay(world, 500)

        take_back(world, settled)

        assert open_fen() == [300]
        assert balance(world.residential.account_id) == before
        moved = LedgerTransfer.objects.filter(kind=3).values_list("debit_id", "credit_id", "amount_fen", "leg")
        back = LedgerTransfer.objects.filter(kind=4).values_list("credit_id", "debit_id", "amount_fen", "leg")
        assert sorted(moved) == sorted(back)
        assert not ledger.verify().faults

    def test_spent_prepayment_is_refused(self) -> None:
        world = small_world()
        settled = pay(world, 1_000)
        bill_everybody(world.cycle)

        with pytest.raises(settlement.PrepaymentSpent):
            take_back(world, settled)

    def test_a_bill_that_was_corrected_since_is_refused(self) -> None:
        world = small_world()
        issue(world, 300)
        settled = pay(world, 300)
        issue(world, 250, revision=1)

        with pytest.raises(settlement.BillCorrected):
            take_back(world, settled)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("bill"), st.integers(1, 2_000)),
        st.tuples(st.just("pay"), st.integers(1, 3_000)),
        st.tuples(st.just("back"), st.integers(0, 30)),
    ),
    max_size=14,
)


class TestAnySequence:
    @given(acts=ACTS)
    @settings(
        max_examples=12,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def test_of_bills_payments_and_reversals_keeps_the_books(self, acts: Sequence[tuple[str, int]]) -> None:
        """
        A model of ten lines walks along: nothing is applied beyond a bill, receivable is what is open, money is kept.
        """
        with transaction.atomic():
            world = small_world()
            account = world.residential.account_id
            paid: dict[int, Settlement] = {}
            cash = billed = 0
            for step, (act, number) in enumerate(acts, start=1):
                if act == "bill":
                    cycle = 199001 + step // 12 * 100 + step % 12
                    issue(world, number, cycle=cycle)
                    billed += number
                elif act == "pay":
                    paid[step] = pay(world, number, payment_id=step)
                    assert sum(a.amount_fen for a in paid[step].allocations) + paid[step].prepaid_fen == number
                    cash += number
                elif paid:
                    key = sorted(paid)[number % len(paid)]
                    settled = paid.pop(key)
                    take_back(world, settled, payment_id=key, reversal_id=step)
                    cash -= sum(a.amount_fen for a in settled.allocations) + settled.prepaid_fen
                now = balance(account)
                still_open = sum(open_fen())
                applied = sum(a.amount_fen for settled in paid.values() for a in settled.allocations)
                assert now.receivable_fen == still_open == billed - applied
                assert now.prepayment_fen == cash - applied >= 0
                assert all(0 <= bill.open_fen <= bill.total_fen for bill in Bill.objects.all())
            assert not ledger.verify().faults
            transaction.set_rollback(True)
