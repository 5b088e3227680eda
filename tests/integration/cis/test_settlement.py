"""What payments do to bills: oldest first, surplus ahead, and the way back; whatever happens, the books agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cis.models import Bill, BillingRun, LateFeeCharge, LedgerTransfer
from cis.operations import billing, ledger, settlement
from cis.operations.settlement import Settlement, settle, unsettle
from cis.queries import dues
from cis.queries.ledger import balance
from config.shared import jobs
from config.shared.money import MAX_FEN
from tests.factories.bills import issue
from tests.factories.world import AT, World, small_world

pytestmark = pytest.mark.django_db

DAY = date(2026, 2, 3)


# Before the first bill is due: no late fee runs yet.
EARLY = datetime(2025, 12, 10, 2, 0, tzinfo=UTC)


def pay(world: World, fen: int, payment_id: int = 1, *, at: datetime = EARLY, chosen: Sequence[int] = ()) -> Settlement:
    with transaction.atomic():
        return settle(
            account_id=world.residential.account_id,
            amount_fen=fen,
            payment_id=payment_id,
            clearing="CASH",
            at=at,
            business_date=DAY,
            actor_id=world.clerk_a_id,
            chosen=chosen,
        )


def take_back(world: World, settled: Settlement, payment_id: int = 1, reversal_id: int = 1) -> None:
    with transaction.atomic():
        unsettle(
            account_id=world.residential.account_id,
            payment_id=payment_id,
            reversal_id=reversal_id,
            allocations=[(a.bill_id, a.amount_fen, a.fee_fen) for a in settled.allocations],
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
        st.tuples(st.just("chosen"), st.integers(1, 3_000)),
        st.tuples(st.just("back"), st.integers(0, 30)),
        st.tuples(st.just("days"), st.integers(1, 90)),
    ),
    max_size=16,
)
RULES = {"": "fee_then_principal", "地方变体": "principal_first"}


class TestAnySequence:
    @pytest.mark.acceptance("F48")
    @pytest.mark.parametrize("province", RULES)
    @given(acts=ACTS)
    @example(acts=[("bill", 900), ("bill", 700), ("days", 80), ("pay", 500), ("days", 3), ("chosen", 600), ("back", 0)])
    @settings(
        max_examples=10,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def test_of_bills_payments_and_reversals_keeps_the_books(
        self, province: str, acts: Sequence[tuple[str, int]], settings: Any
    ) -> None:
        """
        A model of some lines walks along: what is applied and what is kept is the payment, nothing is applied beyond a
        bill and its late fee, the rule's order holds, receivable is what is open, money is kept.
        """
        settings.COLLECTING_PROVINCE = province
        with transaction.atomic():
            world = small_world()
            account = world.residential.account_id
            paid: dict[int, Settlement] = {}
            cash, billed, now_at, paid_at = 0, 0, EARLY, dict[int, datetime]()
            for step, (act, number) in enumerate(acts, start=1):
                if act == "bill":
                    issue(world, number, cycle=202501 + step // 12 * 100 + step % 12)
                    billed += number
                elif act == "days":
                    now_at += timedelta(days=number)
                elif act in ("pay", "chosen"):
                    owed = dues.get_dues(account_id=account, on=now_at.date()).open_bills
                    chosen = [bill.bill_id for bill in owed[-2:]] if act == "chosen" else []
                    paid[step] = pay(world, number, payment_id=step, at=now_at, chosen=chosen)
                    paid_at[step] = now_at
                    self.check_split(number, paid[step], owed, chosen, RULES[province])
                    cash += number
                elif paid:
                    key = sorted(paid)[number % len(paid)]
                    if paid_at[key] != now_at:
                        # Taken back on its own day only; afterwards it is a refund.
                        continue
                    settled = paid.pop(key)
                    take_back(world, settled, payment_id=key, reversal_id=step)
                    cash -= sum(a.amount_fen for a in settled.allocations) + settled.prepaid_fen
                now = balance(account)
                charges = LateFeeCharge.objects.aggregate(
                    fee=Sum("fee_fen", default=0), left=Sum("open_fen", default=0)
                )
                applied = sum(a.amount_fen for settled in paid.values() for a in settled.allocations)
                assert now.receivable_fen == sum(open_fen()) + charges["left"] == billed + charges["fee"] - applied
                assert now.prepayment_fen == cash - applied >= 0
                assert all(0 <= bill.open_fen <= bill.total_fen for bill in Bill.objects.all())
            assert not ledger.verify().faults
            transaction.set_rollback(True)

    def check_split(
        self, fen: int, settled: Settlement, owed: Sequence[dues.OpenBill], chosen: Sequence[int], rule: str
    ) -> None:
        got = {part.bill_id: part for part in settled.allocations}
        assert sum(part.amount_fen for part in got.values()) + settled.prepaid_fen == fen
        assert settled.prepaid_fen == max(0, fen - sum(bill.to_pay_fen for bill in owed))
        by_id = {bill.bill_id: bill for bill in owed}
        in_turn = [*chosen, *(bill.bill_id for bill in owed if bill.bill_id not in chosen)]
        parts: list[tuple[int, int]] = []
        for bill_id in in_turn:
            part = got.get(bill_id)
            fee = part.fee_fen if part else 0
            principal = part.amount_fen - part.fee_fen if part else 0
            parts += [(fee, by_id[bill_id].late_fee_fen), (principal, by_id[bill_id].open_fen)]
        if rule == "principal_first":
            parts = parts[1::2] + parts[::2]
        filled = [(part, want) for part, want in parts if want]
        assert all(0 <= part <= want for part, want in filled)
        # Filled up in turn: whoever stands behind somebody that is not filled gets nothing.
        gaps = [place for place, (part, want) in enumerate(filled) if part < want]
        assert not gaps or not any(part for part, _want in filled[gaps[0] + 1 :])
