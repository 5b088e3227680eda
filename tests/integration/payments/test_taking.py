"""Taking money at a counter."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cis.models import Account, Bill
from cis.operations import ledger, settlement
from cis.queries.ledger import balance
from config.shared.errors import Refused
from config.shared.models import Message, OutboxEvent
from config.shared.money import MAX_FEN
from payments import handlers, operations
from payments.events import PaymentReceived
from payments.models import Allocation, Payment
from payments.operations import TakenPayment
from tests.factories.bills import issue
from tests.factories.messages import text_of
from tests.factories.world import World, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db(transaction=True)

CLERKS = 8
# After the day of the small world, before the other bill: the older one, and no late fee runs.
SOON = date(2026, 2, 10)


def together(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the acts in as many threads, let them begin at one moment, give what each returned or raised."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            gate.wait()
            return act()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def open_fen(bill_no: str) -> int:
    return Bill.objects.get(pk=int(bill_no[6:])).open_fen


class TestAPayment:
    def test_goes_to_the_oldest_bill_first_and_the_surplus_to_prepayment(self) -> None:
        world = small_world()
        newer, older = issue(world, 5_000, cycle=202601), issue(world, 3_000, cycle=202511, due_on=SOON)

        taken = pay(world, fen=10_000)

        assert [(a.bill_no, a.amount_fen) for a in taken.allocations] == [(older, 3_000), (newer, 5_000)]
        assert taken.prepaid_fen == 2_000
        assert (open_fen(older), open_fen(newer)) == (0, 0)
        assert balance(world.residential.account_id).prepayment_fen == 2_000
        assert ledger.verify().faults == ()

    def test_that_is_too_small_pays_a_part_of_the_oldest_bill(self) -> None:
        world = small_world()
        older, newer = issue(world, 3_000, cycle=202511, due_on=SOON), issue(world, 5_000, cycle=202601)

        pay(world, fen=1)

        assert (open_fen(older), open_fen(newer)) == (2_999, 5_000)

    def test_keeps_parts_that_add_up_to_it(self) -> None:
        world = small_world()
        issue(world, 3_000)

        taken = pay(world, fen=3_333)

        parts = sum(Allocation.objects.filter(payment_id=taken.payment_id).values_list("amount_fen", flat=True))
        assert parts + Payment.objects.get(pk=taken.payment_id).prepaid_fen == 3_333

    def test_has_a_receipt_number_of_its_day_and_id(self) -> None:
        world = small_world()

        taken = pay(world, fen=100)

        assert taken.receipt_no == f"20260203{taken.payment_id:010d}"

    @pytest.mark.parametrize("fen", [0, -1, -(10**11), MAX_FEN + 1, 10**15])
    def test_of_an_impossible_amount_is_refused_and_leaves_nothing(self, fen: int) -> None:
        world = small_world()

        with pytest.raises(settlement.AmountRefused) as refused:
            pay(world, fen=fen)

        assert refused.value.code == "amount-refused"
        assert "元" in refused.value.message or "大于 0" in refused.value.message
        assert not Payment.objects.exists()

    def test_of_the_largest_amount_is_taken(self) -> None:
        world = small_world()

        assert pay(world, fen=MAX_FEN).prepaid_fen == MAX_FEN

    def test_for_an_account_that_does_not_exist_is_refused(self) -> None:
        world = small_world()

        with pytest.raises(settlement.AccountHasNoLedger):
            pay(world, fen=100, account_id=999_999)

    def test_of_a_closed_account_may_settle_its_debt_and_no_more(self) -> None:
        world = small_world()
        issue(world, 3_000)
        Account.objects.filter(pk=world.residential.account_id).update(state="closed")

        with pytest.raises(operations.AccountClosed):
            pay(world, fen=3_001)

        assert pay(world, fen=3_000).prepaid_fen == 0

    def test_by_a_method_no_counter_takes_is_refused(self) -> None:
        world = small_world()

        with pytest.raises(operations.MethodUnknown):
            pay(world, fen=100, method="wallet")

    def test_tells_the_house_and_the_customer_once(self) -> None:
        world = small_world(at=timezone.now())
        taken = pay(world, fen=100)
        event = PaymentReceived(**OutboxEvent.objects.get(name="payments.payment-received").payload)

        handlers.send_receipt_notice(event)
        handlers.send_receipt_notice(event)

        message = Message.objects.get(template="payment-received", channel="sms")
        assert taken.receipt_no in text_of(message)

    def test_of_long_ago_wakes_nobody(self) -> None:
        world = small_world()
        taken = pay(world, fen=100)

        operations.tell_payer(payment_id=taken.payment_id, at=world.at + timedelta(days=3))

        assert not Message.objects.exists()


class TestTheSameKey:
    def test_gives_the_first_payment_again(self) -> None:
        world = small_world()
        issue(world, 3_000)
        first = pay(world, fen=3_000, key="form-key-1")

        again = pay(world, fen=3_000, key="form-key-1")

        assert again.is_repeat and not first.is_repeat
        assert (again.payment_id, again.receipt_no, again.allocations) == (
            first.payment_id,
            first.receipt_no,
            first.allocations,
        )
        assert Payment.objects.count() == 1

    def test_with_another_amount_account_or_method_is_refused(self) -> None:
        world = small_world()
        first = pay(world, fen=3_000, key="form-key-1")

        for other in ({"fen": 3_001}, {"fen": 3_000, "account": world.commercial}, {"fen": 3_000, "method": "card"}):
            with pytest.raises(operations.KeyUsedOtherwise) as refused:
                pay(world, key="form-key-1", **other)
            assert refused.value.code == "key-used-otherwise"
            assert first.receipt_no in refused.value.message

    def test_of_no_form_is_refused(self) -> None:
        world = small_world()

        for key in ("short", "with space and more", "x" * 100):
            with pytest.raises(operations.UnusableKey):
                pay(world, fen=1, key=key)

    def test_from_eight_clerks_at_once_makes_one_payment(self) -> None:
        world = small_world()
        bill_no = issue(world, 18_640)

        answers = together([lambda: pay(world, fen=18_640, key="one-drawn-form")] * CLERKS)

        assert all(isinstance(answer, TakenPayment) for answer in answers), answers
        assert {answer.payment_id for answer in answers} == {Payment.objects.get().pk}
        assert sorted(answer.is_repeat for answer in answers) == [False] + [True] * (CLERKS - 1)
        assert open_fen(bill_no) == 0
        assert balance(world.residential.account_id).prepayment_fen == 0
        assert ledger.verify().faults == ()

    def test_for_eight_accounts_at_once_makes_one_payment(self) -> None:
        world = small_world()

        answers = together([partial(pay, world, fen=100, key="one-drawn-form", account=a) for a in world.accounts])

        assert sum(isinstance(answer, TakenPayment) for answer in answers) == 1
        assert sum(isinstance(answer, operations.KeyUsedOtherwise) for answer in answers) == len(world.accounts) - 1


class TestDifferentKeys:
    def test_from_eight_clerks_at_once_leave_the_surplus_as_prepayment(self) -> None:
        world = small_world()
        bill_no = issue(world, 18_640)

        answers = together([lambda: pay(world, fen=18_640)] * CLERKS)

        assert all(isinstance(answer, TakenPayment) for answer in answers), answers
        assert Payment.objects.count() == CLERKS
        assert sum(a.amount_fen for answer in answers for a in answer.allocations) == 18_640
        assert open_fen(bill_no) == 0
        assert balance(world.residential.account_id).prepayment_fen == 18_640 * (CLERKS - 1)
        assert ledger.verify().faults == ()


class TestAnyHall:
    """Acceptance 001-40, 002-06, 004-02, 004-08, 004-09: no area wall for handling or payment."""

    def test_takes_the_money_of_any_customer(self) -> None:
        world = small_world()
        halls = (world.hall_a_id, world.hall_b_id, world.hall_c_id)
        clerks = (world.clerk_a_id, world.clerk_b_id)

        for hall in halls:
            for clerk in clerks:
                for account in world.accounts:
                    taken = pay(world, fen=100, account=account, org_unit_id=hall, received_by_id=clerk)
                    assert not taken.is_repeat

        assert Payment.objects.count() == len(halls) * len(clerks) * len(world.accounts)


class TestAReversal:
    def test_gives_every_account_back_what_it_had(self) -> None:
        world = small_world()
        older, newer = issue(world, 3_000, cycle=202511, due_on=SOON), issue(world, 5_000, cycle=202601)
        before = balance(world.residential.account_id)
        taken = pay(world, fen=9_000)

        operations.reverse_payment(
            payment_id=taken.payment_id, reason="金额录错", reversed_by_id=world.clerk_a_id, at=world.at
        )

        assert balance(world.residential.account_id) == before
        assert (open_fen(older), open_fen(newer)) == (3_000, 5_000)
        assert ledger.verify().faults == ()

    def test_mirrors_each_transfer(self) -> None:
        world = small_world()
        issue(world, 3_000)
        taken = pay(world, fen=9_000)

        reversed_payment = operations.reverse_payment(
            payment_id=taken.payment_id, reason="金额录错", reversed_by_id=world.clerk_a_id, at=world.at
        )

        legs = (
            "SELECT leg, debit_id, credit_id, amount_fen FROM cis_ledger_transfer WHERE kind = %s AND document_id = %s"
        )
        with connection.cursor() as cursor:
            cursor.execute(legs, [3, taken.payment_id])
            booked = {(leg, credit, debit, fen) for leg, debit, credit, fen in cursor.fetchall()}
            cursor.execute(legs, [4, reversed_payment.reversal_id])
            mirrored = set(cursor.fetchall())
        assert booked == mirrored and len(booked) == 2

    def test_happens_once_whoever_asks_at_once(self) -> None:
        world = small_world()
        taken = pay(world, fen=9_000)

        answers = together([lambda: _reverse(world, taken)] * CLERKS)

        assert sum(isinstance(answer, operations.ReversedPayment) for answer in answers) == 1
        assert sum(isinstance(answer, operations.AlreadyReversed) for answer in answers) == CLERKS - 1

    def test_wants_a_reason(self) -> None:
        world = small_world()
        taken = pay(world, fen=9_000)

        with pytest.raises(operations.ReasonMissing):
            _reverse(world, taken, reason="  ")

    def test_is_refused_on_another_day(self) -> None:
        world = small_world()
        taken = pay(world, fen=9_000)

        with pytest.raises(operations.NotSameDay):
            _reverse(world, taken, at=world.at.replace(day=4))

    def test_is_refused_when_the_bill_was_corrected_since(self) -> None:
        world = small_world()
        bill_no = issue(world, 3_000)
        taken = pay(world, fen=3_000)
        issue(world, 2_500, revision=1)

        with pytest.raises(settlement.BillCorrected) as refused:
            _reverse(world, taken)

        assert bill_no in refused.value.message
        assert open_fen(bill_no) == 0

    def test_is_refused_in_a_hall_that_does_not_hold_the_money(self) -> None:
        world = small_world()
        taken = pay(world, fen=9_000)

        with pytest.raises(operations.OtherHall):
            _reverse(world, taken, within=["/999/"])

    def test_leaves_its_key_used(self) -> None:
        world = small_world()
        taken = pay(world, fen=9_000, key="form-key-1")
        _reverse(world, taken)

        assert pay(world, fen=9_000, key="form-key-1").payment_id == taken.payment_id
        assert Payment.objects.count() == 1

    def test_of_an_unknown_payment_is_not_found(self) -> None:
        world = small_world()

        with pytest.raises(Refused) as refused:
            operations.reverse_payment(payment_id=999, reason="x", reversed_by_id=world.clerk_a_id, at=world.at)

        assert refused.value.code == "not-found"


def _reverse(world: World, taken: TakenPayment, **changed: Any) -> operations.ReversedPayment:
    return operations.reverse_payment(
        **{
            "payment_id": taken.payment_id,
            "reason": "金额录错",
            "reversed_by_id": world.clerk_a_id,
            "at": world.at,
            **changed,
        }
    )
